import type { ProviderData } from '../store/store.ts'
import { valueBytes, type MessageSize } from './message-size.ts'

/** What is kept beside a message for its provider, earlier runs included; it counts with the message's size. */
export class KeptData {
  readonly #size: MessageSize
  #entries: ProviderData[] = []

  constructor(size: MessageSize) {
    this.#size = size
  }

  get entries(): readonly ProviderData[] {
    return this.#entries
  }

  /** What earlier runs have kept. */
  adopt(entries: readonly ProviderData[]): void {
    this.#entries = [...entries]
    this.#size.holdData(entries)
  }

  /** Keeps what the provider wants back. Throws `message_too_large`. */
  add(entry: ProviderData): void {
    this.#size.add(valueBytes(entry.data) + Buffer.byteLength(entry.blockId), 1)
    this.#entries.push(entry)
  }

  /** Keeps what the run itself wants back: of no size of the message's. */
  note(...entries: ProviderData[]): void {
    this.#entries.push(...entries)
  }
}
