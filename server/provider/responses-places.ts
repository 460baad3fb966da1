/** Which item of a Responses stream an event is about. */
import { stringOf } from './call-fields.ts'
import { placeOf, type Fields } from './frames.ts'
import { CallItem } from './responses-calls.ts'
import { MessageItem } from './responses-messages.ts'
import { ReasoningItem } from './responses-reasoning.ts'
import type { SilentItem } from './responses-silent.ts'

export type Item = MessageItem | ReasoningItem | CallItem | SilentItem

export type Kind = 'message' | 'reasoning' | 'call' | 'other'

export function kindOf({ type }: Fields): Kind {
  if (type === 'message' || type === 'reasoning') return type
  return isCall(String(type)) ? 'call' : 'other'
}

export function isCall(type: string): boolean {
  return type.endsWith('_call') || type === 'mcp_approval_request'
}

function kindOfItem(item: Item): Kind {
  if (item instanceof MessageItem) return 'message'
  if (item instanceof ReasoningItem) return 'reasoning'
  return item instanceof CallItem ? 'call' : 'other'
}

/**
 * An item is known by its `output_index`: its id may differ from event to event.
 * Some servers count nothing and give all items the same index, or give an item
 * two: then its kind and its id say which it is.
 */
export class Items {
  readonly #items = new Map<number, Item>()
  /** The last of each index. */
  readonly #at = new Map<number, Item>()
  /** The last of each id; one that is not over is not replaced. */
  readonly #byId = new Map<string, Item>()

  /** An index that nothing has yet. */
  nextPlace = 0

  /** In the order in which they came. */
  get all(): Item[] {
    return [...this.#items.values()]
  }

  /** A number of its own, its index where that is free. */
  freePlace(index: number): number {
    return this.#items.has(index) ? this.nextPlace : index
  }

  add(index: number, { id }: Fields, item: Item): void {
    const place = this.freePlace(index)
    this.nextPlace = Math.max(this.nextPlace, place + 1)
    this.#items.set(place, item)
    this.#at.set(index, item)
    if (typeof id === 'string' && id !== '' && (this.#byId.get(id)?.isDone ?? true)) this.#byId.set(id, item)
  }

  /** The item that a piece belongs to. */
  of({ output_index: index, item_id: id }: Fields, kind: Kind): Item | undefined {
    const own = typeof id === 'string' ? this.#byId.get(id) : undefined
    if (own && kindOfItem(own) === kind) return own
    const at = this.#at.get(placeOf(index))
    return at && kindOfItem(at) === kind ? at : undefined
  }

  /** The item that is given whole, or announced. */
  known(index: number, item: Fields): Item | undefined {
    const kind = kindOf(item)
    const at = this.#at.get(index)
    if (at && kindOfItem(at) === kind && this.#isSame(at, item)) return at
    const own = typeof item.id === 'string' ? this.#byId.get(item.id) : undefined
    return own && kindOfItem(own) === kind && (!own.isDone || own === at) ? own : undefined
  }

  /** What is over does not begin again; calls have ids that stay. */
  #isSame(at: Item, { call_id: callId }: Fields): boolean {
    if (!(at instanceof CallItem)) return !at.isDone
    return at.callId === callId || stringOf(callId) === '' || (!at.isDone && !at.hasCallId)
  }
}
