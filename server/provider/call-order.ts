/**
 * The order in which an answer can be read: one call is finished before
 * anything else begins. Providers may write several calls in turns; many a
 * program takes the beginning of the next for the end of the one before.
 */
import type { ProviderEvent } from './events.ts'
import { JsonEnd } from './json-end.ts'

/** Bytes that are held while a call is not finished; at more, it counts as finished. */
const maxHeldBytes = 256 * 1024

/** What an event costs beside its text. */
const eventBytes = 64

type KeyedEvent = Extract<ProviderEvent, { key: string }>

interface OpenCall {
  readonly key: string
  name: string
  arguments: string
  readonly argumentsEnd: JsonEnd
}

/**
 * Holds what begins while a call is not finished, and gives it in the order in
 * which it began. A call is finished when it has a name and its arguments are a
 * whole JSON value, or with its end. Calls that the provider runs itself are
 * held as others are, and hold up nothing.
 */
export class CallOrder {
  readonly #maxHeldBytes: number
  /** The call that is written; nothing is held while there is none. */
  #call: OpenCall | null = null
  /** What is held, by its block. */
  readonly #held = new Map<string, KeyedEvent[]>()
  #heldBytes = 0

  constructor(bound: number = maxHeldBytes) {
    this.#maxHeldBytes = bound
  }

  /** What can be written now that this event has come. */
  next(event: ProviderEvent): ProviderEvent | ProviderEvent[] | null {
    if (event.type === 'finish') return this.#held.size === 0 ? event : [...this.rest(), event]
    // Of no block.
    if (!('key' in event)) return event
    const call = this.#call
    if (call !== null && event.key !== call.key && this.#isAside(event)) return event
    if (call === null || event.key === call.key || (this.#held.size === 0 && isFinished(call))) {
      this.#pass(event)
      return this.#held.size === 0 ? event : [event, ...this.#release()]
    }
    this.#hold(event)
    return this.#heldBytes > this.#maxHeldBytes ? this.rest() : null
  }

  /** All that is held: nothing more comes. */
  rest(): ProviderEvent[] {
    const events: ProviderEvent[] = []
    while (this.#held.size > 0) {
      this.#call = null
      events.push(...this.#release())
    }
    return events
  }

  /** Says nothing, of a block that began before: it ends, or is set. */
  #isAside({ type, key }: KeyedEvent): boolean {
    return (type === 'block_end' || type === 'block_set' || type === 'block_type') && !this.#held.has(key)
  }

  #hold(event: KeyedEvent): void {
    const events = this.#held.get(event.key)
    if (events) events.push(event)
    else this.#held.set(event.key, [event])
    this.#heldBytes += sizeOf(event)
  }

  /** Block by block, up to a call that is not finished. */
  #release(): ProviderEvent[] {
    const released: ProviderEvent[] = []
    for (const [key, events] of this.#held) {
      if (this.#call !== null && !isFinished(this.#call)) break
      this.#held.delete(key)
      for (const event of events) {
        this.#pass(event)
        this.#heldBytes -= sizeOf(event)
        released.push(event)
      }
    }
    return released
  }

  #pass(event: KeyedEvent): void {
    const call = this.#call
    if (call?.key !== event.key) this.#call = callOf(event)
    else if (event.type === 'block_end') this.#call = null
    else if (event.type === 'block_set' && typeof event.fields.name === 'string') call.name = event.fields.name
    else if (event.type === 'delta' && event.field === 'arguments') {
      call.arguments += event.text
      call.argumentsEnd.push(event.text)
    }
  }
}

function callOf(event: KeyedEvent): OpenCall | null {
  if (event.type !== 'block_start' || event.block.type !== 'tool_call' || event.block.executor === 'provider')
    return null
  return { key: event.key, name: event.block.name, arguments: '', argumentsEnd: new JsonEnd() }
}

function isFinished({ name, arguments: text, argumentsEnd }: OpenCall): boolean {
  return name !== '' && argumentsEnd.isClosed(text)
}

function sizeOf(event: KeyedEvent): number {
  if (event.type === 'delta') return eventBytes + event.text.length * 2
  if (event.type === 'file') return eventBytes + event.data.length
  return eventBytes + JSON.stringify(event).length * 2
}
