import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { RunnelError } from '../../shared/errors.ts'
import { refuse } from './refuse.ts'

/** Smaller answers are not counted and never refused: as a rule the system takes them at once. */
const smallBytes = 16_384
/** Of what may be pending in all, one address may have this part. */
const addressShare = 1 / 4

export interface AnswersOptions {
  /** A caller who has taken nothing of their answer for so long is let go. */
  stallMs: number
  /** Bytes of answers that their callers have not taken yet, in all. One that is larger goes where nothing else is pending. */
  maxPendingBytes: number
  /** Answers that one address may wait for at once. */
  maxPerAddress: number
  addressOf: (request: IncomingMessage) => string
  /** One that is counted with the sockets. */
  isSession: (request: IncomingMessage) => boolean
  now: () => number
}

interface Waiting {
  request: IncomingMessage
  response: ServerResponse
  serve: () => void
}

interface Open {
  socket: Socket
  response: ServerResponse
  /** Bytes of the connection that the system had taken by `at`. */
  taken: number
  /** When the caller last took something, or had nothing to take, epoch ms. */
  at: number
}

/**
 * All HTTP answers of this process, from the request until the system has
 * taken the last byte. A connection has one answer at a time: what is asked
 * behind it waits, so that one that is not read holds no more than one answer.
 */
export class Answers {
  readonly #options: AnswersOptions
  readonly #open = new Set<Open>()
  /** Of each connection, the request that is answered and those behind it. */
  readonly #lines = new WeakMap<Socket, Waiting[]>()
  readonly #counts = new Map<string, number>()
  readonly #pendingOf = new Map<string, number>()
  #pendingBytes = 0

  constructor(options: AnswersOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#open.size
  }

  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /** Calls `serve` when this request's turn has come; refuses it where its address has too many. */
  take(request: IncomingMessage, response: ServerResponse, serve: () => void): void {
    const { socket } = request
    const waiting = { request, response, serve }
    // HTTP/2 carries many answers side by side, and counts them itself.
    if (request.httpVersionMajor > 1) return this.#begin(waiting)
    const line = this.#lines.get(socket)
    if (line) return void line.push(waiting)
    this.#lines.set(socket, [waiting])
    this.#begin(waiting)
  }

  /** Once a second or so: lets go of those who take nothing. */
  sweep(): void {
    const now = this.#options.now()
    for (const open of this.#open) {
      const taken = takenBytes(open.socket)
      if (open.response.writableLength === 0 || taken > open.taken) Object.assign(open, { taken, at: now })
      else if (now - open.at >= this.#options.stallMs) open.socket.destroy()
    }
  }

  #begin({ request, response, serve }: Waiting): void {
    const { socket } = request
    const address = this.#options.addressOf(request)
    const open = { socket, response, taken: takenBytes(socket), at: this.#options.now() }
    this.#open.add(open)
    const counts = this.#options.isSession(request) ? 0 : 1
    add(this.#counts, address, counts)
    response.once('close', () => {
      this.#open.delete(open)
      add(this.#counts, address, -counts)
      this.#next(socket)
    })
    this.#bound(response, address)
    if (counts === 0 || this.#counts.get(address)! <= this.#options.maxPerAddress) return serve()
    refuse(
      response,
      new RunnelError(
        'rate_limited',
        'Too many requests of your address are being answered (RUNNEL_MAX_CONNECTIONS_PER_ADDRESS); wait until some of them are.',
      ),
    )
  }

  #next(socket: Socket): void {
    const line = this.#lines.get(socket)
    line?.shift()
    const waiting = line?.[0]
    if (waiting && !socket.destroyed) this.#begin(waiting)
    else this.#lines.delete(socket)
  }

  /** Whole answers are handed over by `end`; what is written in pieces waits for its reader by itself. */
  #bound(response: ServerResponse, address: string): void {
    const end = response.end.bind(response) as (...given: unknown[]) => ServerResponse
    response.end = ((...given: unknown[]) => {
      const bytes = sizeOf(given[0])
      if (bytes <= smallBytes || response.destroyed) return end(...given)
      if (!response.headersSent && this.#isFull(address, bytes)) {
        refuse(
          response,
          new RunnelError(
            'overloaded',
            'Too many answers wait for callers that do not read them; try again in a moment (RUNNEL_MAX_PENDING_ANSWER_BYTES).',
          ),
        )
        return response
      }
      this.#count(address, bytes)
      response.once('close', () => this.#count(address, -bytes))
      return end(...given)
    }) as typeof response.end
  }

  #isFull(address: string, bytes: number): boolean {
    const { maxPendingBytes } = this.#options
    const isOver = (pending: number, max: number) => pending > 0 && pending + bytes > max
    return (
      isOver(this.#pendingBytes, maxPendingBytes) ||
      isOver(this.#pendingOf.get(address) ?? 0, maxPendingBytes * addressShare)
    )
  }

  #count(address: string, bytes: number): void {
    this.#pendingBytes += bytes
    add(this.#pendingOf, address, bytes)
  }
}

function add(counts: Map<string, number>, key: string, change: number): void {
  const count = (counts.get(key) ?? 0) + change
  if (count > 0) counts.set(key, count)
  else counts.delete(key)
}

function sizeOf(chunk: unknown): number {
  if (typeof chunk === 'string') return Buffer.byteLength(chunk)
  return chunk instanceof Uint8Array ? chunk.byteLength : 0
}

/**
 * Bytes that the system has taken. Node counts a write when it is done, which
 * for 10 MB to a slow reader takes minutes: libuv's own queue shows its way.
 */
function takenBytes(socket: Socket): number {
  const handle = (socket as { _handle?: { bytesWritten?: number; writeQueueSize?: number } | null })._handle
  return handle?.writeQueueSize === undefined || handle.bytesWritten === undefined
    ? socket.bytesWritten - socket.writableLength
    : handle.bytesWritten - handle.writeQueueSize
}
