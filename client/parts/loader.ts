import { RunnelError } from '../../shared/errors.ts'

/** Between two loads of one kind that events ask for, so that a burst of them is one request. */
const pauseMs = 300

type Load = (signal: AbortSignal) => Promise<void>

/**
 * Reads over HTTP one after another: what is asked for while it waits is read once. `all` answers
 * for `top`; of it and of `more` people are told that they are pending. A load that `stop` ends says nothing any more.
 */
export class Loader {
  readonly #events: { pending: (pending: boolean) => void; failed: (error: RunnelError) => void }
  readonly #waiting = new Map<string, Load>()
  readonly #lastAt = new Map<string, number>()
  #abort: AbortController | null = null
  #isLoading = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(events: { pending: (pending: boolean) => void; failed: (error: RunnelError) => void }) {
    this.#events = events
  }

  start(): void {
    this.#abort = new AbortController()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#waiting.clear()
    this.#lastAt.clear()
    this.#isLoading = false
    this.#abort?.abort()
    this.#abort = null
  }

  load(name: string, load: Load): void {
    if (!this.#abort) return
    this.#waiting.set(name, load)
    if (name === 'all') this.#waiting.delete('top')
    this.#next()
  }

  #next(): void {
    const abort = this.#abort
    if (!abort || this.#isLoading || this.#timer !== undefined) return
    const [name, load] = [...this.#waiting][0] ?? []
    if (name === undefined || load === undefined) return this.#events.pending(false)
    const waitMs = name === 'more' ? 0 : (this.#lastAt.get(name) ?? -Infinity) + pauseMs - performance.now()
    if (waitMs > 0) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined
        this.#next()
      }, waitMs)
      return
    }
    this.#waiting.delete(name)
    this.#lastAt.set(name, performance.now())
    this.#isLoading = true
    if (name === 'all' || name === 'more') this.#events.pending(true)
    void load(abort.signal)
      .catch((error: unknown) => {
        if (!abort.signal.aborted) this.#events.failed(asRunnelError(error))
      })
      .finally(() => {
        if (abort.signal.aborted) return
        this.#isLoading = false
        this.#next()
      })
  }
}

/** Errors are told apart by their `code`: another copy of this library has another class. */
export function asRunnelError(error: unknown): RunnelError {
  if (error instanceof Error && 'code' in error && 'retryable' in error) return error as RunnelError
  return new RunnelError('internal', error instanceof Error ? error.message : 'Something went wrong.', { cause: error })
}
