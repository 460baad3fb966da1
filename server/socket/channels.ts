/** `/ws`: many documents on one socket. Text frames are control messages, binary frames document traffic. */
import type { IncomingMessage } from 'node:http'
import { RunnelError } from '../../shared/errors.ts'
import {
  decodeChannelMessages,
  decodeClientControl,
  decodeStock,
  encodeChannelMessage,
  encodeStock,
  isWrite,
  type ClientControl,
  type StockMessage,
} from '../../shared/protocol.ts'
import { commonVersion, newestVersion, oldestVersion } from '../../shared/versions.ts'
import type { Ticket } from '../auth/admission.ts'
import type { Auth, Identity } from '../auth/auth.ts'
import { isServerClientId } from '../document/lanes.ts'
import { binaryFrames } from '../room/frame.ts'
import type { Participant } from '../room/presence.ts'
import type { Room } from '../room/room.ts'
import { identityOf, type Arrival } from './arrival.ts'
import type { Connection } from './connection.ts'
import { isAhead, readStateVector } from './readers.ts'
import { asRunnelError } from './refusal.ts'
import { Wishes, type WishesOptions } from './wishes.ts'

export interface ChannelsOptions extends WishesOptions {
  /** The upgrade of this socket. */
  request: IncomingMessage
  /** What it showed of who comes. */
  arrival?: Arrival | null
  auth: Auth
  ticket: Ticket
  /** Without sign-in for so long, a socket is closed. */
  helloMs: number
  heartbeatMs: number
  maxPresenceBytes: number
  now: () => number
}

type State =
  | { phase: 'new' }
  | { phase: 'greeting' }
  /** `warnAt`: when `tokenExpiring` is said, epoch ms; null when it has been, or never will. */
  | { phase: 'open'; identity: Identity; warnAt: number | null }

/** So long before a token expires its client is told, to bring another; of one that lives shortly, a quarter of its time. */
const warningMs = 60_000

/** The conversation with one `/ws` client. */
export class ChannelsClient {
  readonly #options: ChannelsOptions
  readonly #connection: Connection
  #state: State = { phase: 'new' }
  readonly #wishes: Wishes

  constructor(connection: Connection, options: ChannelsOptions) {
    this.#connection = connection
    this.#options = options
    this.#wishes = new Wishes(connection, options)
  }

  /** Who it is, once it has said so. */
  get identity(): Identity | null {
    return this.#state.phase === 'open' ? this.#state.identity : null
  }

