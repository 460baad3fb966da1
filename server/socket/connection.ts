import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { errorRow, RunnelError, type ErrorCode } from '../../shared/errors.ts'
import type { CatchUpQueue } from '../room/catchup.ts'
import { Outbox } from '../room/outbox.ts'
import type { WireFormat } from '../room/frame.ts'
import { Session } from '../room/session.ts'

/** A closing handshake that takes longer than this ends with the socket destroyed. */
const closingMs = 1_000

const minuteMs = 60_000

/** Why a frame or a socket was refused: a code, or that a client tried to write. */
export type RefusalReason = ErrorCode | 'write'

export interface ConnectionLimits {
  /** Messages, pings and documents asked for in a minute. */
  requestsPerMinute: number
  heartbeatMs: number
  heartbeatTimeoutMs: number
  highWaterBytes: number
  stallMs: number
}

export interface ConnectionOptions {
  webSocket: WebSocket
  /** The socket under it: shared frames are written straight to it, between those of `ws`. */
  socket: Duplex
  format: WireFormat
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
  /** A frame of this client was refused. */
  onRefused: (reason: RefusalReason) => void
}

/** One WebSocket: its session, its heartbeat, its end. */
export class Connection {
  readonly session: Session
  readonly outbox: Outbox
  readonly openedAt: number
  readonly onRefused: (reason: RefusalReason) => void
  readonly #webSocket: WebSocket
  readonly #options: ConnectionOptions
  readonly #socket: Duplex
  #minuteBegan: number
  #requests = 0
  #seenAt: number
  #pingedAt: number
  /** Since when it is closing, epoch ms. */
  #closingAt: number | null = null

  constructor(options: ConnectionOptions) {
    const { webSocket, socket, format, limits, catchUp, now } = options
    this.#options = options
    this.#webSocket = webSocket
    this.#socket = socket
    this.onRefused = options.onRefused
    this.openedAt = this.#seenAt = this.#pingedAt = this.#minuteBegan = now()
    this.outbox = new Outbox(socket, { highWaterBytes: limits.highWaterBytes, now })
    this.session = new Session({ format, outbox: this.outbox, catchUp, close: (error) => this.close(error) })
    webSocket.on('message', (data: Buffer, isBinary) => this.#receive(data, isBinary))
    webSocket.on('pong', () => this.#seen())
    webSocket.on('ping', (data) => {
      this.#seen()
      this.#try(() => this.spend(1))
      // A flood of pings from a client that reads nothing must not pile up answers.
      if (!this.outbox.lagging && this.outbox.bytes < limits.highWaterBytes) webSocket.pong(data)
    })
    // `ws` closes by itself after a protocol error (1002, 1007, 1009); what follows is 'close'.
    webSocket.on('error', (error) => {
      this.onRefused(
        'code' in error && error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' ? 'too_large' : 'bad_request',
      )
      this.#closingAt ??= now()
      // It would read on what is still sent, and throw it away: that is work, too.
      setImmediate(() => socket.pause())
    })
    webSocket.on('close', () => {
      this.session.close()
      options.onClosed(this)
    })
  }

  /** Bytes handed to the socket so far. */
  get bytesWritten(): number {
    return (this.#socket as Partial<Socket>).bytesWritten ?? 0
  }

  /** Counts what the client asks for. Throws `rate_limited` where that is too much for one minute. */
  spend(requests: number): void {
    const { now, limits } = this.#options
    if (now() - this.#minuteBegan >= minuteMs) {
      this.#minuteBegan = now()
      this.#requests = 0
    }
    this.#requests += requests
    if (this.#requests > limits.requestsPerMinute) {
      throw new RunnelError(
        'rate_limited',
        'This connection asks too often. Connect again (RUNNEL_MAX_SOCKET_REQUESTS_PER_MINUTE).',
      )
    }
  }

  /** Ends the socket with the close code and the sentence of the error. Idempotent. */
  close(error: RunnelError, code = errorRow(error.code).close ?? 1011): void {
    if (this.#closingAt !== null) return
    this.#closingAt = this.#options.now()
    this.session.close()
    this.#webSocket.close(code, reason(error.message))
  }

  /** Ends the socket because of what its client did or asked. */
  refuse(error: RunnelError): void {
    this.onRefused(error.code)
    this.close(error)
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
    this.#try(() => {
      this.spend(1)
      if (isBinary) this.#options.onBinary(this, data)
      else this.#options.onText(this, data.toString())
    })
  }

  #try(action: () => void): void {
    try {
      action()
    } catch (error) {
      this.refuse(asRunnelError(error))
    }
  }
}

export function asRunnelError(error: unknown): RunnelError {
  if (error instanceof RunnelError) return error
  return new RunnelError('internal', 'Something went wrong inside the server.', { cause: error })
}

/** RFC 6455: a close reason has at most 123 bytes. */
function reason(message: string): string {
  return Buffer.byteLength(message) <= 123
    ? message
    : `${Buffer.from(message)
        .subarray(0, 110)
        .toString()
        .replace(/\ufffd+$/, '')} …`
}
