import type { ServerResponse } from 'node:http'
import type { Identity } from '../auth/auth.ts'
import type { Frames } from '../room/frame.ts'
import { Outbox } from '../room/outbox.ts'
import { eventFrames } from './event-frames.ts'

/** A stream that was ended and whose reader does not take the rest is destroyed after this time. */
const closingMs = 1_000
/** An EventSource comes back after this time and up to as much again: not all of them at once. */
const retryMs = 1_000

const comment: Frames = [Buffer.from(':\n\n')]

export interface EventStreamLimits {
  /** On a silent stream a comment stands every so often. */
  commentMs: number
  highWaterBytes: number
  stallMs: number
}

export interface EventStreamOptions {
  response: ServerResponse
  identity: Identity
  limits: EventStreamLimits
  now: () => number
  /** The connection is gone, whoever ended it. */
  onClosed: () => void
}

/** One open answer of `text/event-stream`: its head, its silence, its end. */
export class EventStream {
  readonly identity: Identity
  readonly outbox: Outbox
  readonly #response: ServerResponse
  readonly #options: EventStreamOptions
  #closingAt: number | null = null
  // When the reader was last seen to take something, or had nothing to take.
  #progress: { bytes: number; at: number }

  constructor(options: EventStreamOptions) {
    const { response, limits, now } = options
    this.#options = options
    this.#response = response
    this.identity = options.identity
    this.outbox = new Outbox(response, { highWaterBytes: limits.highWaterBytes, now })
    this.#progress = { bytes: 0, at: now() }
    // A reader that hangs up breaks the write that is under way; what follows is 'close'.
    response.on('error', () => {})
    response.on('close', () => {
      this.#closingAt ??= now()
      options.onClosed()
    })
  }

  get ending(): boolean {
    return this.#closingAt !== null
  }

  /** Head and first bytes, before anything is known of the message but that it may be read. */
  open(): void {
    this.writeHead()
    this.outbox.send(eventFrames(`retry: ${retryMs + Math.floor(Math.random() * retryMs)}\n\n`))
  }

  writeHead(): void {
    this.#response.writeHead(200, eventStreamHead)
  }

  /** Ends the stream behind what it was sent; EventSource comes back with the last id. Idempotent. */
  end(): void {
    if (this.#closingAt !== null) return
    this.#closingAt = this.#options.now()
    this.outbox.close()
    this.#response.end()
  }

  /** Ends it so that nobody takes it for whole: the connection breaks a moment later, as a reader may drop what it had not read by then. */
  breakOff(): void {
    this.#closingAt ??= this.#options.now()
    this.outbox.close()
  }

  destroy(): void {
    this.#response.destroy()
  }

  /** Once a sweep: is it closing too long, expired, stalled, or due for a comment? */
  sweep(): void {
    const { now, limits } = this.#options
    const time = now()
    const { bytes } = this.outbox
    if (this.#closingAt !== null) {
      if (time - this.#closingAt >= closingMs) this.destroy()
      return
    }
    const { expiresAt } = this.identity
    if (expiresAt !== null && expiresAt <= time) return this.end()
    if (bytes === 0 || bytes < this.#progress.bytes) this.#progress = { bytes, at: time }
    this.#progress.bytes = bytes
    if (time - Math.max(this.#progress.at, this.outbox.progressAt) >= limits.stallMs) return this.destroy()
    if (bytes === 0 && time - this.outbox.sentAt >= limits.commentMs) this.outbox.send(comment)
  }
}

export const eventStreamHead = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-cache, no-transform',
  // nginx would keep events until its buffer is full.
  'X-Accel-Buffering': 'no',
}
