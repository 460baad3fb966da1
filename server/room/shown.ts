import * as Y from 'yjs'
import { Differences } from './differences.ts'
import type { Frames } from './frame.ts'

/** What has been shown of a document, and what was made of that version for those who follow: with the next update it is worth nothing. */
export class Shown {
  /** Rises with every update that is shown. */
  version = 0
  /** When an update was last shown, epoch ms. */
  at: number
  /** The viewers have had a checkpoint since. */
  quiet = false
  readonly differences: Differences
  /** As it goes over the wire; null while nobody has asked for it. */
  checkpoint: Frames | null = null
  readonly #now: () => number
  #vector: Map<number, number>
  #written: Map<number, number>
  #stateVector: Uint8Array | null = null

  /** All that the document holds by now has been shown. */
  constructor(doc: Y.Doc, channel: number, now: () => number) {
    this.#now = now
    this.at = now()
    this.differences = new Differences(channel, doc)
    this.#vector = this.#written = Y.decodeStateVector(Y.encodeStateVector(doc))
    doc.on('afterTransaction', (transaction) => {
      this.#written = transaction.afterState
    })
  }

  /** State vector after the last transaction: it is shown once the log has it. */
  get written(): Map<number, number> {
    return this.#written
  }

  /** All that is written is shown now. Returns the state vector of what was shown before. */
  advance(): Map<number, number> {
    const before = this.#vector
    this.#vector = this.#written
    this.#stateVector = this.checkpoint = null
    this.differences.clear()
    this.version += 1
    this.at = this.#now()
    this.quiet = false
    return before
  }

  stateVector(): Uint8Array {
    return (this.#stateVector ??= Y.encodeStateVector(this.#vector))
  }

  /** Does a reader have something of a server's client id that this document does not have? Its tail was lost; it must start anew. */
  isBehind(reader: ReadonlyMap<number, number>, isServerClientId: (client: number) => boolean): boolean {
    for (const [client, clock] of reader) {
      if (isServerClientId(client) && clock > (this.#vector.get(client) ?? 0)) return true
    }
    return false
  }
}
