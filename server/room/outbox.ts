import type { Writable } from 'node:stream'
import type { Frames } from './frame.ts'

/** What frames are written to. Where it wants no more (`writableNeedDrain`), the callback of a write says when it does. */
export type FrameSink = Pick<Writable, 'cork' | 'uncork' | 'writableLength' | 'writableNeedDrain' | 'destroyed'> & {
  write(frame: Uint8Array, taken?: (error?: Error | null) => void): unknown
}

/** Room for control messages above the mark: a socket that needs more of it is closed. */
const controlBytes = 65_536

export interface OutboxOptions {
  /** At this many waiting bytes the socket lags: nothing but control messages is taken until all is drained. */
  highWaterBytes: number
  now: () => number
}

/**
 * What one socket has still to be sent. Frames go straight to the socket while
 * it takes them; behind a socket that does not, they wait here and go out one
 * by one, so that a slow reader's progress is seen frame by frame.
 */
export class Outbox {
  readonly #socket: FrameSink
  readonly #options: OutboxOptions
  /** The part of `#waiting` before this index has been written. */
  #first = 0
  #waiting: { frame: Uint8Array; tracked: boolean }[] = []
  #waitingBytes = 0
  /** The part of `#waitingBytes` that others account for. */
  #trackedBytes = 0
  #writing = false
  #lagging = false
  #marks: { after: number; reached: () => void }[] = []
  #written = 0
  #corked = false
  /** When the socket last took something of what waited, epoch ms. */
  progressAt: number
  /** When something was last handed to the socket, epoch ms. */
  sentAt: number
  onLag: () => void = () => {}
  onDrain: () => void = () => {}

  constructor(socket: FrameSink, options: OutboxOptions) {
    this.#socket = socket
    this.#options = options
    this.progressAt = this.sentAt = options.now()
  }

  /** Over the mark and not yet drained: `send` is not to be called. */
  get lagging(): boolean {
    return this.#lagging
  }

  /** Bytes that wait here and in the socket. */
  get bytes(): number {
    return this.#waitingBytes + this.#socket.writableLength
  }

  /** No more control messages fit: the socket must be closed. A difference that is on its way does not count. */
  get overfull(): boolean {
    return this.bytes - this.#trackedBytes > this.#options.highWaterBytes + controlBytes
  }

  /** Would so many bytes more stay below the mark? */
  fits(bytes: number): boolean {
    return this.bytes + bytes <= this.#options.highWaterBytes
  }

  /** Lags from now on, as something did not fit; `onDrain` follows in any case. */
  lag(): void {
    if (this.#lagging) return
    this.#lagging = true
    this.progressAt = this.#options.now()
    // What was written straight to the socket tells nobody when it is taken: this does.
    if (!this.#writing) this.#enqueue(new Uint8Array(0), false)
    this.onLag()
  }

  send(frames: Frames): void {
    for (const frame of frames) {
      if (this.#takesNow(frame)) this.#socket.write(frame)
      else this.#enqueue(frame, false)
    }
    this.#sent()
  }

  /**
   * Sends frames whose memory others account for (a state difference) and
   * calls back when the socket has taken the last of them.
   */
  sendTracked(frames: Frames, taken: () => void): void {
    // Queued and never written straight: the socket's own callback tells when each was taken.
    for (const frame of frames) this.#enqueue(frame, true)
    this.#marks.push({
      after: this.#written + this.#waiting.length - this.#first + (this.#writing ? 1 : 0),
      reached: taken,
    })
    this.#sent()
  }

  /** Until `uncork`, writes are joined into one system call. */
  cork(): void {
    if (this.#corked) return
    this.#corked = true
    this.#socket.cork()
  }

  uncork(): void {
    this.#corked = false
    this.#socket.uncork()
  }

  /** Drops what waits. */
  close(): void {
    this.#waiting = []
    this.#first = this.#waitingBytes = this.#trackedBytes = 0
    const marks = this.#marks
    this.#marks = []
    for (const mark of marks) mark.reached()
  }

  /** Lagging implies that something waits here, so that draining is always seen. */
  #takesNow(frame: Uint8Array): boolean {
    return (
      this.#waitingBytes === 0 &&
      !this.#writing &&
      !this.#socket.writableNeedDrain &&
      this.#socket.writableLength + frame.length <= this.#options.highWaterBytes
    )
  }

  #sent(): void {
    this.sentAt = this.#options.now()
    if (this.bytes > this.#options.highWaterBytes) this.lag()
  }

  #enqueue(frame: Uint8Array, tracked: boolean): void {
    this.#waiting.push({ frame, tracked })
    this.#waitingBytes += frame.length
    if (tracked) this.#trackedBytes += frame.length
    if (!this.#writing) this.#pump()
  }

  #pump(): void {
    const next = this.#waiting[this.#first]
    if (next === undefined || this.#socket.destroyed) return
    const { frame, tracked } = next
    this.#first += 1
    this.#waitingBytes -= frame.length
    if (tracked) this.#trackedBytes -= frame.length
    if (this.#first === this.#waiting.length || this.#first > 1_000) {
      this.#waiting.splice(0, this.#first)
      this.#first = 0
    }
    this.#writing = true
    this.#socket.write(frame, (error) => {
      this.#writing = false
      if (!error) this.#taken()
    })
  }

  #taken(): void {
    this.#written += 1
    this.progressAt = this.#options.now()
    while (this.#marks.length > 0 && this.#marks[0]!.after <= this.#written) this.#marks.shift()!.reached()
    // What `reached` sent may have started the next write already.
    if (this.#writing) return
    if (this.#waiting.length > 0) return this.#pump()
    if (this.#lagging) {
      this.#lagging = false
      this.onDrain()
    }
  }
}
