import { errorRow, RunnelError } from '../../shared/errors.ts'
import type { CatchUpQueue } from '../room/catchup.ts'
import { Outbox } from '../room/outbox.ts'
import type { WireFormat } from '../room/frame.ts'
import { Session } from '../room/session.ts'
import { asRunnelError, type RefusalReason } from './refusal.ts'
import type { Transport } from './transport.ts'

/** A closing handshake that takes longer than this ends with the transport destroyed. */
const closingMs = 1_000

/** A session whose line was cut waits so long for its client; once that has come back, until it has said there who it is. */
const waitingMs = 10_000
const successionMs = 2_000

const minuteMs = 60_000

export interface ConnectionLimits {
  /** Messages, pings and documents asked for in a minute. */
  requestsPerMinute: number
  heartbeatMs: number
  heartbeatTimeoutMs: number
  highWaterBytes: number
  stallMs: number
}

export interface ConnectionOptions {
  transport: Transport
  format: WireFormat
  limits: ConnectionLimits
  catchUp: CatchUpQueue
  now: () => number
  /** Says something on a silent line, for clients that see no pings. */
  keepAlive: (connection: Connection) => void
  keepAliveMs: number
  /** Throws `bad_request` for a frame that is none: it ends this connection and nothing else. */
  onText: (connection: Connection, text: string) => void
  onBinary: (connection: Connection, bytes: Uint8Array) => void
  onClosed: (connection: Connection) => void
  /** A frame of this client was refused. */
  onRefused: (reason: RefusalReason) => void
}

/** One transport: its session, its heartbeat, its end. */
export class Connection {
  readonly session: Session
  readonly outbox: Outbox
  readonly openedAt: number
  readonly onRefused: (reason: RefusalReason) => void
  readonly transport: Transport
  readonly #options: ConnectionOptions
  #minuteBegan: number
  #requests = 0
  #seenAt: number
  #pingedAt: number
  /** Since when it is closing, epoch ms. */
  #closingAt: number | null = null
  /** Until when it waits for its client, epoch ms; null while that is there. */
  #waitsUntil: number | null = null

  constructor(options: ConnectionOptions) {
    const { transport, format, limits, catchUp, now } = options
    this.#options = options
    this.transport = transport
    this.onRefused = options.onRefused
    this.openedAt = this.#seenAt = this.#pingedAt = this.#minuteBegan = now()
    this.outbox = new Outbox(transport.sink, { highWaterBytes: limits.highWaterBytes, now })
    this.session = new Session({ format, outbox: this.outbox, catchUp, close: (error) => this.close(error) })
    transport.listen({
      text: (text) => this.#receive(() => options.onText(this, text)),
      binary: (bytes) => this.#receive(() => options.onBinary(this, bytes)),
      alive: () => this.#seen(),
      pinged: () => {
        this.#seen()
        if (this.#closingAt !== null || this.#waitsUntil !== null) return false
        this.#try(() => this.spend(1))
        // A flood of pings from a client that reads nothing must not pile up answers.
        return this.#closingAt === null && !this.outbox.lagging && this.outbox.bytes < limits.highWaterBytes
      },
      broken: (reason) => {
        this.onRefused(reason)
        this.#closingAt ??= now()
      },
      cut: () => this.#wait(waitingMs),
      closed: () => {
        this.session.close()
        options.onClosed(this)
      },
    })
  }

  /** Bytes handed to the transport so far. */
  get bytesWritten(): number {
    return this.transport.bytesWritten
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

  /** Ends it with the close code and the sentence of the error. Idempotent. */
  close(error: RunnelError, code = errorRow(error.code).close ?? 1011): void {
    if (this.#closingAt !== null) return
    this.#closingAt = this.#options.now()
    this.session.close()
    this.transport.close(code, reason(error.message))
  }

  /** Ends it because of what its client did or asked. */
  refuse(error: RunnelError): void {
    this.onRefused(error.code)
    this.close(error)
  }

  terminate(): void {
    this.transport.terminate()
  }

  /** Its client goes on on another line: what is to be seen of it here stays until it has said there who it is. */
  succeeded(): void {
    this.#wait(successionMs)
  }

  /** Nothing more is sent, and documents are left but for chats, where the others must not see their neighbour come and go. */
  #wait(ms: number): void {
    if (this.#closingAt !== null) return this.terminate()
    if (this.#waitsUntil === null) this.session.part()
    this.#waitsUntil = Math.min(this.#waitsUntil ?? Infinity, this.#options.now() + ms)
  }

  /** Once a sweep: is it closing too long, stalled, gone, or due for a ping? */
  sweep(): void {
    const { now, limits, keepAlive, keepAliveMs } = this.#options
    const time = now()
    if (this.#closingAt !== null) {
      if (time - this.#closingAt >= closingMs) this.terminate()
      return
    }
    if (this.#waitsUntil !== null) {
      if (time >= this.#waitsUntil) this.terminate()
      return
    }
    const isSilent = time - this.#seenAt >= limits.heartbeatTimeoutMs + this.transport.silenceMs
    if (this.outbox.lagging) {
      // Its pongs may stand behind what it has not read: while it lags only progress counts.
      if (!this.transport.signsApart) this.#seenAt = time
      else if (isSilent) return this.terminate()
      if (time - this.outbox.progressAt >= limits.stallMs) {
        this.close(new RunnelError('stalled', 'This connection has read nothing for too long. Connect again.'))
      }
      return
    }
    if (isSilent) return this.terminate()
    if (time - this.#pingedAt >= limits.heartbeatMs) {
      this.#pingedAt = time
      this.transport.ping()
    }
    if (time - this.outbox.sentAt >= keepAliveMs) keepAlive(this)
  }

  #seen(): void {
    this.#seenAt = this.#options.now()
  }

  #receive(take: () => void): void {
    this.#seen()
    if (this.#closingAt !== null || this.#waitsUntil !== null) return
    this.#try(() => {
      this.spend(1)
      take()
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

/** RFC 6455: a close reason has at most 123 bytes. */
function reason(message: string): string {
  return Buffer.byteLength(message) <= 123
    ? message
    : `${Buffer.from(message)
        .subarray(0, 110)
        .toString()
        .replace(/\ufffd+$/, '')} …`
}
