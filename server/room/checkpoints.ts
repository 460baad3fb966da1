import { createHash } from 'node:crypto'
import type * as Y from 'yjs'
import { digestSteps } from '../../shared/digest.ts'
import { encodeControl } from '../../shared/protocol.ts'
import { readDocument } from '../../shared/schema.ts'
import type { Audience } from './audience.ts'
import type { OnFault } from './fence.ts'
import { textFrames, type Frames } from './frame.ts'
import type { Shown } from './shown.ts'

/** The room, as far as it is needed here. */
interface Checked {
  readonly id: string
  readonly doc: Y.Doc
  readonly channel: number
  readonly shown: Shown
  readonly audience: Audience
  readonly onFault: OnFault
  hold<T>(steps: Iterator<unknown, T>, done: (value: T | null) => void, failed: OnFault): void
}

/** Digests by which viewers see that they have what the server has; made once a version of the document. */
export class Checkpoints {
  readonly #room: Checked

  constructor(room: Checked) {
    this.#room = room
  }

  /** To all whose checkpoint is due. `final`: the run has ended. To be called while nothing is appending. */
  send(final: boolean): void {
    const { audience, shown, onFault } = this.#room
    if (!audience.takesCheckpoint) return
    // A client compares with what it has when it comes: nothing is shown before it is sent.
    if (shown.checkpoint) return audience.checkpoint(shown.checkpoint)
    this.#room.hold(
      this.#steps(final),
      (frames) => {
        if (frames !== null) audience.checkpoint((shown.checkpoint = frames))
      },
      (error) => {
        onFault(error)
        // The next version may do better; this one would fail again at every sweep.
        audience.checkpointDue(false)
      },
    )
  }

  *#steps(final: boolean): Generator<unknown, Frames> {
    const { id, doc, channel, shown } = this.#room
    const digest = yield* digestSteps(readDocument(id, doc), createHash('sha256'))
    return textFrames(encodeControl({ type: 'checkpoint', channel, stateVector: shown.stateVector(), digest, final }))
  }
}
