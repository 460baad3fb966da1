import { RunnelError, type ErrorCode } from '../../shared/errors.ts'
import { encodeControl, type Role, type ServerControl } from '../../shared/protocol.ts'
import type { CatchUpQueue } from './catchup.ts'
import { textFrames, type Frames, type WireFormat } from './frame.ts'
import type { Outbox } from './outbox.ts'
import type { Room } from './room.ts'
import { Subscription, type Line, type Wanted } from './subscription.ts'

export interface SessionOptions {
  format: WireFormat
  outbox: Outbox
  catchUp: CatchUpQueue
  /** Ends the socket with the close code of this error. */
  close: (error: RunnelError) => void
}

/** What one connection follows and is told: its subscriptions, and the messages beside them. */
export class Session implements Line {
  readonly format: WireFormat
  readonly outbox: Outbox
  readonly catchUp: CatchUpQueue
  readonly #close: (error: RunnelError) => void
  readonly #subscriptions = new Map<string, Subscription>()
  /** Whom others see in a chat; null before sign-in. */
  user: { id: string; name: string } | null = null
  /** Channel → the room that is followed on it. */
  readonly #rooms = new Map<number, Room>()
  #closed = false
  #parted = false

  constructor(options: SessionOptions) {
    this.format = options.format
    this.outbox = options.outbox
    this.catchUp = options.catchUp
    this.#close = options.close
    this.outbox.onLag = () => {
      for (const subscription of this.#subscriptions.values()) subscription.fallBehind()
    }
    this.outbox.onDrain = () => this.#catchUpAll()
  }

  /** What a channel stands for, if it is followed. */
  roomOf(channel: number): Room | undefined {
    return this.#rooms.get(channel)
  }

  get subscriptions(): ReadonlyMap<string, Subscription> {
    return this.#subscriptions
  }

  get isShared(): boolean {
    return this.#subscriptions.size > 1
  }

  get closed(): boolean {
    return this.#closed
  }

  /**
   * Follows rooms from now on: attached first, then told, then the state is
   * taken, so nothing falls between.
   */
  follow(wanted: readonly Wanted[]): void {
    const rooms: Wanted[] = []
    for (const want of wanted) {
      const { room } = want
      // A room may be lost between its opening and now: its replica is ahead of the log.
      if (room.lost) this.refuse(room.id, room.lost.code, room.lost.message)
      if (room.lost || this.#closed || this.#parted) want.onLeft?.()
      else rooms.push(want)
    }
    if (this.#closed || this.#parted) return
    for (const want of rooms) {
      const { room } = want
      this.leave(room.id)
      this.#subscriptions.set(room.id, new Subscription(this, want))
      this.#rooms.set(room.channel, room)
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
    this.#subscriptions.get(room.id)?.startFrom(stateVector)
    this.#catchUpAll()
  }

  leave(doc: string): void {
    const subscription = this.#subscriptions.get(doc)
    if (!subscription) return
    this.#subscriptions.delete(doc)
    this.#rooms.delete(subscription.room.channel)
    subscription.leave()
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

  /** Ends the socket. */
  end(error: RunnelError): void {
    this.#close(error)
  }

  /** Its line is gone, and whose it was may come back on another: it is told nothing any more, and left in chats alone, where it is seen. */
  part(): void {
    this.#parted = true
    for (const [doc, { room }] of this.#subscriptions) if (!room.presence) this.leave(doc)
    this.outbox.close()
    this.outbox.lag()
  }

  /** Leaves every room and drops what waits. Idempotent. */
  close(): void {
    this.#closed = true
    for (const doc of [...this.#subscriptions.keys()]) this.leave(doc)
    this.outbox.close()
  }

  /** Sends what is no document's update. One that needs more of it than it reads is closed. */
  send(frames: Frames): void {
    if (this.#closed || this.#parted) return
    this.outbox.send(frames)
    if (this.outbox.overfull) {
      this.#close(new RunnelError('overloaded', 'This connection asks for more than it reads.'))
    }
  }

  #catchUpAll(): void {
    for (const subscription of this.#subscriptions.values()) {
      if (this.outbox.lagging || this.#closed) return
      subscription.catchUp()
    }
  }
}
