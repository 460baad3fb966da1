import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { errorRow, RunnelError } from '../../shared/errors.ts'
import type { CatchUpQueue } from '../room/catchup.ts'
import { Outbox } from '../room/outbox.ts'
import { Session, type SessionFormat } from '../room/session.ts'

/** A closing handshake that takes longer than this ends with the socket destroyed. */
const closingMs = 1_000

export interface ConnectionLimits {
  heartbeatMs: number
  heartbeatTimeoutMs: number
  highWaterBytes: number
  stallMs: number
}

export interface ConnectionOptions {
  webSocket: WebSocket
  /** The socket under it: shared frames are written straight to it, between those of `ws`. */
  socket: Duplex
  format: SessionFormat
  limits: ConnectionLimits
  catchUp: CatchUpQueue
  now: () => number
  /** Says something on a silent socket, for clients that see no pings. */
  keepAlive: (connection: Connection) => void
  keepAliveMs: number
  /** Throws `bad_request` for a frame that is none: it ends this socket and nothing else. */
  onText: (connection: Connection, text: string) => void
  onBinary: (connection: Connection, bytes: Uint8Array) => void
  onClosed: (connection: Connection) => void
}

/** One WebSocket: its session, its heartbeat, its end. */
export class Connection {
  readonly session: Session
  readonly outbox: Outbox
  readonly openedAt: number
  readonly #webSocket: WebSocket
  readonly #options: ConnectionOptions
  #seenAt: number
  #pingedAt: number
  /** Since when it is closing, epoch ms. */
  #closingAt: number | null = null

  constructor(options: ConnectionOptions) {
    const { webSocket, socket, format, limits, catchUp, now } = options
    this.#options = options
    this.#webSocket = webSocket
    this.openedAt = this.#seenAt = this.#pingedAt = now()
    this.outbox = new Outbox(socket, { highWaterBytes: limits.highWaterBytes, now })
    this.session = new Session({ format, outbox: this.outbox, catchUp, close: error => this.close(error) })
    webSocket.on('message', (data: Buffer, isBinary) => this.#receive(data, isBinary))
    webSocket.on('pong', () => this.#seen())
    webSocket.on('ping', data => {
      this.#seen()
      // A flood of pings from a client that reads nothing must not pile up answers.
      if (!this.outbox.lagging && this.outbox.bytes < limits.highWaterBytes) webSocket.pong(data)
    })
    // `ws` closes by itself after a protocol error (1002, 1007, 1009); what follows is 'close'.
    webSocket.on('error', () => {})
    webSocket.on('close', () => {
      this.session.close()
      options.onClosed(this)
    })
  }

  /** Ends the socket with the close code and the sentence of the error. Idempotent. */
  close(error: RunnelError): void {
    if (this.#closingAt !== null) return
    this.#closingAt = this.#options.now()
    this.session.close()
    this.#webSocket.close(errorRow(error.code).close ?? 1011, reason(error.message))
  }

  terminate(): void {
    this.#webSocket.terminate()
  }

  /** Once a sweep: is it closing too long, stalled, gone, or due for a ping? */
  sweep(): void {
    const { now, limits, keepAlive, keepAliveMs } = this.#options
    const time = now()
    if (this.#closingAt !== null) {
      if (time - this.#closingAt >= closingMs) this.terminate()
      return
    }
    if (this.outbox.lagging) {
      // Its pongs may stand behind what it has not read: while it lags only progress counts.
      this.#seenAt = time
      if (time - this.outbox.progressAt >= limits.stallMs) {
        this.close(new RunnelError('stalled', 'This connection has read nothing for too long. Connect again.'))
      }
      return
    }
    if (time - this.#seenAt >= limits.heartbeatTimeoutMs) return this.terminate()
    if (time - this.#pingedAt >= limits.heartbeatMs) {
      this.#pingedAt = time
      this.#webSocket.ping()
    }
    if (time - this.outbox.sentAt >= keepAliveMs) keepAlive(this)
  }

  #seen(): void {
    this.#seenAt = this.#options.now()
  }

  #receive(data: Buffer, isBinary: boolean): void {
    this.#seen()
    if (this.#closingAt !== null) return
    try {
      if (isBinary) this.#options.onBinary(this, data)
      else this.#options.onText(this, data.toString())
    } catch (error) {
      this.close(asRunnelError(error))
    }
  }
}

export function asRunnelError(error: unknown): RunnelError {
  if (error instanceof RunnelError) return error
  return new RunnelError('internal', 'Something went wrong inside the server.', { cause: error })
}

/** RFC 6455: a close reason has at most 123 bytes. */
function reason(message: string): string {
  return Buffer.byteLength(message) <= 123 ? message : `${Buffer.from(message).subarray(0, 110).toString().replace(/\ufffd+$/, '')} …`
}
