import type * as Y from 'yjs'
import { encodeChannelMessage, encodeStock } from '../../shared/protocol.ts'
import { encodeStateSteps } from '../document/state.ts'
import type { Difference } from './catchup.ts'
import { binaryFrames, framesBytes, type WireFormat } from './frame.ts'

/** State differences that nobody waits for any more are kept up to this size, for the next who asks with the same state vector. */
const keptBytes = 1_000_000
/** What keeping a small one costs beside its bytes. */
const overheadBytes = 1_000

/** What readers of one version of a document lack; equal state vectors share one buffer. */
export class Differences {
  readonly #channel: number
  readonly #doc: Y.Doc
  readonly #kept = new Map<string, Difference>()

  constructor(channel: number, doc: Y.Doc) {
    this.#channel = channel
    this.#doc = doc
  }

  /** What a reader with this state vector lacks, as one SyncStep2. The document must not change meanwhile. */
  *of(stateVector: Uint8Array | undefined, format: WireFormat): Generator<void, Difference> {
    const key = `${format}:${stateVector ? Buffer.from(stateVector).toString('latin1') : ''}`
    let difference = this.#kept.get(key)
    if (!difference) {
      this.forget(keptBytes)
      const message = encodeStock({ type: 'syncStep2', update: yield* encodeStateSteps(this.#doc, stateVector) })
      yield
      const frames = binaryFrames(format === 'stock' ? message : encodeChannelMessage(this.#channel, message))
      difference = { frames, bytes: framesBytes(frames), holders: 0 }
      this.#kept.set(key, difference)
    }
    return difference
  }

  /** The document has changed. */
  clear(): void {
    this.#kept.clear()
  }

  /** Lets go of those that nobody waits for, but for the newest up to so many bytes. */
  forget(keepBytes = 0): void {
    for (const [key, { bytes, holders }] of [...this.#kept].reverse()) {
      if (holders > 0) continue
      keepBytes -= bytes + key.length + overheadBytes
      if (keepBytes < 0) this.#kept.delete(key)
    }
  }
}
