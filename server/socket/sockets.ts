import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { RunnelError } from '../../shared/errors.ts'
import type { Access } from '../auth/access.ts'
import type { Auth } from '../auth/auth.ts'
import type { Origins } from '../auth/origins.ts'
import { CatchUpQueue } from '../room/catchup.ts'
import type { Rooms } from '../room/rooms.ts'
import { ChannelsClient } from './channels.ts'
import { Connection, type ConnectionLimits } from './connection.ts'
import { StockClient, stockKeepAlive, stockKeepAliveMs } from './stock.ts'

/** The largest frame that a client may send: a batch of subscriptions with their state vectors. */
const maxFrameBytes = 1_048_576

export interface SocketsOptions {
  auth: Auth
  access: Access
  origins: Origins
  rooms: Rooms
  limits: ConnectionLimits
  catchUpMaxBytes: number
  now: () => number
}

/** All WebSockets of this process: who may open one, which of the two protocols it speaks, when it is gone. */
export class Sockets {
  readonly catchUp: CatchUpQueue
  readonly #options: SocketsOptions
  // Compression would need a context a socket and could share no frame.
  readonly #server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: maxFrameBytes, autoPong: false, clientTracking: false })
  readonly #connections = new Map<Connection, { sweep?: () => void }>()
  #idle: (() => void) | null = null

  constructor(options: SocketsOptions) {
    this.#options = options
    this.catchUp = new CatchUpQueue(options.catchUpMaxBytes)
  }

  get connections(): Iterable<Connection> {
    return this.#connections.keys()
  }

  /** Takes the upgrades of a server; returns what stops that. */
  attach(server: Server): () => void {
    const serverOnUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => this.#upgrade(request, socket, head)
    server.on('upgrade', serverOnUpgrade)
    return () => server.off('upgrade', serverOnUpgrade)
  }

  sweep(): void {
    for (const [connection, client] of this.#connections) {
      client.sweep?.()
      connection.sweep()
    }
  }

  /** Closes all with 1012 (come again) and waits until they are gone, a second at most. */
  async close(): Promise<void> {
    if (this.#connections.size === 0) return
    for (const connection of this.#connections.keys()) connection.close(new RunnelError('restarting', 'The server restarts. Connect again.'))
    const gone = new Promise<void>(resolve => { this.#idle = resolve })
    const patience = setTimeout(() => { for (const connection of this.#connections.keys()) connection.terminate() }, 1_000)
    await gone
    clearTimeout(patience)
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // A socket may break before its upgrade is answered.
    socket.on('error', () => {})
    const url = URL.parse(request.url ?? '/', 'http://localhost')
    const doc = /^\/yjs\/([\w-]+)$/.exec(url?.pathname ?? '')?.[1]
    if (!url || (url.pathname !== '/ws' && doc === undefined)) return refuse(socket, '404 Not Found')
    try {
      this.#options.origins.check(request.headers)
    } catch {
      return refuse(socket, '403 Forbidden')
    }
    this.#server.handleUpgrade(request, socket, head, webSocket => {
      const { limits, now } = this.#options
      const onClosed = (connection: Connection) => this.#closed(connection)
      const common = { webSocket, socket, limits, catchUp: this.catchUp, now }
      if (doc === undefined) {
        const connection = new Connection({
          ...common, format: 'channels', onClosed,
          keepAliveMs: limits.heartbeatMs,
          keepAlive: connection => connection.session.control({ type: 'pong' }),
          onText: (_connection, text) => client.onText(text),
          onBinary: (_connection, bytes) => client.onBinary(bytes),
        })
        const client = new ChannelsClient(connection, { ...this.#options, heartbeatMs: limits.heartbeatMs })
        this.#connections.set(connection, client)
      } else {
        const connection = new Connection({
          ...common, format: 'stock',
          keepAliveMs: stockKeepAliveMs,
          keepAlive: connection => connection.session.send(stockKeepAlive),
          onText: () => { throw new RunnelError('bad_request', 'The stock protocol has binary frames only.') },
          onBinary: (_connection, bytes) => client.onBinary(bytes),
          onClosed: connection => {
            client.closed()
            onClosed(connection)
          },
        })
        const client = new StockClient(connection, doc, url.searchParams.get('token') ?? undefined, this.#options)
        this.#connections.set(connection, {})
      }
    })
  }

  #closed(connection: Connection): void {
    this.#connections.delete(connection)
    if (this.#connections.size === 0) this.#idle?.()
  }
}

function refuse(socket: Duplex, status: string): void {
  // Nobody else counts this socket: a client that never closes it would hold it, and the server's end, for ever.
  socket.once('finish', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
