import type { LogContents } from '../cluster/cluster.ts'

/** The log of a document is compacted when what came since is larger than this and than the compacted part. */
const leastBytes = 65_536
/** The same for a log in another machine's memory, by the number of its entries: there the framing of small updates counts most. */
const leastMemoryBytes = 4_096
const entryBytes = 25

/** What a document's log holds beside its compacted part. Compaction is geometric: it costs each byte a few times at the most. */
export class LogSize {
  readonly #inMemory: boolean
  #bytes: number
  #entries: number
  #stateBytes: number

  constructor({ state, updates }: LogContents, inMemory: boolean) {
    this.#inMemory = inMemory
    this.#bytes = totalBytes(updates)
    this.#entries = updates.length
    this.#stateBytes = state?.length ?? 0
  }

  get bytes(): number {
    return this.#bytes
  }

  get entries(): number {
    return this.#entries
  }

  get isDue(): boolean {
    if (this.#inMemory) return this.#entries * entryBytes > Math.max(leastMemoryBytes, 1.5 * this.#stateBytes)
    return this.#bytes > Math.max(leastBytes, this.#stateBytes)
  }

  /** One entry more. */
  add(updates: readonly Uint8Array[]): void {
    this.#bytes += totalBytes(updates)
    this.#entries += 1
  }

  compacted(stateBytes: number): void {
    this.#stateBytes = stateBytes
    this.#bytes = this.#entries = 0
  }
}

function totalBytes(updates: readonly Uint8Array[]): number {
  let bytes = 0
  for (const update of updates) bytes += update.length
  return bytes
}
