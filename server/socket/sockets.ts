import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'
import { RunnelError } from '../../shared/errors.ts'
import { encodeControl, type ServerControl } from '../../shared/protocol.ts'
import { pickSubprotocol } from '../../shared/subprotocol.ts'
import type { ClientAddresses } from '../auth/addresses.ts'
import type { Admission, Ticket } from '../auth/admission.ts'
import type { Access } from '../auth/access.ts'
import type { Auth, Identity } from '../auth/auth.ts'
import type { Origins } from '../auth/origins.ts'
import { CatchUpQueue } from '../room/catchup.ts'
import { ownFault, toEach } from '../room/fence.ts'
import { textFrames } from '../room/frame.ts'
import type { Rooms } from '../room/rooms.ts'
import { within } from '../waiting/race.ts'
import { arrivalOf, knownWithin, type Arrival } from './arrival.ts'
import { ChannelsClient } from './channels.ts'
import { asRunnelError, Connection, type ConnectionLimits, type RefusalReason } from './connection.ts'
import { requestIdHeader, takeRequestId } from '../operation/request-id.ts'
import { countBytes, refuseUpgrade } from './gate.ts'
import { StockClient, stockKeepAlive, stockKeepAliveMs } from './stock.ts'
import { takeUpgrades, type OnUpgrade } from './upgrades.ts'

export interface SocketLimits extends ConnectionLimits {
  helloMs: number
  maxFrameBytes: number
  maxSubscriptions: number
  maxStateVectorBytes: number
  maxUnauthenticatedBytes: number
}

/** Told of what is refused, and why. `place`: the upgrade, or a frame on an open socket. */
export type OnRefused = (
  place: 'upgrade' | 'frame',
  reason: RefusalReason,
  context: { address: string; userId?: string | undefined },
) => void

export interface SocketsOptions {
  auth: Auth
  access: Access
  origins: Origins
  rooms: Rooms
  addresses: ClientAddresses
  admission: Admission
  limits: SocketLimits
  /** Throws where this caller is not served at all. */
  admit: (request: IncomingMessage) => void
  /** '' or a path: the sockets are below it. */
  basePath: string
  catchUpMaxBytes: number
  maxPresenceBytes: number
  onRefused: OnRefused
  /** Told of what one of them has thrown; it is closed. */
  onFault?: (error: unknown) => void
  now: () => number
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

/** All WebSockets of this process: who may open one, which of the two protocols it speaks, when it is gone. */
export class Sockets {
  readonly catchUp: CatchUpQueue
  readonly #options: SocketsOptions
  readonly #server: WebSocketServer
  readonly #connections = new Map<Connection, ChannelsClient | StockClient>()
  /** Of connections that are gone. */
  #bytesWritten = 0
  #idle: (() => void) | null = null
  /** Upgrades that wait until it is known who comes. */
  readonly #arriving = new Set<Upgrade>()
  #closing = false

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
    this.catchUp = new CatchUpQueue(options.catchUpMaxBytes)
  }

  get connections(): Iterable<Connection> {
    return this.#connections.keys()
  }

