/** The tool calls of one choice, put together from fragments. */
import { isDeepStrictEqual } from 'node:util'
import { cleanJson, type Json, type JsonObject } from '../../shared/schema.ts'
import { argumentsOf, idOf, indexOf, stringOf } from './call-fields.ts'
import type { ProviderEvent } from './events.ts'
import { isFields, type Fields } from './frames.ts'
import { isJson, JsonEnd } from './json-end.ts'

interface Call {
  key: string
  id: string
  /** The id, or the one that it got here for want of one of its own: a result must find its call. */
  shownId: string
  name: string
  /** Its input is a text and no JSON. */
  isCustom: boolean
  arguments: string
  readonly argumentsEnd: JsonEnd
  /** It has begun for the reader. Until then its arguments wait. */
  isShown: boolean
  /** The call that this one may only repeat: it is shown when its arguments differ. */
  twin: Call | null
  /** So much came behind whole arguments that repeats their beginning. */
  echoed: number
  /** `{}` or `null`, which may keep the place free for the arguments that follow. */
  placeholder: string
  extra: Json | undefined
}

/**
 * A fragment belongs to the call of its id, else of its index, else to the last
 * one. A name begins a call; so a fragment without one that fits nowhere never
 * joins another call, it is not understood.
 */
export class ChatCalls {
  readonly #events: ProviderEvent[]
  readonly #onUnknown: (path: string) => void
  readonly #calls: Call[] = []
  readonly #byIndex = new Map<number, Call>()
  /** The first call of each id that the provider gave. */
  readonly #byId = new Map<string, Call>()
  readonly #shownIds = new Set<string>()
  #shown = 0
  #isLegacy = true

  constructor(events: ProviderEvent[], onUnknown: (path: string) => void) {
    this.#events = events
    this.#onUnknown = onUnknown
  }

  get holdsAny(): boolean {
    return this.#shown > 0
  }

  /** Takes an entry of `delta.tool_calls`, where anything may be absent, null or empty. `onBegin`: before a call is shown. */
  add(fragment: unknown, onBegin: () => void): void {
    if (!isFields(fragment)) return
    this.#isLegacy = false
    this.#add(fragment, onBegin)
  }

  /** `delta.function_call`, which servers that also send `tool_calls` only repeat. */
  legacy(called: Fields, onBegin: () => void): void {
    if (this.#isLegacy) this.#add({ function: called }, onBegin)
  }

  /** Nothing more comes: what was held back is shown, or is nothing. */
  end(): void {
    for (const call of this.#calls) {
      if (call.placeholder !== '') this.#append(call, call.placeholder)
      const { twin } = call
      if (call.isShown) continue
      // A call that says the same is the same, or its effect would happen twice.
      if (twin && (call.arguments === '' || saysSame(call.arguments, twin.arguments))) continue
      if (call.name === '') {
        this.#onUnknown('choices.delta.tool_calls')
        continue
      }
      this.#show(call)
    }
  }

  /** All calls are over. Of those that a limit may have cut, only whole arguments are worth running. */
  close(mayBeCut: boolean): void {
    const last = this.#calls.findLast(({ isShown }) => isShown)
    for (const call of this.#calls) {
      if (!call.isShown) continue
      const isCut = mayBeCut && (call.isCustom ? call === last : !isJson(call.arguments))
      this.#events.push({ type: 'block_end', key: call.key, status: isCut ? 'cancelled' : 'pending' })
    }
  }

  #add(fragment: Fields, onBegin: () => void): void {
    const isCustom = isFields(fragment.custom)
    const part = (isCustom ? fragment.custom : isFields(fragment.function) ? fragment.function : fragment) as Fields
    const index = indexOf(fragment.index)
    const id = idOf(fragment.id) || idOf(fragment.call_id)
    const name = stringOf(part.name)
    const text = argumentsOf(part) || (part === fragment ? '' : argumentsOf(fragment))
    const call = this.#find(index, id, name, text)
    if (!call) {
      if (text !== '') this.#onUnknown('choices.delta.tool_calls')
      return
    }
    call.isCustom ||= isCustom
    this.#complete(call, id, name)
    if (!call.isShown && !call.twin && call.name !== '') this.#show(call, onBegin)
    this.#grow(call, text, onBegin)
    if (fragment.extra_content) this.#extra(call, cleanJson(fragment.extra_content) as Json)
  }

