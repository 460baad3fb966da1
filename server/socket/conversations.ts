import type { IncomingMessage } from 'node:http'
import { RunnelError } from '../../shared/errors.ts'
import { encodeControl, type ServerControl } from '../../shared/protocol.ts'
import { streamSilenceMs, transportNames, type TransportName } from '../../shared/transports.ts'
import type { Access } from '../auth/access.ts'
import type { Ticket } from '../auth/admission.ts'
import type { Auth } from '../auth/auth.ts'
import { CatchUpQueue } from '../room/catchup.ts'
import { ownFault, toEach } from '../room/fence.ts'
import { textFrames } from '../room/frame.ts'
import type { Rooms } from '../room/rooms.ts'
import { within } from '../waiting/race.ts'
import type { Arrival } from './arrival.ts'
import { ChannelsClient } from './channels.ts'
import { Connection, type ConnectionLimits } from './connection.ts'
import type { RefusalReason } from './refusal.ts'
import { StockClient, stockKeepAlive, stockKeepAliveMs } from './stock.ts'
import type { Transport } from './transport.ts'

export interface ConversationLimits extends ConnectionLimits {
  helloMs: number
  maxFrameBytes: number
  maxSubscriptions: number
  maxStateVectorBytes: number
}

/** Told of what is refused, and why. `place`: the upgrade (or what opens a session over HTTP), or a frame on what is open. */
export type OnRefused = (
  place: 'upgrade' | 'frame',
  reason: RefusalReason,
  context: { address: string; userId?: string | undefined },
) => void

export interface ConversationsOptions {
  auth: Auth
  access: Access
  rooms: Rooms
  limits: ConversationLimits
  catchUpMaxBytes: number
  maxPresenceBytes: number
  onRefused: OnRefused
  /** Told of what one of them has thrown; it is closed. */
  onFault?: (error: unknown) => void
  now: () => number
}

/** Who speaks, on what. */
export interface Speaker {
  transport: Transport
  /** What opened it. */
  request: IncomingMessage
  /** What that showed of who comes. */
  arrival: Arrival | null
  address: string
  ticket: Ticket
  /** Of a stock client: the document, and the token of its address. */
  stock?: { doc: string; token: string | undefined }
  onClosed?: () => void
}

/** All that this process talks with, whatever carries it. */
export class Conversations {
  readonly catchUp: CatchUpQueue
  readonly #options: ConversationsOptions
  readonly #connections = new Map<Connection, ChannelsClient | StockClient>()
  /** Of connections that are gone. */
  #bytesWritten = 0
  #idle: (() => void) | null = null
  #closing = false

  constructor(options: ConversationsOptions) {
    this.#options = options
    this.catchUp = new CatchUpQueue(options.catchUpMaxBytes)
  }

  get connections(): Iterable<Connection> {
    return this.#connections.keys()
  }

  get closing(): boolean {
    return this.#closing
  }

  /** Bytes handed to all of them so far. */
  get bytesWritten(): number {
    let bytes = this.#bytesWritten
    for (const connection of this.#connections.keys()) bytes += connection.bytesWritten
    return bytes
  }

  get byTransport(): Record<TransportName, number> {
    const counts = Object.fromEntries(transportNames.map((name) => [name, 0])) as Record<TransportName, number>
    for (const { transport } of this.#connections.keys()) counts[transport.name] += 1
    return counts
  }

  begin({ transport, request, arrival, address, ticket, stock, onClosed }: Speaker) {
    const { limits, now, onRefused } = this.#options
    const context = { ...this.#options, ...limits, request, arrival, ticket }
    const silenceMs = transport.name === 'stream' ? Math.min(streamSilenceMs, limits.heartbeatMs) : limits.heartbeatMs
    const connection: Connection = new Connection({
      transport,
      limits,
      catchUp: this.catchUp,
      now,
      format: stock ? 'stock' : 'channels',
      keepAliveMs: stock ? stockKeepAliveMs : silenceMs,
      keepAlive: ({ session }) => (stock ? session.send(stockKeepAlive) : session.control({ type: 'pong' })),
      onText: (_connection, text) => client.onText(text),
      onBinary: (_connection, bytes) => client.onBinary(bytes),
      onClosed: () => {
        client.closed()
        this.#closed(connection)
        onClosed?.()
      },
      onRefused: (reason) => onRefused('frame', reason, { address, userId: client.identity?.user.id }),
    })
    const client: ChannelsClient | StockClient = stock
      ? new StockClient(connection, stock.doc, stock.token, context)
      : new ChannelsClient(connection, context)
    if (!connection.session.closed) this.#connections.set(connection, client)
    return { connection, client }
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

  /** Closes all with 1012 (come again) and waits until they are gone, a second at most. */
  async close(): Promise<void> {
    this.#closing = true
    if (this.#connections.size === 0) return
    for (const connection of this.#connections.keys()) connection.close(restarting())
    const gone = Promise.withResolvers<void>()
    this.#idle = gone.resolve
    if (this.#connections.size === 0) return
    await within(1_000, restarting, gone.promise).catch(() => {
      for (const connection of this.#connections.keys()) connection.terminate()
    })
    await gone.promise
  }

  /** One at which something has thrown that its client is not to blame for. */
  readonly #drop = ([connection]: [Connection, unknown], error: unknown): void => {
    this.#options.onFault?.(error)
    connection.close(ownFault(error))
  }

  #closed(connection: Connection): void {
    if (!this.#connections.delete(connection)) return
    this.#bytesWritten += connection.bytesWritten
    if (this.#connections.size === 0) this.#idle?.()
  }
}

export function restarting(): RunnelError {
  return new RunnelError('restarting', 'The server restarts. Connect again.')
}
