import { cleanJson, type Json } from '../../shared/schema.ts'
import { isWhole } from '../../shared/wire.ts'
import type { ProviderEvent } from './events.ts'
import { isFields } from './frames.ts'
import { isJson, JsonEnd } from './json-end.ts'

interface Call {
  key: string
  id: string
  /** The id, or the one that it got here for want of one of its own: a result must find its call. */
  shownId: string
  name: string
  arguments: string
  argumentsEnd: JsonEnd
}

/** The tool calls of one choice, put together from fragments. */
export class ChatCalls {
  readonly #events: ProviderEvent[]
  readonly #calls: Call[] = []
  readonly #byIndex = new Map<number, Call>()
  /** The first call of each id that the provider gave. */
  readonly #byId = new Map<string, Call>()
  readonly #shownIds = new Set<string>()

  constructor(events: ProviderEvent[]) {
    this.#events = events
  }

  /** Takes an entry of `delta.tool_calls`, where anything may be absent, null or empty. Returns whether it began a call. */
  add(fragment: unknown): boolean {
    if (!isFields(fragment)) return false
    const part = isFields(fragment.function) ? fragment.function : {}
    const index = isWhole(fragment.index) ? fragment.index : undefined
    const id = typeof fragment.id === 'string' ? fragment.id : ''
    const name = typeof part.name === 'string' ? part.name : ''
    let call = this.#find(index, id, name)
    const isNew = call === undefined
    if (!call) call = this.#start(index, id, name)
    else this.#complete(call, id, name)
    this.#grow(call, part.arguments)
    if (fragment.extra_content) {
      this.#events.push({
        type: 'provider_data',
        key: call.key,
        data: { api: 'chat', call_id: call.shownId, extra_content: cleanJson(fragment.extra_content) as Json },
      })
    }
    return isNew
  }

  /** All calls are over. Of those that a limit may have cut, only whole arguments are worth running. */
  end(mayBeCut: boolean): void {
    for (const call of this.#calls) {
      const isCut = mayBeCut && !isJson(call.arguments)
      this.#events.push({ type: 'block_end', key: call.key, status: isCut ? 'cancelled' : 'pending' })
    }
  }

  /** By index; another id at the same index is another call. Without an index by id, else the last, unless that is whole and a name begins another. */
  #find(index: number | undefined, id: string, name: string): Call | undefined {
    if (index !== undefined) {
      const call = this.#byIndex.get(index)
      return call && id !== '' && call.id !== '' && call.id !== id ? undefined : call
    }
    if (id !== '') return this.#byId.get(id)
    const last = this.#calls.at(-1)
    return last && name !== '' && last.argumentsEnd.isWhole(last.arguments) ? undefined : last
  }

  #start(index: number | undefined, id: string, name: string): Call {
    const call: Call = {
      key: `call-${this.#calls.length}`,
      id,
      shownId: this.#ownId(id) ?? `call_${crypto.randomUUID()}`,
      name,
      arguments: '',
      argumentsEnd: new JsonEnd(),
    }
    this.#calls.push(call)
    this.#know(call)
    if (index !== undefined) this.#byIndex.set(index, call)
    this.#events.push({
      type: 'block_start',
      key: call.key,
      block: {
        type: 'tool_call',
        status: 'streaming',
        callId: call.shownId,
        name,
        executor: 'client',
      },
    })
    return call
  }

  #know(call: Call): void {
    if (call.id !== '' && !this.#byId.has(call.id)) this.#byId.set(call.id, call)
    this.#shownIds.add(call.shownId)
  }

  /** An id that no other call of this answer has. */
  #ownId(id: string): string | undefined {
    return id === '' || this.#shownIds.has(id) ? undefined : id
  }

  /** An id or a name that comes late. Where they come again, they are the same. */
  #complete(call: Call, id: string, name: string): void {
    if (call.id === '' && id !== '') {
      call.id = id
      call.shownId = this.#ownId(id) ?? call.shownId
      this.#know(call)
      this.#events.push({ type: 'block_set', key: call.key, fields: { callId: call.shownId } })
    }
    if (call.name === '' && name !== '') {
      call.name = name
      this.#events.push({ type: 'block_set', key: call.key, fields: { name } })
    }
  }

  #grow(call: Call, fragment: unknown): void {
    const text = isFields(fragment) ? JSON.stringify(fragment) : fragment
    if (typeof text !== 'string' || text === '') return
    call.arguments += text
    call.argumentsEnd.push(text)
    this.#events.push({ type: 'delta', key: call.key, field: 'arguments', text })
  }
}
