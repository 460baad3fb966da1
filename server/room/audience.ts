import type { RunnelError } from '../../shared/errors.ts'
import type { MessageChange } from '../../shared/events.ts'
import type { Broadcast } from './broadcast.ts'
import { fenced, ownFault, toEach, type OnFault } from './fence.ts'
import type { Frames } from './frame.ts'
import type { Viewer } from './viewer.ts'

/** One that follows a document change by change, behind the log: it serves all readers of its kind. */
export interface ChangeObserver {
  shown(changes: readonly MessageChange[]): void
  /** It has changed in more ways than can be told one by one. */
  moved(): void
  lost(error: RunnelError): void
}

/** Who follows a room. One at whom something throws is let go; the others are told all the same. */
export class Audience {
  readonly viewers = new Set<Viewer>()
  /** Added to while nothing is appending (`whenSettled`), so that they miss nothing. */
  readonly observers = new Set<ChangeObserver>()
  readonly #onFault: OnFault

  constructor(onFault: OnFault) {
    this.#onFault = onFault
  }

  deliver(broadcast: Broadcast): void {
    toEach(this.viewers, (viewer) => viewer.deliver(broadcast), this.dropViewer)
  }

  /** Does anybody wait for a checkpoint, and have all that it covers? */
  get takesCheckpoint(): boolean {
    return this.#takers().length > 0
  }

  checkpoint(frames: Frames): void {
    toEach(this.#takers(), (viewer) => viewer.checkpoint(frames), this.dropViewer)
  }

  /** All viewers are to have a checkpoint, or none any more. */
  checkpointDue(due: boolean): void {
    for (const viewer of this.viewers) viewer.checkpointDue = due
  }

  /** An observer that throws is told that it has lost the document, and is told nothing more. */
  tell(tell: (observer: ChangeObserver) => void): void {
    toEach(this.observers, tell, (observer, error) => {
      this.#onFault(error)
      this.observers.delete(observer)
      fenced(() => observer.lost(ownFault(error)), this.#onFault)
    })
  }

  /** The room is over, by this error. */
  lose(error: RunnelError): void {
    toEach(this.viewers, (viewer) => viewer.refuse(error), this.dropViewer)
    this.tell((observer) => observer.lost(error))
  }

  /** Something of this viewer's own has thrown: its socket is closed. */
  readonly dropViewer = (viewer: Viewer, error: unknown): void => {
    this.#onFault(error)
    fenced(() => viewer.end(ownFault(error)), this.#onFault)
    this.viewers.delete(viewer)
  }

  #takers(): Viewer[] {
    return [...this.viewers].filter((viewer) => viewer.takesCheckpoint())
  }
}
