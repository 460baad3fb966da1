import type { MessageChange } from '../../../shared/events.ts'
import type { DoorField } from '../../../shared/block-types.ts'
import { doorOf, doorText } from '../../../shared/known-types.ts'
import type { Block, Message } from '../../../shared/schema.ts'
import { callJson, headOf, usageJson } from './completion.ts'
import { failureBody } from './failure.ts'
import { isHandedBack, type Failure, type FinishReason } from './outcome.ts'
import type { AnswerEncoder } from './speech.ts'

/** A block of which the caller is told. */
interface Told {
  /** Where its text stands in a delta. */
  readonly field: DoorField
  /** Which of its texts that is. */
  readonly text: string
  /** So many UTF-16 units of its text, as it is now, have been sent. */
  sent: number
  call: Call | null
}

interface Call {
  readonly index: number
  id: string
  name: string
  /** Its first fragment was sent, with the name. Until then its arguments are held. */
  isTold: boolean
  held: string
}

/**
 * The `chat.completion.chunk` frames of one message, for one caller. What has
 * been sent cannot be taken back: where a filter rewrites it afterwards, only
 * the document knows.
 */
export class ChunkEncoder implements AnswerEncoder {
  readonly #ids: Omit<ReturnType<typeof headOf>, 'model'>
  #head = ''
  readonly #tail: string
  readonly #includeUsage: boolean
  readonly #customTools: ReadonlySet<string>
  readonly #told = new Map<string, Told>()
  #calls = 0

  /**
   * @param message tells id, time and model
   * @param customTools names of the caller's tools that take any text
   */
  constructor(message: Message, includeUsage: boolean, customTools: ReadonlySet<string> = new Set()) {
    const { model, ...ids } = headOf(message)
    this.#ids = ids
    this.#answersAs(model)
    this.#tail = includeUsage ? '],"usage":null}\n\n' : ']}\n\n'
    this.#includeUsage = includeUsage
    this.#customTools = customTools
  }

  begin(): string {
    return this.#chunk('"role":"assistant","content":""')
  }

  /** `whole`: a call that has no name yet will have none. */
  difference({ output, model }: Pick<Message, 'output' | 'model'>, whole = false): string {
    if (model !== undefined) this.#answersAs(model)
    let text = ''
    for (const block of output) {
      const told = this.#told.get(block.id) ?? this.#tell(block)
      if (!told) continue
      if (told.call && block.type === 'tool_call') text += this.#identify(told, block.callId, block.name, whole)
      const value = doorText(block)
      if (told.call?.isTold === false) told.call.held = value
      else text += this.#append(told, value.slice(told.sent))
      told.sent = value.length
    }
    return text
  }

  changes(changes: readonly MessageChange[]): string {
    this.#hearModel(changes)
    let text = ''
    for (const change of changes) {
      if (change.type === 'block') text += this.difference({ output: [change.block] })
      const told = 'block' in change && typeof change.block === 'string' ? this.#told.get(change.block) : undefined
      if (!told) continue
      if (change.type === 'delta' && change.field === told.text) {
        const isTail = change.offset >= told.sent
        this.#shift(told, change.offset, change.delete ?? 0, change.insert.length, true)
        if (isTail) text += this.#append(told, change.insert)
      } else if (change.type === 'set' && told.call) {
        const { callId = told.call.id, name = told.call.name } = change.fields
        text += this.#identify(told, String(callId), String(name), false)
      }
    }
    return text
  }

  skip(changes: readonly MessageChange[]): void {
    this.#hearModel(changes)
    for (const change of changes) {
      if (change.type !== 'delta') continue
      const told = this.#told.get(change.block)
      if (told && change.field === told.text)
        this.#shift(told, change.offset, change.delete ?? 0, change.insert.length, false)
    }
  }

  /** Finish reason, usage if it was asked for, and the mark of a good end. */
  end({ usage }: Message, finishReason: FinishReason): string {
    const last = `${this.#head}{"index":0,"delta":{},"finish_reason":"${finishReason}"}${this.#tail}`
    const counts = this.#includeUsage
      ? `${this.#head}],"usage":${JSON.stringify(usage ? usageJson(usage) : null)}}\n\n`
      : ''
    return `${last}${counts}data: [DONE]\n\n`
  }

  failure(failure: Failure): string {
    return `data: ${JSON.stringify(failureBody(failure))}\n\n`
  }

  /** Another model may answer than the one that was asked. */
  #hearModel(changes: readonly MessageChange[]): void {
    for (const change of changes)
      if (change.type === 'message' && typeof change.fields.model === 'string') this.#answersAs(change.fields.model)
  }

  #answersAs(model: string): void {
    const { id, created } = this.#ids
    this.#head = `data: ${JSON.stringify({ id, object: 'chat.completion.chunk', created, model }).slice(0, -1)},"choices":[`
  }

  #tell(block: Block): Told | null {
    const door = doorOf(block.type)
    if (!door || (door.field === 'tool_calls' && !isHandedBack(block))) return null
    const call = isHandedBack(block)
      ? { index: this.#calls++, id: block.callId, name: block.name, isTold: false, held: '' }
      : null
    const told: Told = { ...door, sent: 0, call }
    this.#told.set(block.id, told)
    return told
  }

  /** Text changes at an offset: how much of it counts as sent from now on. */
  #shift(told: Told, offset: number, deleted: number, inserted: number, isSent: boolean): void {
    if (offset >= told.sent) told.sent += isSent ? inserted : 0
    else if (offset + deleted <= told.sent) told.sent += inserted - deleted
    // It reaches into what was not sent: the caller gets what stands there now.
    else told.sent = offset
  }

  /** A call's id and name, in its first fragment; what comes late in one of its own. */
  #identify(told: Told, id: string, name: string, whole: boolean): string {
    const call = told.call!
    const before = { ...call }
    call.id = id
    call.name = name
    const { index } = call
    if (before.isTold) {
      // Only what is new: there are clients that join what comes twice, as they do with a name in pieces.
      const rest = name.startsWith(before.name) ? name.slice(before.name.length) : name
      const late = { ...(id !== before.id && { id }), ...(name !== before.name && { function: { name: rest } }) }
      return Object.keys(late).length === 0 ? '' : this.#call(JSON.stringify({ index, ...late }))
    }
    if (name === '' && !whole) return ''
    call.isTold = true
    call.held = ''
    return this.#call(
      JSON.stringify({ index, ...callJson({ callId: id, name, arguments: before.held }, this.#customTools) }),
    )
  }

  #append(told: Told, text: string): string {
    if (text === '') return ''
    if (!told.call) return this.#chunk(`"${told.field}":${JSON.stringify(text)}`)
    const { call } = told
    if (call.isTold) {
      const head = this.#customTools.has(call.name) ? '"custom":{"input"' : '"function":{"arguments"'
      return this.#call(`{"index":${call.index},${head}:${JSON.stringify(text)}}}`)
    }
    call.held += text
    return ''
  }

  #call(fragment: string): string {
    return this.#chunk(`"tool_calls":[${fragment}]`)
  }

  #chunk(delta: string): string {
    return `${this.#head}{"index":0,"delta":{${delta}},"finish_reason":null}${this.#tail}`
  }
}
