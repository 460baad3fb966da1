import type { Frames } from './frame.ts'

/** A state difference as frames; all who asked for the same one share it. */
export interface Difference {
  readonly frames: Frames
  readonly bytes: number
  /** Outboxes that still hold it. */
  holders: number
}

/** One who waits for a difference. */
export interface Waiter {
  /**
   * Makes or finds the difference and hands it over, now or, where it is large, later; null if it is not needed any more.
   * `failed` instead, where that throws.
   */
  prepare(ready: (difference: Difference | null) => void, failed: (error: unknown) => void): void
  /** Hands it to the outbox, which calls `release` once when it has been taken or dropped. */
  send(difference: Difference, release: () => void): void
  /** What it did has thrown: it gets nothing more. The others in line go on. */
  fail(error: unknown): void
}

/**
 * State differences pending in the whole process, joins included, are capped:
 * a thousand viewers who return at once wait in line instead of filling the
 * memory. A difference larger
 * than the cap goes through when its turn comes: the cap is checked before it.
 */
export class CatchUpQueue {
  readonly #capBytes: number
  #pendingBytes = 0
  readonly #line: Waiter[] = []
  #serving = false
  #preparing = false

  constructor(capBytes: number) {
    this.#capBytes = capBytes
  }

  get pendingBytes(): number {
    return this.#pendingBytes
  }

  get waiting(): number {
    return this.#line.length
  }

  /** Serves the waiter now if the cap allows it, else when its turn comes. */
  enter(waiter: Waiter): void {
    this.#line.push(waiter)
    this.#serve()
  }

  #serve(): void {
    // `send` may enter again: the loop that runs takes those too.
    if (this.#serving) return
    this.#serving = true
    try {
      while (this.#line.length > 0 && !this.#preparing && this.#pendingBytes < this.#capBytes) {
        const waiter = this.#line.shift()!
        this.#prepare(waiter)
      }
    } finally {
      this.#serving = false
    }
  }

  #prepare(waiter: Waiter): void {
    this.#preparing = true
    let open = true
    const over = (go: () => void) => {
      if (!open) return
      open = this.#preparing = false
      go()
      this.#serve()
    }
    const failed = (error: unknown) => over(() => waiter.fail(error))
    try {
      waiter.prepare((difference) => over(() => difference && this.#send(waiter, difference)), failed)
    } catch (error) {
      failed(error)
    }
  }

  #send(waiter: Waiter, difference: Difference): void {
    if (difference.holders++ === 0) this.#pendingBytes += difference.bytes
    let held = true
    const release = () => {
      if (held) this.#release(difference)
      held = false
    }
    try {
      waiter.send(difference, release)
    } catch (error) {
      release()
      waiter.fail(error)
    }
  }

  #release(difference: Difference): void {
    if (--difference.holders === 0) this.#pendingBytes -= difference.bytes
    this.#serve()
  }
}