  sweep(): void {
    if (this.#state.phase === 'open') return this.#watchToken(this.#state)
    const { now, helloMs } = this.#options
    if (now() - this.#connection.openedAt < helloMs) return
    this.#connection.close(
      this.#state.phase === 'new'
        ? new RunnelError('bad_request', `The first message must be hello, within ${helloMs} ms.`)
        : new RunnelError('overloaded', 'Signing in takes too long now. Connect again.'),
    )
  }

  closed(): void {
    this.#wishes.close()
  }

  onText(text: string): void {
    const message = decodeClientControl(text)
    if (message.type === 'hello') return this.#hello(message)
    if (this.#state.phase === 'new') throw new RunnelError('bad_request', 'The first message must be hello.')
    this.#afterHello(message)
  }

  onBinary(bytes: Uint8Array): void {
    if (this.#state.phase !== 'open') throw new RunnelError('bad_request', 'The first message must be hello.')
    const { session } = this.#connection
    let asked = 0
    let denied = false
    for (const { channel, message } of decodeChannelMessages(bytes)) {
      // One comes with its frame, which has been counted.
      if (asked++ > 0) this.#connection.spend(1)
      const stock = decodeStock(message)
      const room = session.roomOf(channel)
      // A frame for a document that was left a moment ago is late, not wrong.
      if (!room) continue
      if (!isWrite(stock)) this.#onStock(room, stock)
      else if (!denied) {
        denied = true
        this.#deny(room)
      }
      // What it asked for may have been too much.
      if (session.closed) return
    }
  }

  /** Only the server writes (P7): refused by its type, before any document is touched; once a frame. */
  #deny({ channel }: Room): void {
    this.#connection.onRefused('write')
    const message = encodeStock({ type: 'permissionDenied', reason: 'Only the server writes.' })
    this.#connection.session.send(binaryFrames(encodeChannelMessage(channel, message)))
  }

  #onStock(room: Room, message: StockMessage): void {
    switch (message.type) {
      case 'syncStep1': {
        const vector = readStateVector(message.stateVector, this.#options.maxStateVectorBytes)
        if (!room.shown.isBehind(vector, isServerClientId))
          return this.#connection.session.resync(room, message.stateVector.slice())
        return void this.#resync(room, vector, message.stateVector.slice())
      }
      case 'awareness':
        // Presence is of chats; elsewhere it is ignored: stock providers send it on opening.
        if (this.#connection.session.user)
          room.presence?.receive(
            this.#connection.session as Participant,
            message.update,
            this.#options.maxPresenceBytes,
          )
        return
      default:
        return
    }
  }

  async #resync(room: Room, vector: ReadonlyMap<number, number>, stateVector: Uint8Array): Promise<void> {
    const { session } = this.#connection
    try {
      if (await isAhead(this.#options.rooms, room, vector))
        throw new RunnelError('ahead', 'Your copy is ahead of the server: start from an empty document.')
      if (session.subscriptions.get(room.id)?.room === room) session.resync(room, stateVector)
    } catch (error) {
      this.#connection.close(asRunnelError(error))
    }
  }

  #hello(message: Extract<ClientControl, { type: 'hello' }>): void {
    if (this.#state.phase !== 'new') throw new RunnelError('bad_request', 'hello came twice.')
    const v = commonVersion(message.v, message.max)
    if (v === null)
      throw new RunnelError('bad_request', `This server speaks protocol versions ${oldestVersion} to ${newestVersion}.`)
    this.#state = { phase: 'greeting' }
    this.#pending = identityOf(this.#options, message.token)
      .then((identity) => {
        if (this.#connection.session.closed) return
        this.#options.ticket.signIn(identity)
        this.#state = { phase: 'open', identity, warnAt: this.#warnAt(identity) }
        this.#connection.session.user = identity.user
        this.#connection.session.control({
          type: 'welcome',
          v,
          user: identity.user,
          heartbeatMs: this.#options.heartbeatMs,
        })
      })
      .catch((error: unknown) => this.#connection.refuse(asRunnelError(error)))
  }

  /** Resolves when `hello`, or the newest `token`, has been looked at: what comes behind it waits. */
  #pending: Promise<void> = Promise.resolve()

  #afterHello(message: Exclude<ClientControl, { type: 'hello' }>): void {
    const { session } = this.#connection
    switch (message.type) {
      case 'ping':
        return session.control({ type: 'pong' })
      case 'token':
        this.#pending = this.#pending.then(() => this.#renew(message.token))
        return
      case 'unsubscribe':
        this.#connection.spend(message.docs.length)
        return this.#wishes.leave(message.docs)
      case 'subscribe': {
        this.#connection.spend(message.docs.length)
        const fulfil = this.#wishes.add(message.docs)
        void this.#pending.then(() => fulfil(this.identity && (() => this.identity!)))
        return
      }
    }
  }

  /** A new token for the same user: subscriptions go on as they are. */
  async #renew(token: string): Promise<void> {
    if (this.#state.phase !== 'open') return
    const { user, expiresAt } = this.#state.identity
    try {
      const identity = await this.#options.auth.authenticate(token, this.#options.request)
      if (identity.user.id !== user.id)
        throw new RunnelError('unauthenticated', 'That token is of another user: connect anew.')
      // One that lives no longer is no reason to ask again.
      const later = identity.expiresAt === null || (expiresAt !== null && identity.expiresAt > expiresAt)
      this.#state = { phase: 'open', identity, warnAt: later ? this.#warnAt(identity) : this.#state.warnAt }
      this.#connection.session.user = identity.user
    } catch (error) {
      const fault = asRunnelError(error)
      if (fault.code === 'unauthenticated') return this.#connection.refuse(fault)
      // Nobody could say whether it is good: the old one holds as long as it does, and a new one is asked for again.
      this.#state.warnAt = this.#options.now()
      this.#connection.session.control({ type: 'error', code: fault.code, message: fault.message })
    }
  }

  #warnAt({ expiresAt }: Identity): number | null {
    if (expiresAt === null) return null
    return expiresAt - Math.min(warningMs, (expiresAt - this.#options.now()) / 4)
  }

  #watchToken(state: State & { phase: 'open' }): void {
    const { expiresAt } = state.identity
    if (expiresAt === null) return
    const now = this.#options.now()
    if (expiresAt <= now)
      return this.#connection.close(new RunnelError('unauthenticated', 'The token has expired. Sign in again.'))
    // Said so much sooner as it comes later: there must be time for another token.
    if (state.warnAt === null || state.warnAt - this.#connection.transport.lateMs > now) return
    state.warnAt = null
    this.#connection.session.control({ type: 'tokenExpiring', inMs: expiresAt - now })
  }
}
