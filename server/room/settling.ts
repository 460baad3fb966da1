import { inSlices } from '../waiting/slices.ts'
import { fenced, type OnFault } from './fence.ts'

/**
 * When a document and its log say the same and nobody is at it: then it may be
 * written and read. Not while an append is in flight, and not while it is held
 * by what reads it in several turns of the event loop.
 */
export class Settling {
  appending = false
  #held = false
  readonly #waiting: (() => void)[] = []
  readonly #onFault: OnFault

  /** `onFault` is told what those who are called back later throw. */
  constructor(onFault: OnFault) {
    this.#onFault = onFault
  }

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
      fenced(call, this.#onFault)
    }
  }

  /** Whatever was under way is over. */
  abandon(): void {
    this.appending = this.#held = false
    this.settle()
  }

  /**
   * Calls back while nothing has changed since the work began: at once, where
   * one slice is enough for it. `failed` is called instead where the work throws.
   */
  hold<T>(steps: Iterator<unknown, T>, done: (value: T) => void, failed: OnFault): void {
    let value: T | Promise<T>
    try {
      value = inSlices(steps)
    } catch (error) {
      return failed(error)
    }
    if (!(value instanceof Promise)) return done(value)
    this.#held = true
    void this.#release(value, done, failed)
  }

  async #release<T>(value: Promise<T>, done: (value: T) => void, failed: OnFault): Promise<void> {
    let call: () => void
    try {
      const made = await value
      call = () => done(made)
    } catch (error) {
      call = () => failed(error)
    }
    fenced(call, this.#onFault)
    this.#held = false
    this.settle()
  }
}