  /** Bytes handed to all sockets so far. */
  get bytesWritten(): number {
    let bytes = this.#bytesWritten
    for (const connection of this.#connections.keys()) bytes += connection.bytesWritten
    return bytes
  }

  /** Takes the upgrades of a server, but for those that somebody else may listen for; returns what stops that. `onUpgrade`: a connection speaks no HTTP any more. */
  attach(server: Server, onUpgrade: (socket: Socket) => void = () => {}): () => void {
    const take: OnUpgrade = (...upgrade) => this.#upgrade(...upgrade)
    return takeUpgrades(server, this.#options.basePath, isEndpoint, take, onUpgrade)
  }

  sweep(): void {
    toEach(
      this.#connections,
      ([connection, client]) => {
        client.sweep()
        connection.sweep()
      },
      this.#drop,
    )
  }

  /** Tells these users on every connection of theirs what happened to one of their chats. */
  announce(userIds: ReadonlySet<string>, event: Extract<ServerControl, { type: 'chat' }>): void {
    const frames = textFrames(encodeControl(event))
    toEach(
      this.#connections,
      ([{ session }, { identity }]) => {
        if (session.format === 'channels' && identity && userIds.has(identity.user.id)) session.send(frames)
      },
      this.#drop,
    )
  }

  /** One at which something has thrown that its client is not to blame for. */
  readonly #drop = ([connection]: [Connection, unknown], error: unknown): void => {
    this.#options.onFault?.(error)
    connection.close(ownFault(error))
  }

  /** Closes all with 1012 (come again) and waits until they are gone, a second at most. */
  async close(): Promise<void> {
    this.#closing = true
    for (const { socket, request } of this.#arriving) refuseUpgrade(socket, restarting(), takeRequestId(request))
    if (this.#connections.size === 0) return
    for (const connection of this.#connections.keys()) connection.close(restarting())
    const gone = Promise.withResolvers<void>()
    this.#idle = gone.resolve
    await within(1_000, restarting, gone.promise).catch(() => {
      for (const connection of this.#connections.keys()) connection.terminate()
    })
    await gone.promise
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
    if (!this.#closing && !socket.destroyed) this.#enter(upgrade, identity)
  }

  /** Throws `overloaded`, `rate_limited`. */
  #enter({ request, socket, head, address, doc, token, arrival }: Upgrade, identity: Identity | null): void {
    const ticket = this.#options.admission.admit(address, identity)
    // The place is free when the connection is, however it ends.
    socket.once('close', () => ticket.close())
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      const { connection, client } = this.#converse(
        webSocket,
        socket,
        request,
        { doc, token, arrival },
        address,
        head.length,
        ticket,
      )
      if (!connection.session.closed) this.#connections.set(connection, client)
    })
  }

  /** `doc`: the one of a stock client; undefined on `/ws`. */
  #converse(
    webSocket: WebSocket,
    socket: Duplex,
    request: IncomingMessage,
    { doc, token, arrival }: Pick<Upgrade, 'doc' | 'token' | 'arrival'>,
    address: string,
    alreadyRead: number,
    ticket: Ticket,
  ) {
    const { limits, now, onRefused } = this.#options
    const count = countBytes(socket, alreadyRead, limits.maxUnauthenticatedBytes, () => {
      connection.refuse(
        new RunnelError('rate_limited', 'Too much was sent before signing in (RUNNEL_MAX_UNAUTHENTICATED_BYTES).'),
      )
    })
    const places = {
      ...this.#options,
      ...limits,
      request,
      arrival,
      ticket: {
        ...ticket,
        signIn: (identity: Identity) => {
          ticket.signIn(identity)
          count.stop()
        },
      },
    }
    const stock = doc !== undefined
    const connection: Connection = new Connection({
      webSocket,
      socket,
      limits,
      catchUp: this.catchUp,
      now,
      format: stock ? 'stock' : 'channels',
      keepAliveMs: stock ? stockKeepAliveMs : limits.heartbeatMs,
      keepAlive: ({ session }) => (stock ? session.send(stockKeepAlive) : session.control({ type: 'pong' })),
      onText: (_connection, text) => client.onText(text),
      onBinary: (_connection, bytes) => client.onBinary(bytes),
      onClosed: () => {
        client.closed()
        this.#closed(connection)
      },
      onRefused: (reason) => onRefused('frame', reason, { address, userId: client.identity?.user.id }),
    })
    const client: ChannelsClient | StockClient = stock
      ? new StockClient(connection, doc, token, places)
      : new ChannelsClient(connection, places)
    return { connection, client }
  }

  #closed(connection: Connection): void {
    if (!this.#connections.delete(connection)) return
    this.#bytesWritten += connection.bytesWritten
    if (this.#connections.size === 0) this.#idle?.()
  }
}

function restarting(): RunnelError {
  return new RunnelError('restarting', 'The server restarts. Connect again.')
}
