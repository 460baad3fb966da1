import { encodeFrame, type Frame } from '../../shared/frames.ts'
import type { FrameSink } from '../room/outbox.ts'
import { tell, type HttpTransport } from './http-transport.ts'
import type { TransportListener } from './transport.ts'

/** A session is not answered more often than this: four times a second. */
const restMs = 250

/** One request for what is there. */
export interface Poll {
  /** The number of the newest answer that its client has; 0 for none. */
  ack: number
  /** It waits until there is something; else it is answered at once. */
  waits: boolean
  /** The next comes in this time at the latest; 0: at once. */
  everyMs: number
  /** Called once. Null: there is nothing, or another poll has come. */
  answer(frames: Buffer | null): void
}

/** Frames that wait for a poll, and the answer that is kept until its client has said that it has it. */
export class PollTransport implements HttpTransport {
  readonly name = 'poll'
  /** Each poll is one. */
  readonly signsApart = true
  readonly sink: PollSink
  #listener!: TransportListener
  #waiting: Poll | null = null
  #kept: { number: number; frames: Buffer } | null = null
  #answers = 0
  #everyMs = 0
  #resting = false
  #ending = false
  #closed = false
  #bytesWritten = 0

  /** `capacity`: bytes that it holds before the outbox has to. */
  constructor(capacity: number) {
    this.sink = new PollSink(capacity, () => this.#answer())
  }

  /** A hidden tab's timers may run late. */
  get silenceMs(): number {
    return 2 * this.#everyMs
  }

  /** Until the next answer; what is said at once after one waits for another. */
  get lateMs(): number {
    return Math.max(restMs, this.#everyMs)
  }

  get bytesWritten(): number {
    return this.#bytesWritten
  }

  listen(listener: TransportListener): void {
    this.#listener = listener
  }

  hear(frames: readonly Frame[]): void {
    tell(this.#listener, this, frames)
  }

  /** The newer of two polls ends the older. */
  take(poll: Poll): void {
    this.#answerWith(null)
    if (this.#closed || this.sink.destroyed) return poll.answer(null)
    this.#listener.alive()
    this.#everyMs = poll.everyMs
    if (this.#kept && poll.ack >= this.#kept.number) {
      this.sink.taken()
      this.#kept = null
    }
    this.#waiting = poll
    this.#answer()
  }

  /** Its caller has hung up. */
  drop(poll: Poll): void {
    if (this.#waiting === poll) this.#waiting = null
  }

  /** One whose poll waits here is there. */
  ping(): void {
    if (this.#waiting) this.#listener.alive()
  }

  leave(): void {
    this.sink.destroyed = true
    this.#answerWith(null)
    this.#listener.cut()
  }

  close(code: number, reason: string): void {
    if (this.#ending) return
    this.#ending = true
    this.sink.write(encodeFrame({ type: 'close', code, reason }))
  }

  terminate(): void {
    if (this.#closed) return
    this.#closed = true
    this.sink.destroyed = true
    this.#answerWith(null)
    this.#listener.closed()
  }

  #answer(): void {
    if (!this.#waiting || this.#resting || this.#closed) return
    if (!this.#kept && this.sink.hasNew) this.#kept = { number: ++this.#answers, frames: this.sink.gather() }
    if (this.#kept) {
      this.#bytesWritten += this.#kept.frames.length
      this.#answerWith(this.#kept.frames)
      // What is behind the end is nothing.
      if (this.#ending && !this.sink.hasNew) return this.terminate()
    } else if (!this.#waiting.waits) this.#answerWith(null)
  }

  #answerWith(frames: Buffer | null): void {
    const poll = this.#waiting
    if (!poll) return
    this.#waiting = null
    if (frames) {
      this.#resting = true
      setTimeout(() => {
        this.#resting = false
        this.#answer()
      }, restMs).unref()
    }
    poll.answer(frames)
  }
}

class PollSink implements FrameSink {
  destroyed = false
  readonly #capacity: number
  readonly #onFrames: () => void
  #new: Uint8Array[] = []
  #newBytes = 0
  /** Of the answer that is kept. */
  #keptBytes = 0
  #blocked: (() => void) | null = null
  #told = false

  constructor(capacity: number, onFrames: () => void) {
    this.#capacity = capacity
    this.#onFrames = onFrames
  }

  get hasNew(): boolean {
    return this.#new.length > 0
  }

  get writableLength(): number {
    return this.#newBytes + this.#keptBytes
  }

  get writableNeedDrain(): boolean {
    return this.writableLength >= this.#capacity
  }

  write(frame: Uint8Array, taken?: () => void): void {
    if (this.destroyed) return
    if (frame.length > 0) {
      this.#new.push(frame)
      this.#newBytes += frame.length
    }
    if (taken) {
      this.#blocked = taken
      queueMicrotask(() => this.#unblock())
    }
    // What is written in one turn goes out together.
    if (this.#told) return
    this.#told = true
    setImmediate(() => {
      this.#told = false
      this.#onFrames()
    })
  }

  cork(): void {}
  uncork(): void {}

  /** What has come since the last answer: the next one, kept until it is `taken`. */
  gather(): Buffer {
    const frames = Buffer.concat(this.#new, this.#newBytes)
    this.#new = []
    this.#keptBytes = this.#newBytes
    this.#newBytes = 0
    return frames
  }

  taken(): void {
    this.#keptBytes = 0
    this.#unblock()
  }

  #unblock(): void {
    if (this.#blocked === null || this.writableNeedDrain || this.destroyed) return
    const taken = this.#blocked
    this.#blocked = null
    taken()
  }
}
