import { RunnelError, type ErrorCode } from '../../shared/errors.ts'
import { encodeControl, type Role, type ServerControl } from '../../shared/protocol.ts'
import type { Broadcast } from './broadcast.ts'
import type { CatchUpQueue, Difference } from './catchup.ts'
import { framesBytes, textFrames, type Frames } from './frame.ts'
import type { Outbox } from './outbox.ts'
import type { Room } from './room.ts'

/** `channels`: `/ws`, many documents with control messages. `stock`: `/yjs`, one document, y-protocols alone. */
export type SessionFormat = 'channels' | 'stock'

/**
 * One document that a session follows. It is `live` (every update is sent as
 * it comes) or `behind` (nothing is sent until one state difference from
 * `stateVector` has been).
 */
export interface Subscription {
  readonly room: Room
  readonly session: Session
  /** As this user was told it. */
  role: Role
  /** It is over, however it ended. */
  onLeft: (() => void) | undefined
  progress: Progress
  /** A checkpoint is due when the sweep comes by. */
  checkpointDue: boolean
  /** `lagging` was said and `caughtUp` is owed. */
  saidLagging: boolean
  /** It has not been told yet who is there. */
  presenceDue: boolean
}

/** What a session is to follow. */
export interface Wanted {
  room: Room
  stateVector: Uint8Array | undefined
  reset: boolean
  role: Role
  onLeft?: () => void
}

type Progress =
  | { state: 'live' }
  /** `inLine`: it stands in the catch-up queue. `version`: what it has is all of this version of the room; null if that is not known. */
  | { state: 'behind'; stateVector: Uint8Array | undefined; version: number | null; inLine: boolean }

const live: Progress = { state: 'live' }

export interface SessionOptions {
  format: SessionFormat
  outbox: Outbox
  catchUp: CatchUpQueue
  /** Ends the socket with the close code of this error. */
  close: (error: RunnelError) => void
}

/** What one socket follows, and how far each document has been sent to it. */
export class Session {
  readonly format: SessionFormat
  readonly outbox: Outbox
  readonly #catchUp: CatchUpQueue
  readonly #close: (error: RunnelError) => void
  readonly #subscriptions = new Map<string, Subscription>()
  /** Whom others see in a chat; null before sign-in. */
  user: { id: string; name: string } | null = null
  /** Channel → the room that is followed on it. */
  readonly #rooms = new Map<number, Room>()
  #closed = false

  constructor(options: SessionOptions) {
    this.format = options.format
    this.outbox = options.outbox
    this.#catchUp = options.catchUp
    this.#close = options.close
    this.outbox.onLag = () => this.#fallBehind()
    this.outbox.onDrain = () => this.#catchUpAll()
  }

  /** What a channel stands for, if it is followed. */
  roomOf(channel: number): Room | undefined {
    return this.#rooms.get(channel)
  }

  get subscriptions(): ReadonlyMap<string, Subscription> {
    return this.#subscriptions
  }

  get closed(): boolean {
    return this.#closed
  }

