/** `/ws`: many documents on one socket. Text frames are control messages, binary frames document traffic. */
import { RunnelError } from '../../shared/errors.ts'
import {
  decodeChannelMessages, decodeClientControl, decodeStateVector, decodeStock, encodeChannelMessage, encodeStock, isEmptyUpdate,
  protocolVersion, type ClientControl, type SubscribeRequest,
} from '../../shared/protocol.ts'
import type { Access } from '../auth/access.ts'
import type { Auth, User } from '../auth/auth.ts'
import { isServerClientId } from '../document/lanes.ts'
import { binaryFrames } from '../room/frame.ts'
import type { Room } from '../room/room.ts'
import type { Rooms } from '../room/rooms.ts'
import { asRunnelError, type Connection } from './connection.ts'
import { openForReader, type Reader } from './readers.ts'

/** Without `hello` for so long, a socket is closed. */
const helloMs = 10_000

export interface ChannelsOptions {
  auth: Auth
  access: Access
  rooms: Rooms
  heartbeatMs: number
  now: () => number
}

type State = { phase: 'new' } | { phase: 'greeting' } | { phase: 'open'; user: User }

/** The conversation with one `/ws` client. */
export class ChannelsClient {
  readonly #options: ChannelsOptions
  readonly #connection: Connection
  #state: State = { phase: 'new' }
  /** The newest wish for each document: an answer to an older one is dropped. */
  readonly #wishes = new Map<string, symbol>()

  constructor(connection: Connection, options: ChannelsOptions) {
    this.#connection = connection
    this.#options = options
  }

  sweep(): void {
    if (this.#state.phase === 'new' && this.#options.now() - this.#connection.openedAt >= helloMs) {
      this.#connection.close(new RunnelError('bad_request', 'The first message must be hello, within 10 s.'))
    }
  }

  onText(text: string): void {
    const message = decodeClientControl(text)
    if (message.type === 'hello') return this.#hello(message)
    if (this.#state.phase === 'new') throw new RunnelError('bad_request', 'The first message must be hello.')
    this.#afterHello(message)
  }

  onBinary(bytes: Uint8Array): void {
    if (this.#state.phase !== 'open') throw new RunnelError('bad_request', 'The first message must be hello.')
    for (const { channel, message } of decodeChannelMessages(bytes)) {
      const room = this.#connection.session.roomOf(channel)
      // A frame for a document that was left a moment ago is late, not wrong.
      if (room) this.#onStock(room, message)
      else decodeStock(message)
    }
  }

  #onStock(room: Room, bytes: Uint8Array): void {
    const message = decodeStock(bytes)
    switch (message.type) {
      case 'syncStep1': {
        const vector = decodeStateVector(message.stateVector)
        if (room.isBehind(vector, isServerClientId)) throw new RunnelError('ahead', 'Your copy is ahead of the server: start from an empty document.')
        return this.#connection.session.resync(room, message.stateVector.slice())
      }
      case 'syncStep2':
      case 'update':
        // Only the server writes (P7): refused by its type, before any document is touched.
        if (!isEmptyUpdate(message.update)) {
          this.#connection.session.send(binaryFrames(encodeChannelMessage(room.channel, encodeStock({ type: 'permissionDenied', reason: 'Only the server writes.' }))))
        }
        return
      default:
        return
    }
  }

  #hello(message: Extract<ClientControl, { type: 'hello' }>): void {
    if (this.#state.phase !== 'new') throw new RunnelError('bad_request', 'hello came twice.')
    if (message.v !== protocolVersion) throw new RunnelError('bad_request', `This server speaks protocol version ${protocolVersion}.`)
    this.#state = { phase: 'greeting' }
    this.#pending = this.#options.auth.authenticate(message.token).then(user => {
      this.#state = { phase: 'open', user }
      this.#connection.session.control({ type: 'welcome', v: protocolVersion, user, heartbeatMs: this.#options.heartbeatMs })
    }, (error: unknown) => this.#connection.close(asRunnelError(error)))
  }

  /** Resolves when `hello` has been answered: what comes before waits for it. */
  #pending: Promise<void> = Promise.resolve()

  #afterHello(message: Exclude<ClientControl, { type: 'hello' }>): void {
    const { session } = this.#connection
    switch (message.type) {
      case 'ping':
        return session.control({ type: 'pong' })
      case 'token':
        return
      case 'unsubscribe':
        for (const doc of message.docs) {
          this.#wishes.delete(doc)
          session.leave(doc)
        }
        return
      case 'subscribe': {
        const wish = Symbol('subscribe')
        for (const { doc } of message.docs) this.#wishes.set(doc, wish)
        void this.#pending.then(() => this.#subscribe(message.docs, wish))
        return
      }
    }
  }

  async #subscribe(requests: readonly SubscribeRequest[], wish: symbol): Promise<void> {
    if (this.#state.phase !== 'open') return
    const { user } = this.#state
    const { session } = this.#connection
    const readers: Reader[] = []
    await Promise.all(requests.map(async request => {
      try {
        readers.push(await openForReader(this.#options, user, request))
      } catch (error) {
        const { code, message } = asRunnelError(error)
        if (this.#wishes.get(request.doc) === wish) session.control({ type: 'refused', doc: request.doc, code, message })
      }
    }))
    session.follow(readers.filter(({ room }) => this.#wishes.get(room.id) === wish))
    for (const { doc } of requests) if (this.#wishes.get(doc) === wish) this.#wishes.delete(doc)
    for (const { room } of readers) this.#options.rooms.unpin(room)
  }

}
