import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { RunnelError } from '../../shared/errors.ts'
import type { ServerControl } from '../../shared/protocol.ts'
import { pickSubprotocol } from '../../shared/subprotocol.ts'
import type { ClientAddresses } from '../auth/addresses.ts'
import type { Admission } from '../auth/admission.ts'
import type { Identity } from '../auth/auth.ts'
import type { Origins } from '../auth/origins.ts'
import type { CatchUpQueue } from '../room/catchup.ts'
import { requestIdHeader, takeRequestId } from '../operation/request-id.ts'
import { arrivalOf, knownWithin, type Arrival } from './arrival.ts'
import type { Connection } from './connection.ts'
import { Conversations, restarting, type ConversationLimits, type ConversationsOptions } from './conversations.ts'
import { countBytes, refuseUpgrade } from './gate.ts'
import { asRunnelError } from './refusal.ts'
import { takeUpgrades, type OnUpgrade } from './upgrades.ts'
import { WebSocketTransport } from './websocket.ts'

export type { OnRefused } from './conversations.ts'

export interface SocketLimits extends ConversationLimits {
  maxUnauthenticatedBytes: number
}

export interface SocketsOptions extends ConversationsOptions {
  origins: Origins
  addresses: ClientAddresses
  admission: Admission
  limits: SocketLimits
  /** Throws where this caller is not served at all. */
  admit: (request: IncomingMessage) => void
  /** '' or a path: the sockets are below it. */
  basePath: string
}

/** One that may be let in. `doc`, `token`: of a stock client. */
interface Upgrade {
  request: IncomingMessage
  socket: Duplex
  head: Buffer
  address: string
  doc: string | undefined
  token: string | undefined
  arrival: Arrival | null
}

/** `/yjs/<doc id>`. */
const stockPath = /^\/yjs\/([\w-]+)$/

function isEndpoint(url: string): boolean {
  const path = url.split('?', 1)[0]!
  return path === '/ws' || stockPath.test(path)
}

/** All WebSockets of this process: who may open one, and which of the two protocols it speaks. */
export class Sockets {
  readonly conversations: Conversations
  readonly #options: SocketsOptions
  readonly #server: WebSocketServer
  /** Upgrades that wait until it is known who comes. */
  readonly #arriving = new Set<Upgrade>()

  constructor(options: SocketsOptions) {
    this.#options = options
    // Compression would need a context a socket and could share no frame.
    this.#server = new WebSocketServer({
      noServer: true,
      handleProtocols: pickSubprotocol,
      perMessageDeflate: false,
      maxPayload: options.limits.maxFrameBytes,
      autoPong: false,
      clientTracking: false,
    })
    this.#server.on('headers', (head, request) => head.push(`${requestIdHeader}: ${takeRequestId(request)}`))
    this.conversations = new Conversations(options)
  }

  get catchUp(): CatchUpQueue {
    return this.conversations.catchUp
  }

  get connections(): Iterable<Connection> {
    return this.conversations.connections
  }

  /** Takes the upgrades of a server, but for those that somebody else may listen for; returns what stops that. `onUpgrade`: a connection speaks no HTTP any more. */
  attach(server: Server, onUpgrade: (socket: Socket) => void = () => {}): () => void {
    const take: OnUpgrade = (...upgrade) => this.#upgrade(...upgrade)
    return takeUpgrades(server, this.#options.basePath, isEndpoint, take, onUpgrade)
  }

  sweep(): void {
    this.conversations.sweep()
  }

  /** Tells these users on every connection of theirs what happened to one of their chats. */
  announce(userIds: ReadonlySet<string>, event: Extract<ServerControl, { type: 'chat' }>): void {
    this.conversations.announce(userIds, event)
  }

  /** Closes all with 1012 (come again) and waits until they are gone, a second at most. */
  async close(): Promise<void> {
    for (const { socket, request } of this.#arriving) refuseUpgrade(socket, restarting(), takeRequestId(request))
    await this.conversations.close()
  }

  /** `path`: below the base path; null where it is not. */
  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, path: string | null): void {
    // A socket may break before its upgrade is answered.
    socket.on('error', () => {})
    const url = path === null ? null : URL.parse(path, 'http://localhost')
    const doc = stockPath.exec(url?.pathname ?? '')?.[1]
    const address = this.#options.addresses.keyOf(request)
    const refuse = (error: unknown) => {
      const refusal = asRunnelError(error)
      this.#options.onRefused('upgrade', refusal.code, { address })
      refuseUpgrade(socket, refusal, takeRequestId(request))
    }
    try {
      if (!url || (url.pathname !== '/ws' && doc === undefined))
        throw new RunnelError('not_found', 'There is no socket at this address.')
      this.#options.admit(request)
      this.#options.origins.check(request)
      const token = doc === undefined ? undefined : (url.searchParams.get('token') ?? undefined)
      const arrival = arrivalOf(this.#options.auth, request, token)
      const upgrade: Upgrade = { request, socket, head, address, doc, token, arrival }
      if (arrival) this.#identify(upgrade, arrival).catch(refuse)
      else this.#enter(upgrade, null)
    } catch (error) {
      refuse(error)
    }
  }

  /** Waits until it is known who comes, and no longer than a fifth of what signing in may take. Throws `overloaded`, `rate_limited`. */
  async #identify(upgrade: Upgrade, arrival: Arrival): Promise<void> {
    const { socket } = upgrade
    const asked = this.#options.admission.ask()
    this.#arriving.add(upgrade)
    const identity = await knownWithin(arrival, this.#options.limits.helloMs / 5)
    this.#arriving.delete(upgrade)
    asked()
    if (!this.conversations.closing && !socket.destroyed) this.#enter(upgrade, identity)
  }

  /** Throws `overloaded`, `rate_limited`. */
  #enter({ request, socket, head, address, doc, token, arrival }: Upgrade, identity: Identity | null): void {
    const ticket = this.#options.admission.admit(address, identity)
    // The place is free when the connection is, however it ends.
    socket.once('close', () => ticket.close())
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      const count = countBytes(socket, head.length, this.#options.limits.maxUnauthenticatedBytes, () =>
        connection.refuse(
          new RunnelError('rate_limited', 'Too much was sent before signing in (RUNNEL_MAX_UNAUTHENTICATED_BYTES).'),
        ),
      )
      const { connection } = this.conversations.begin({
        transport: new WebSocketTransport(webSocket, socket),
        request,
        arrival,
        address,
        ticket: {
          ...ticket,
          signIn: (identity) => {
            ticket.signIn(identity)
            count.stop()
          },
        },
        ...(doc !== undefined && { stock: { doc, token } }),
      })
    })
  }
}