  /**
   * Follows rooms from now on: attached first, then told, then the state is
   * taken, so nothing falls between. `stateVector` is of the copy that the
   * client keeps; undefined for none, or for one that it must discard. `onLeft`
   * is called once, also where nothing comes of it.
   */
  follow(wanted: readonly Wanted[]): void {
    const rooms: Wanted[] = []
    for (const want of wanted) {
      const { room } = want
      // A room may be lost between its opening and now: its replica is ahead of the log.
      if (room.lost) this.refuse(room.id, room.lost.code, room.lost.message)
      if (room.lost || this.#closed) want.onLeft?.()
      else rooms.push(want)
    }
    if (this.#closed) return
    for (const { room, stateVector, role, onLeft } of rooms) {
      this.leave(room.id)
      const subscription: Subscription = {
        room,
        session: this,
        role,
        onLeft,
        progress: behind(stateVector),
        checkpointDue: true,
        saidLagging: false,
        presenceDue: true,
      }
      this.#subscriptions.set(room.id, subscription)
      this.#rooms.set(room.channel, room)
      room.viewers.add(subscription)
    }
    if (this.format === 'channels' && rooms.length > 0) {
      this.control({
        type: 'subscribed',
        docs: rooms.map(({ room, reset, role }) => ({
          doc: room.id,
          channel: room.channel,
          lineage: room.lineage,
          reset,
          role,
        })),
      })
    }
    this.#catchUpAll()
  }

  /** Sends one more difference from the client's own state vector: what a stock client asks for by SyncStep1. */
  resync(room: Room, stateVector: Uint8Array): void {
    const subscription = this.#subscriptions.get(room.id)
    if (!subscription) return
    const { progress } = subscription
    // Who stands in line already keeps its place, however often it asks.
    if (progress.state === 'behind' && progress.inLine) Object.assign(progress, { stateVector, version: null })
    else subscription.progress = behind(stateVector)
    this.#catchUpAll()
  }

  leave(doc: string): void {
    const subscription = this.#subscriptions.get(doc)
    if (!subscription) return
    this.#subscriptions.delete(doc)
    this.#rooms.delete(subscription.room.channel)
    subscription.room.removeViewer(subscription)
    subscription.onLeft?.()
  }

  /** The document is not to be had any more (deleted, revoked, or its log is away). */
  refuse(doc: string, code: ErrorCode, message: string): void {
    this.leave(doc)
    if (this.format === 'stock') this.#close(new RunnelError(code, message))
    else this.control({ type: 'refused', doc, code, message })
  }

  /** What the user may do in the chat of this document, now. Said where it is another than before; stock clients know no roles. */
  tellRole(doc: string, role: Role): void {
    const subscription = this.#subscriptions.get(doc)
    if (!subscription || subscription.role === role) return
    subscription.role = role
    if (this.format === 'channels') this.control({ type: 'role', doc, role })
  }

  control(message: ServerControl): void {
    this.send(textFrames(encodeControl(message)))
  }

  /** Called by the room for every update, behind the log. */
  deliver(subscription: Subscription, broadcast: Broadcast): void {
    if (subscription.progress === live) {
      const frames = this.format === 'channels' ? broadcast.channelFrames : broadcast.stockFrames
      if (this.outbox.fits(framesBytes(frames))) {
        if (this.#subscriptions.size > 1) broadcast.cork(this.outbox)
        return this.outbox.send(frames)
      }
      // However large one update is: a viewer that does not read costs no more than its mark.
      subscription.progress = behind(broadcast.stateVectorBefore)
      this.outbox.lag()
    }
    if (this.outbox.lagging && !subscription.saidLagging && this.format === 'channels') {
      subscription.saidLagging = true
      this.control({ type: 'lagging', channel: subscription.room.channel })
    }
  }

  /** Is this subscription to be sent a checkpoint, and has all that it covers? Stock clients know none. */
  takesCheckpoint(subscription: Subscription): boolean {
    if (this.format === 'stock') subscription.checkpointDue = false
    return subscription.checkpointDue && subscription.progress === live
  }

  checkpoint(subscription: Subscription, frames: Frames): void {
    subscription.checkpointDue = false
    this.send(frames)
  }

  /** Who is there, in a chat: it may be skipped for one who lags, and is told anew. */
  tellPresence(subscription: Subscription, frames: { channels: Frames; stock: Frames }): void {
    if (subscription.progress === live) this.send(frames[this.format])
    else subscription.presenceDue = true
  }

  /** Leaves every room and drops what waits. Idempotent. */
  close(): void {
    this.#closed = true
    for (const doc of [...this.#subscriptions.keys()]) this.leave(doc)
    this.outbox.close()
  }

  /** Sends what is no document's update. A session that needs more of it than it reads is closed. */
  send(frames: Frames): void {
    if (this.#closed) return
    this.outbox.send(frames)
    if (this.outbox.overfull) {
      this.#close(new RunnelError('overloaded', 'This connection asks for more than it reads.'))
    }
  }

  /** The outbox is over its mark: what each document has been sent so far is where its difference will start. */
  #fallBehind(): void {
    for (const subscription of this.#subscriptions.values()) {
      if (subscription.progress === live)
        subscription.progress = behind(subscription.room.stateVector(), subscription.room.version)
    }
  }

  #catchUpAll(): void {
    for (const subscription of this.#subscriptions.values()) {
      if (this.outbox.lagging || this.#closed) return
      const { progress } = subscription
      if (progress.state === 'live' || progress.inLine) continue
      progress.inLine = true
      this.#catchUp.enter({
        prepare: (ready) => this.#prepareDifference(subscription, progress, ready),
        send: (difference, release) => this.#sendDifference(subscription, difference, release),
      })
    }
  }

  #prepareDifference(
    subscription: Subscription,
    progress: Progress & { state: 'behind' },
    ready: (difference: Difference | null) => void,
  ): void {
    progress.inLine = false
    const { room } = subscription
    // Left, asked anew, or behind once more (draining brings it back) while it stood in line, or while this was made.
    const isWanted = () =>
      subscription.progress === progress && this.#subscriptions.get(room.id) === subscription && !this.outbox.lagging
    if (!isWanted()) return ready(null)
    if (room.appending) {
      room.whenSettled(() => this.#catchUpAll())
      return ready(null)
    }
    // Its own difference was over the mark, and nothing has come since.
    if (progress.version === room.version) {
      subscription.progress = live
      return ready(null)
    }
    room.hold(room.differences.of(progress.stateVector, this.format), (difference) =>
      ready(isWanted() ? difference : null),
    )
  }

  #sendDifference(subscription: Subscription, difference: Difference, release: () => void): void {
    subscription.progress = live
    subscription.checkpointDue = true
    this.outbox.sendTracked(difference.frames, release)
    if (subscription.saidLagging) {
      subscription.saidLagging = false
      this.control({ type: 'caughtUp', channel: subscription.room.channel })
    }
  }
}

function behind(stateVector: Uint8Array | undefined, version: number | null = null): Progress {
  return { state: 'behind', stateVector, version, inLine: false }
}
