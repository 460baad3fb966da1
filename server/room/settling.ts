import { inSlices } from '../waiting/slices.ts'

/**
 * When a document and its log say the same and nobody is at it: then it may be
 * written and read. Not while an append is in flight, and not while it is held
 * by what reads it in several turns of the event loop.
 */
export class Settling {
  appending = false
  #held = false
  readonly #waiting: (() => void)[] = []

  get settled(): boolean {
    return !this.appending && !this.#held
  }

  /** Calls back now, or when it has settled. */
  whenSettled(call: () => void): void {
    if (this.settled) call()
    else this.#waiting.push(call)
  }

  /** Calls those who wait, while they leave it settled. */
  settle(): void {
    // One of those who waited may write again: the others wait for that, too.
    while (this.settled) {
      const call = this.#waiting.shift()
      if (!call) return
      call()
    }
  }

  /** Whatever was under way is over. */
  abandon(): void {
    this.appending = this.#held = false
    this.settle()
  }

  /** Calls back while nothing has changed since the work began: at once, where one slice is enough for it. */
  hold<T>(steps: Iterator<unknown, T>, done: (value: T) => void): void {
    const value = inSlices(steps)
    if (!(value instanceof Promise)) return done(value)
    this.#held = true
    void this.#release(value, done)
  }

  async #release<T>(value: Promise<T>, done: (value: T) => void): Promise<void> {
    try {
      done(await value)
    } finally {
      this.#held = false
      this.settle()
    }
  }
}
