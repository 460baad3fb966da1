import * as Y from 'yjs'
import { encodeChannelMessage, encodeStock } from '../../shared/protocol.ts'
import { binaryFrames, type Frames } from './frame.ts'
import type { Outbox } from './outbox.ts'

/** The updates of one flush on their way to all viewers; each format is encoded once, by the first who needs it. */
export class Broadcast {
  readonly #channel: number
  readonly #updates: readonly Uint8Array[]
  readonly cork: (outbox: Outbox) => void
  readonly #before: ReadonlyMap<number, number>
  #stateVectorBefore: Uint8Array | null = null
  #channelFrames: Frames | null = null
  #stockFrames: Frames | null = null

  /** @param before the state vector that the updates start from */
  constructor(
    channel: number,
    updates: readonly Uint8Array[],
    cork: (outbox: Outbox) => void,
    before: ReadonlyMap<number, number> = new Map(),
  ) {
    this.#channel = channel
    this.#updates = updates
    this.#before = before
    this.cork = cork
  }

  /** Of a viewer that has everything but these updates. */
  get stateVectorBefore(): Uint8Array {
    return (this.#stateVectorBefore ??= Y.encodeStateVector(new Map(this.#before)))
  }

  get channelFrames(): Frames {
    return (this.#channelFrames ??= binaryFrames(
      Buffer.concat(
        this.#updates.map((update) => encodeChannelMessage(this.#channel, encodeStock({ type: 'update', update }))),
      ),
    ))
  }

  /** A stock client reads one message a frame. */
  get stockFrames(): Frames {
    return (this.#stockFrames ??= this.#updates.flatMap((update) =>
      binaryFrames(encodeStock({ type: 'update', update })),
    ))
  }
}
