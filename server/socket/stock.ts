/** `/yjs/<doc id>`: the stock y-websocket protocol, one document a socket, one message a frame. */
import type { IncomingMessage } from 'node:http'
import { RunnelError } from '../../shared/errors.ts'
import { decodeStock, encodeStock, isWrite } from '../../shared/protocol.ts'
import type { Access } from '../auth/access.ts'
import type { Ticket } from '../auth/admission.ts'
import type { Auth, Identity } from '../auth/auth.ts'
import { binaryFrames } from '../room/frame.ts'
import type { Participant } from '../room/presence.ts'
import type { Rooms } from '../room/rooms.ts'
import { identityOf, type Arrival } from './arrival.ts'
import type { Connection } from './connection.ts'
import { isAhead, openForReader, readStateVector, type Reader } from './readers.ts'
import { asRunnelError } from './refusal.ts'

/** Awareness of nobody: what keeps a stock client from taking the socket for dead (it counts messages, not pings). */
export const stockKeepAlive = binaryFrames(Uint8Array.of(1, 1, 0))
/** A stock client closes after 30 s without a message. */
export const stockKeepAliveMs = 10_000

export interface StockOptions {
  /** The upgrade of this socket. */
  request: IncomingMessage
  /** What it showed of who comes. */
  arrival?: Arrival | null
  auth: Auth
  access: Access
  rooms: Rooms
  maxPresenceBytes: number
  ticket: Ticket
  helloMs: number
  maxStateVectorBytes: number
  now: () => number
}

/**
 * The conversation with one stock client. The server never sends SyncStep1:
 * the client's innocent answer would look like a write.
 */
export class StockClient {
  readonly #options: StockOptions
  readonly #connection: Connection
  readonly #reader: Promise<Reader | null>
  /** One message is answered after the other. */
  #turn: Promise<unknown>
  #identity: Identity | null = null

  constructor(connection: Connection, doc: string, token: string | undefined, options: StockOptions) {
    this.#connection = connection
    this.#options = options
    this.#turn = this.#reader = this.#open(doc, token)
  }

  onText(): void {
    throw new RunnelError('bad_request', 'The stock protocol has binary frames only.')
  }

  onBinary(bytes: Uint8Array): void {
    const message = decodeStock(bytes)
    if (isWrite(message)) return this.#deny()
    switch (message.type) {
      case 'syncStep1': {
        const vector = readStateVector(message.stateVector, this.#options.maxStateVectorBytes)
        // A copy: the frame's memory belongs to the socket's last read.
        const own = message.stateVector.slice()
        this.#turn = this.#turn.then(() => this.#sync(own, vector))
        return
      }
      case 'awareness': {
        // Presence is of chats; elsewhere it is ignored: stock providers send it on opening.
        const update = message.update.slice()
        this.#turn = this.#turn.then(() => this.#present(update))
        return
      }
      default:
        return
    }
  }

  /** Only the server writes (P7): refused by its type, before any document is touched. */
  #deny(): void {
    this.#connection.onRefused('write')
    this.#connection.session.send(
      binaryFrames(encodeStock({ type: 'permissionDenied', reason: 'Only the server writes.' })),
    )
  }

  async #present(update: Uint8Array): Promise<void> {
    const { session } = this.#connection
    const room = (await this.#reader)?.room
    // Only who follows a chat is there; and only who is left again by the end of the socket.
    if (!room || !session.subscriptions.has(room.id)) return
    try {
      room.presence?.receive(session as Participant, update, this.#options.maxPresenceBytes)
    } catch (error) {
      this.#connection.close(asRunnelError(error))
    }
  }

  get identity(): Identity | null {
    return this.#identity
  }

  /** A stock client never comes back from a 44xx: an expired token closes with 1008, from which it does. */
  sweep(): void {
    if (!this.#identity && this.#options.now() - this.#connection.openedAt >= this.#options.helloMs) {
      return this.#connection.close(new RunnelError('overloaded', 'Signing in takes too long now. Connect again.'))
    }
    const expiresAt = this.#identity?.expiresAt ?? null
    if (expiresAt !== null && expiresAt <= this.#options.now()) {
      this.#connection.close(new RunnelError('unauthenticated', 'The token has expired.'), 1008)
    }
  }

  /** Its room is pinned, and its right watched, until the client is gone. */
  async #open(doc: string, token: string | undefined): Promise<Reader | null> {
    const { session } = this.#connection
    try {
      const identity = await identityOf(this.#options, token)
      if (session.closed) return null
      this.#options.ticket.signIn(identity)
      this.#identity = identity
      session.user = identity.user
      return await openForReader(this.#options, () => identity, { doc })
    } catch (error) {
      this.#connection.refuse(asRunnelError(error))
      return null
    }
  }

  closed(): void {
    void this.#reader.then((reader) => {
      if (!reader) return
      reader.watch.close()
      this.#options.rooms.unpin(reader.room)
    })
  }

  async #sync(stateVector: Uint8Array, vector: ReadonlyMap<number, number>): Promise<void> {
    const reader = await this.#reader
    const { session } = this.#connection
    if (!reader || session.closed) return
    const { room, watch } = reader
    try {
      if (await isAhead(this.#options.rooms, room, vector))
        throw new RunnelError('ahead', 'Your copy is ahead of the server: start from an empty document.')
    } catch (error) {
      return this.#connection.close(asRunnelError(error))
    }
    if (session.closed) return
    if (session.subscriptions.size > 0) return session.resync(room, stateVector)
    // Long after it was let in, a client asks for its first state: it may have been sent away since.
    if (watch.lost) return this.#connection.close(watch.lost)
    session.follow([{ room, stateVector, reset: false, role: 'viewer' }])
    watch.listen({ lost: (error) => this.#connection.close(error) })
  }
}
