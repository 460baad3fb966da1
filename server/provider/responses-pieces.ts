/** The items of one Responses stream: what each piece of it goes to, and what begins with it. */
import type { ProviderEvent } from './events.ts'
import { placeOf, type Fields } from './frames.ts'
import { CallItem } from './responses-calls.ts'
import { MessageItem } from './responses-messages.ts'
import { Items, isCall, type Item } from './responses-places.ts'
import { ReasoningItem } from './responses-reasoning.ts'
import { SilentItem, silentItems } from './responses-silent.ts'

export class ResponseItems {
  readonly #events: ProviderEvent[]
  readonly #onUnknown: (path: string) => void
  readonly #items = new Items()
  /** The first call of each id, and the last of each kind: results name either. */
  readonly #callOfId = new Map<string, CallItem>()
  readonly #lastOfType = new Map<string, CallItem>()

  constructor(events: ProviderEvent[], onUnknown: (path: string) => void) {
    this.#events = events
    this.#onUnknown = onUnknown
  }

  /** In the order in which they came. */
  get all(): Item[] {
    return this.#items.all
  }

  /** The message that a piece belongs to. What is over does not go on: a new one begins. */
  message(event: Fields): MessageItem {
    const known = this.#items.of(event, 'message') as MessageItem | undefined
    if (known && (!known.isClosed || event.delta === '')) return known
    return this.#begin(indexOf(event), made('message', event)) as MessageItem
  }

  reasoning(event: Fields): ReasoningItem {
    const known = this.#items.of(event, 'reasoning') as ReasoningItem | undefined
    if (known && (!known.isClosed || event.delta === '')) return known
    return this.#begin(indexOf(event), made('reasoning', event)) as ReasoningItem
  }

  /** A part that is given whole, once more perhaps. */
  part(event: Fields, part: Fields): void {
    const known = this.#items.of(event, 'message') as MessageItem | undefined
    if (!known?.isClosed || !known.repeats(part)) this.message(event).wholePart(event.content_index, part)
  }

  thoughts(event: Fields, index: unknown, text: unknown, origin: 'summary' | 'field'): void {
    const known = this.#items.of(event, 'reasoning') as ReasoningItem | undefined
    if (!known?.isClosed || (typeof text === 'string' && !known.repeats(text)))
      this.reasoning(event).whole(index, text, origin)
  }

  annotation(event: Fields, name: string): void {
    const { content_index: index, annotation } = event
    const known = this.#items.of(event, 'message') as MessageItem | undefined
    if (!known?.isClosed) this.message(event).annotate(index, annotation)
    else if (!known.hasAnnotations(index)) this.#onUnknown(name)
  }

  /** Those of a call that is over are not understood, but for what it has. */
  arguments(event: Fields, name: string, text: unknown, how: 'grow' | 'whole'): void {
    const call = this.call(event)
    if (call?.isDone && !call.repeats(text)) this.#onUnknown(name)
    else call?.[how](text)
  }

  /** A call that was never announced has no name yet: its `done` item brings all of it. */
  call(event: Fields): CallItem | undefined {
    return this.#items.of(event, 'call') as CallItem | undefined
  }

  holdsReasoning(event: Fields): boolean {
    return this.#items.of(event, 'reasoning') !== undefined
  }

  /** The call that an output belongs to; one without `call_id` belongs to the last call of its kind. */
  answered(output: Fields): CallItem | undefined {
    if (typeof output.call_id === 'string') return this.#callOfId.get(output.call_id)
    const kind = String(output.type).replace(/_output$/, '')
    return [...this.#lastOfType.values()].findLast((call) => call.type.startsWith(kind))
  }

  /** The item that an event gives whole, or announces. */
  added(event: Fields, item: Fields): Item {
    const index = indexOf(event)
    const known = this.#items.known(index, item)
    if (!known) return this.#begin(index, item)
    if (known instanceof CallItem && known.complete(item)) this.#knows(known)
    return known
  }

  /** Begins one behind all others. */
  append(item: Fields): Item {
    return this.#begin(this.#items.nextPlace, item)
  }

  #begin(index: number, item: Fields): Item {
    const made = this.#make(this.#items.freePlace(index), item)
    this.#items.add(index, item, made)
    if (made instanceof CallItem) {
      this.#knows(made)
      this.#lastOfType.delete(made.type)
      this.#lastOfType.set(made.type, made)
    }
    return made
  }

  #knows(call: CallItem): void {
    if (!this.#callOfId.has(call.callId)) this.#callOfId.set(call.callId, call)
  }

  #make(index: number, item: Fields): Item {
    const type = String(item.type)
    if (type === 'message') return new MessageItem(this.#events, index, this.#onUnknown)
    if (type === 'reasoning') return new ReasoningItem(this.#events, index)
    if (isCall(type)) return new CallItem(this.#events, index, item, this.#onUnknown)
    if (!silentItems.has(type) && !type.endsWith('_output')) this.#onUnknown(type)
    return new SilentItem(this.#events, index)
  }
}

/** An item that was never announced. */
function made(type: string, { item_id: id }: Fields): Fields {
  return { type, id }
}

function indexOf(event: Fields): number {
  return placeOf(event.output_index)
}