  #find(index: number | undefined, id: string, name: string, text: string): Call | undefined {
    const at = index === undefined ? undefined : this.#byIndex.get(index)
    const own = id === '' ? undefined : this.#byId.get(id)
    if (own && (name === '' || own.name === '' || own.name === name)) return this.#known(own, at, index, name)
    const begun = own ?? at ?? (index === undefined && id === '' ? this.#calls.at(-1) : undefined)
    if (begun && (!own || index === undefined || at === own) && goesOnWith(begun, id, name, text)) return begun
    if (at) {
      // Some servers make a new id for each fragment: only a name begins another call.
      const isOther = id !== '' && at.id !== '' && at.id !== id
      // So does one whose arguments are only the rest of some, but where any text is whole.
      const goesOn = !at.isCustom && at.name === name && at.arguments !== '' && text !== '' && !/^\s*[{]/.test(text)
      if (isOther && !goesOn && (name !== '' || this.#isWhole(at))) return this.#start(index, id, name, null)
      if (name === '' || at.name === '') return at
      if (at.name !== name) return this.#start(index, id, name, null)
      return id === '' && at.id === '' && this.#isWhole(at) ? this.#start(index, id, name, at) : at
    }
    if (index !== undefined || id !== '') return this.#start(index, id, name, null)
    const last = this.#calls.at(-1)
    if (name === '') return last
    if (!last || (last.name !== '' && last.name !== name)) return this.#start(index, id, name, null)
    return this.#isWhole(last) ? this.#start(index, id, name, last.twin ?? last) : last
  }

  /** An id that is known, perhaps at an index of another: the same call goes on, or comes a second time. */
  #known(own: Call, at: Call | undefined, index: number | undefined, name: string): Call {
    if (at?.twin === own) return at
    if (index === undefined || at === own) return own
    if (name !== '' && this.#isWhole(own)) return this.#start(index, own.id, name, own)
    this.#byIndex.set(index, own)
    return own
  }

  #start(index: number | undefined, id: string, name: string, twin: Call | null): Call {
    const call: Call = {
      key: `call-${this.#calls.length}`,
      id,
      shownId: '',
      name,
      isCustom: false,
      arguments: '',
      argumentsEnd: new JsonEnd(),
      isShown: false,
      twin,
      echoed: 0,
      placeholder: '',
      extra: undefined,
    }
    // It is compared with all that the other says.
    if (twin && twin.placeholder !== '') this.#append(twin, twin.placeholder)
    this.#calls.push(call)
    if (id !== '' && !this.#byId.has(id)) this.#byId.set(id, call)
    if (index !== undefined) this.#byIndex.set(index, call)
    return call
  }

  #show(call: Call, onBegin?: () => void): void {
    onBegin?.()
    call.isShown = true
    this.#shown += 1
    call.shownId = this.#ownId(call.id)
    this.#events.push({
      type: 'block_start',
      key: call.key,
      block: {
        type: 'tool_call',
        status: 'streaming',
        callId: call.shownId,
        name: call.name,
        executor: 'client',
      },
    })
    if (call.arguments !== '')
      this.#events.push({ type: 'delta', key: call.key, field: 'arguments', text: call.arguments })
    if (call.isCustom) this.#keep(call, { type: 'custom' })
    if (call.extra !== undefined) this.#keep(call, { extra_content: call.extra })
  }

  /** An id that no other call of this answer has. */
  #ownId(id: string): string {
    const own = id === '' || this.#shownIds.has(id) ? `call_${crypto.randomUUID().replaceAll('-', '')}` : id
    this.#shownIds.add(own)
    return own
  }

  /** An id or a name that comes late, or a name that goes on. */
  #complete(call: Call, id: string, name: string): void {
    const fields: JsonObject = {}
    if (call.id === '' && id !== '') {
      call.id = id
      if (!this.#byId.has(id)) this.#byId.set(id, call)
      if (call.isShown && !this.#shownIds.has(id)) fields.callId = call.shownId = this.#ownId(id)
    }
    if (name !== '' && name !== call.name) call.name = fields.name = joinedName(call.name, name)
    if (call.isShown && Object.keys(fields).length > 0) this.#events.push({ type: 'block_set', key: call.key, fields })
  }

  #grow(call: Call, text: string, onBegin: () => void): void {
    if (text === '') return
    if (call.placeholder !== '') {
      const { placeholder } = call
      call.placeholder = ''
      if (!text.trimStart().startsWith('{')) this.#append(call, placeholder)
    }
    if (this.#isWhole(call) && text.trim() !== '') return this.#behind(call, text)
    // So some write that there are none yet.
    if (call.arguments === '' && !call.isCustom && ['{}', 'null'].includes(text.trim())) call.placeholder = text.trim()
    else this.#append(call, text)
    const { twin } = call
    if (!twin || call.isShown || call.placeholder !== '') return
    // The same may be written in another way: what it says is known once it is whole.
    const differs = call.isCustom
      ? !twin.arguments.startsWith(text, call.arguments.length - text.length)
      : this.#isWhole(call) && !saysSame(call.arguments, twin.arguments)
    if (differs) this.#show(call, onBegin)
  }

  /** Behind whole arguments nothing can follow but the same once more. */
  #behind(call: Call, text: string): void {
    if (call.arguments.startsWith(text, call.echoed)) {
      call.echoed = (call.echoed + text.length) % call.arguments.length
      return
    }
    call.echoed = 0
    this.#onUnknown('choices.delta.tool_calls.arguments')
  }

  #append(call: Call, text: string): void {
    call.placeholder = ''
    call.arguments += text
    call.argumentsEnd.push(text)
    if (call.isShown) this.#events.push({ type: 'delta', key: call.key, field: 'arguments', text })
  }

  #isWhole(call: Call): boolean {
    return !call.isCustom && (call.placeholder !== '' || call.argumentsEnd.isClosed(call.arguments))
  }

  #extra(call: Call, extra: Json): void {
    if (call.isShown) this.#keep(call, { extra_content: extra })
    else call.extra = extra
  }

  /** What the provider wants back with the call. */
  #keep(call: Call, fields: JsonObject): void {
    this.#events.push({ type: 'provider_data', key: call.key, data: { api: 'chat', call_id: call.shownId, ...fields } })
  }
}

/**
 * Is it a piece of a name? A call without arguments so far may have half a name,
 * and two calls for one would be worse than one for two: that one is no tool, and
 * the model hears so.
 */
function goesOnWith(call: Call, id: string, name: string, text: string): boolean {
  if (name === '' || call.name === '' || call.name === name || call.arguments !== '' || call.placeholder !== '')
    return false
  if (call.name.length + name.length > maxNameChars) return false
  if (id !== '') return id === call.id
  return text === '' || name.startsWith(call.name)
}

/** Names that come in pieces end somewhere. */
const maxNameChars = 256

/** Some send the next piece, others all so far. */
function joinedName(before: string, name: string): string {
  return name.startsWith(before) ? name : before + name
}

function saysSame(one: string, other: string): boolean {
  return one === other || (isJson(one) && isJson(other) && isDeepStrictEqual(JSON.parse(one), JSON.parse(other)))
}
