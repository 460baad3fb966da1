import type { LogContents } from '../cluster/cluster.ts'

/** The log of a document is compacted when what came since is larger than this and than the compacted part. */
const leastBytes = 65_536
/** In another machine's memory the framing of small updates must not outweigh what they say; what is put there costs the way to it, too. */
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
    if (!this.#inMemory) return this.#bytes > Math.max(leastBytes, this.#stateBytes)
    const framing = this.#entries * entryBytes
    const text = Math.max(0, this.#bytes - framing) + this.#stateBytes
    return framing > Math.max(leastMemoryBytes, 2 * text) || this.#bytes > 4 * Math.max(leastBytes, this.#stateBytes)
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
