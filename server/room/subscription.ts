import type { RunnelError, ErrorCode } from '../../shared/errors.ts'
import type { Role, ServerControl } from '../../shared/protocol.ts'
import type { Broadcast } from './broadcast.ts'
import type { CatchUpQueue, Difference } from './catchup.ts'
import type { OnFault } from './fence.ts'
import { framesBytes, type Frames, type PresenceFrames, type WireFormat } from './frame.ts'
import type { Outbox } from './outbox.ts'
import type { Participant } from './presence.ts'
import type { Room } from './room.ts'
import type { Viewer } from './viewer.ts'

/** What a session is to follow. */
export interface Wanted {
  room: Room
  /** Of the copy that the client keeps; undefined for none, or for one that it must discard. */
  stateVector: Uint8Array | undefined
  reset: boolean
  role: Role
  /** Called once when it is over, however it ended, also where nothing comes of it. */
  onLeft?: () => void
}

/** The socket that documents are sent on, as each of its subscriptions sees it. */
export interface Line {
  readonly format: WireFormat
  readonly outbox: Outbox
  readonly catchUp: CatchUpQueue
  /** Whom others see in a chat; null before sign-in. */
  readonly user: Participant['user'] | null
  /** More than one document is followed on it. */
  readonly isShared: boolean
  control(message: ServerControl): void
  send(frames: Frames): void
  refuse(doc: string, code: ErrorCode, message: string): void
  /** Ends the socket. */
  end(error: RunnelError): void
}

type Progress =
  /** Every update is sent as it comes. */
  | { state: 'live' }
  /**
   * Nothing is sent until one state difference from `stateVector` has been. `inLine`: it stands in the catch-up queue.
   * `version`: what it has is all of this version of the room; null if that is not known.
   */
  | { state: 'behind'; stateVector: Uint8Array | undefined; version: number | null; inLine: boolean }

const live: Progress = { state: 'live' }

/** One document that a session follows, and how far it has been sent. */
export class Subscription implements Viewer {
  readonly room: Room
  /** As this user was told it. */
  role: Role
  checkpointDue = true
  presenceDue = true
  readonly #line: Line
  readonly #onLeft: (() => void) | undefined
  #progress: Progress
  /** `lagging` was said and `caughtUp` is owed. */
  #saidLagging = false
  #isOver = false

  constructor(line: Line, { room, stateVector, role, onLeft }: Wanted) {
    this.#line = line
    this.room = room
    this.role = role
    this.#onLeft = onLeft
    this.#progress = behind(stateVector)
    room.audience.viewers.add(this)
  }

  get participant(): Participant | null {
    // The session itself, not a copy: presence knows it by this object.
    return this.#line.user ? (this.#line as Line & Participant) : null
  }

  /** Something that was shown has not been sent. */
  get lags(): boolean {
    return this.#progress !== live
  }

  deliver(broadcast: Broadcast): void {
    const { format, outbox } = this.#line
    if (this.#progress === live) {
      const frames = format === 'channels' ? broadcast.channelFrames : broadcast.stockFrames
      if (outbox.fits(framesBytes(frames))) {
        if (this.#line.isShared) broadcast.cork(outbox)
        return outbox.send(frames)
      }
      // However large one update is: a viewer that does not read costs no more than its mark.
      this.#progress = behind(broadcast.stateVectorBefore)
      outbox.lag()
    }
    if (outbox.lagging && !this.#saidLagging && format === 'channels') {
      this.#saidLagging = true
      this.#line.control({ type: 'lagging', channel: this.room.channel })
    }
  }

  /** Stock clients know none. */
  takesCheckpoint(): boolean {
    if (this.#line.format === 'stock') this.checkpointDue = false
    return this.checkpointDue && this.#progress === live
  }

  checkpoint(frames: Frames): void {
    this.checkpointDue = false
    this.#line.send(frames)
  }

  tellPresence(frames: PresenceFrames): void {
    if (this.#progress === live) this.#line.send(frames[this.#line.format])
    else this.presenceDue = true
  }

  refuse({ code, message }: RunnelError): void {
    this.#line.refuse(this.room.id, code, message)
  }

  end(error: RunnelError): void {
    this.#line.end(error)
  }

  /** Leaves the room. To be called once. */
  leave(): void {
    this.#isOver = true
    this.room.removeViewer(this)
    this.#onLeft?.()
  }

  /** The outbox is over its mark: what has been sent so far is where the difference will start. */
  fallBehind(): void {
    if (this.#progress === live) this.#progress = behind(this.room.shown.stateVector(), this.room.shown.version)
  }

  /** One more difference is wanted, from the client's own state vector. */
  startFrom(stateVector: Uint8Array): void {
    const progress = this.#progress
    // Who stands in line already keeps its place, however often it asks.
    if (progress.state === 'behind' && progress.inLine) Object.assign(progress, { stateVector, version: null })
    else this.#progress = behind(stateVector)
  }

  /** Stands in line for what it lacks, if it lacks anything and can take it. */
  catchUp(): void {
    const progress = this.#progress
    if (this.#isOver || progress.state === 'live' || progress.inLine || this.#line.outbox.lagging) return
    progress.inLine = true
    this.#line.catchUp.enter({
      prepare: (ready, failed) => this.#prepareDifference(progress, ready, failed),
      send: (difference, release) => this.#sendDifference(difference, release),
      fail: (error) => this.room.audience.dropViewer(this, error),
    })
  }

  #prepareDifference(
    progress: Progress & { state: 'behind' },
    ready: (difference: Difference | null) => void,
    failed: OnFault,
  ): void {
    progress.inLine = false
    const { room } = this
    // Left, asked anew, or behind once more (draining brings it back) while it stood in line, or while this was made.
    const isWanted = () => this.#progress === progress && !this.#isOver && !this.#line.outbox.lagging
    if (!isWanted()) return ready(null)
    if (room.appending) {
      room.whenSettled(() => this.catchUp())
      return ready(null)
    }
    // Its own difference was over the mark, and nothing has come since.
    if (progress.version === room.shown.version) {
      this.#progress = live
      return ready(null)
    }
    room.hold(
      room.shown.differences.of(progress.stateVector, this.#line.format),
      (difference) => ready(isWanted() ? difference : null),
      failed,
    )
  }

  #sendDifference(difference: Difference, release: () => void): void {
    this.#progress = live
    this.checkpointDue = true
    this.#line.outbox.sendTracked(difference.frames, release)
    if (!this.#saidLagging) return
    this.#saidLagging = false
    this.#line.control({ type: 'caughtUp', channel: this.room.channel })
  }
}

function behind(stateVector: Uint8Array | undefined, version: number | null = null): Progress {
  return { state: 'behind', stateVector, version, inLine: false }
}
