/** `/yjs/<doc id>`: the stock y-websocket protocol, one document a socket, one message a frame. */
import { RunnelError } from '../../shared/errors.ts'
import { decodeStateVector, decodeStock, encodeStock, isEmptyUpdate } from '../../shared/protocol.ts'
import type { Access } from '../auth/access.ts'
import type { Auth } from '../auth/auth.ts'
import { isServerClientId } from '../document/lanes.ts'
import { binaryFrames } from '../room/frame.ts'
import type { Room } from '../room/room.ts'
import type { Rooms } from '../room/rooms.ts'
import { asRunnelError, type Connection } from './connection.ts'
import { openForReader } from './readers.ts'

/** Awareness of nobody: what keeps a stock client from taking the socket for dead (it counts messages, not pings). */
export const stockKeepAlive = binaryFrames(Uint8Array.of(1, 1, 0))
/** A stock client closes after 30 s without a message. */
export const stockKeepAliveMs = 10_000

export interface StockOptions {
  auth: Auth
  access: Access
  rooms: Rooms
}

/**
 * The conversation with one stock client. The server never sends SyncStep1:
 * the client's innocent answer would look like a write.
 */
export class StockClient {
  readonly #options: StockOptions
  readonly #connection: Connection
  readonly #room: Promise<Room | null>

  constructor(connection: Connection, doc: string, token: string | undefined, options: StockOptions) {
    this.#connection = connection
    this.#options = options
    this.#room = this.#open(doc, token)
  }

  onBinary(bytes: Uint8Array): void {
    const message = decodeStock(bytes)
    switch (message.type) {
      case 'syncStep1': {
        const vector = decodeStateVector(message.stateVector)
        // A copy: the frame's memory belongs to the socket's last read.
        const own = message.stateVector.slice()
        void this.#room.then(room => room && this.#sync(room, own, vector))
        return
      }
      case 'syncStep2':
      case 'update':
        // Only the server writes (P7): refused by its type, before any document is touched.
        if (!isEmptyUpdate(message.update)) {
          this.#connection.session.send(binaryFrames(encodeStock({ type: 'permissionDenied', reason: 'Only the server writes.' })))
        }
        return
      default:
        return
    }
  }

  /** Pinned until the client follows it or is gone. */
  async #open(doc: string, token: string | undefined): Promise<Room | null> {
    try {
      const user = await this.#options.auth.authenticate(token)
      return (await openForReader(this.#options, user, { doc })).room
    } catch (error) {
      this.#connection.close(asRunnelError(error))
      return null
    }
  }

  closed(): void {
    void this.#room.then(room => room && this.#options.rooms.unpin(room))
  }

  #sync(room: Room, stateVector: Uint8Array, vector: ReadonlyMap<number, number>): void {
    const { session } = this.#connection
    if (session.closed) return
    if (room.isBehind(vector, isServerClientId)) {
      return this.#connection.close(new RunnelError('ahead', 'Your copy is ahead of the server: start from an empty document.'))
    }
    if (session.subscriptions.size === 0) session.follow([{ room, stateVector, reset: false, role: 'viewer' }])
    else session.resync(room, stateVector)
  }
}
