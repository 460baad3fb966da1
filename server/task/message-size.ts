import { RunnelError } from '../../shared/errors.ts'
import type { Block, Json } from '../../shared/schema.ts'
import type { ProviderData } from '../store/store.ts'
import { isNote } from './rounds.ts'

/** A block, a citation, an entry of what the provider wants back: memory also where it says nothing. */
const bytesAnItem = 256
const leastItems = 100

/** Words of our own, not of a provider or a tool. */
const ownFields = new Set(['id', 'type', 'status', 'executor', 'origin', 'size'])

/** What a message holds, what is kept beside it included, against RUNNEL_MAX_MESSAGE_BYTES. */
export class MessageSize {
  readonly #maxBytes: number
  readonly #maxItems: number
  #bytes = 0
  #items = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
    this.#maxItems = Math.max(leastItems, maxBytes / bytesAnItem)
  }

  /** Throws `message_too_large`, from then on every time. */
  add(bytes: number, items = 0): void {
    this.#bytes += bytes
    this.#items += items
    const over =
      this.#bytes > this.#maxBytes
        ? `is larger than ${this.#maxBytes} bytes`
        : this.#items > this.#maxItems
          ? `has more than ${Math.floor(this.#maxItems)} parts`
          : undefined
    if (over !== undefined)
      throw new RunnelError(
        'message_too_large',
        `The answer ${over} (RUNNEL_MAX_MESSAGE_BYTES). What came so far is kept.`,
      )
  }

  /** What is there already: it counts, and a run that goes on with too much hears of it when it adds something. */
  hold(output: readonly Block[]): void {
    for (const block of output) {
      const annotations = 'annotations' in block ? (block.annotations?.length ?? 0) : 0
      this.#bytes += fieldBytes(block)
      this.#items += 1 + annotations
    }
  }

  holdData(providerData: readonly ProviderData[]): void {
    const kept = providerData.filter((entry) => !isNote(entry))
    for (const { data } of kept) this.#bytes += valueBytes(data)
    this.#items += kept.length
  }
}

/** Bytes of a block's fields, or of others that are set. */
export function fieldBytes(fields: object): number {
  let bytes = 0
  for (const [name, value] of Object.entries(fields) as [string, Json | undefined][])
    if (!ownFields.has(name)) bytes += valueBytes(value)
  return bytes
}

/** Of a text its bytes, of a structure those of its JSON. */
export function valueBytes(value: Json | undefined): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (typeof value !== 'object' || value === null) return 0
  return Array.isArray(value) && value.length === 0 ? 0 : Buffer.byteLength(JSON.stringify(value))
}
