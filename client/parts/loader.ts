import type { Client } from '../index.ts'
import { onOpened } from '../opened.ts'
import { RunnelError } from '../../shared/errors.ts'

/** Between two loads of one kind that events ask for, so that a burst of them is one request. */
const pauseMs = 300

export type Load = (client: Client, signal: AbortSignal) => Promise<void>

export interface LoaderEvents {
  /** People may see that it loads: all of it, or more of it. */
  readonly pending: (pending: boolean) => void
  readonly failed: (error: RunnelError) => void
}

/** Reads over HTTP one after another: what is asked for while it waits is read once. What `stop` ends says nothing any more. */
export class Loader {
  readonly #client: Client
  readonly #events: LoaderEvents
  readonly #waiting = new Map<string, Load>()
  readonly #lastAt = new Map<string, number>()
  readonly #abort = new AbortController()
  readonly #stopWatching: () => void
  #isLoading = false
  #timer: ReturnType<typeof setTimeout> | undefined

  /** `all` reads everything: now, and whenever the line was down, since what happened meanwhile is not told. */
  constructor(client: Client, events: LoaderEvents, all: Load) {
    this.#client = client
    this.#events = events
    this.#stopWatching = onOpened(client.connection, () => this.load('all', all))
    this.load('all', all)
  }

  stop(): void {
    this.#stopWatching()
    clearTimeout(this.#timer)
    this.#abort.abort()
  }

  load(name: string, load: Load): void {
    if (this.#abort.signal.aborted) return
    this.#waiting.set(name, load)
    if (name === 'all' || name === 'more') this.#events.pending(true)
    this.#next()
  }

  #next(): void {
    const { signal } = this.#abort
    if (signal.aborted || this.#isLoading || this.#timer !== undefined) return
    for (const [name, load] of this.#waiting) {
      const waitMs = name === 'more' ? 0 : (this.#lastAt.get(name) ?? -pauseMs) + pauseMs - performance.now()
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
      const settle = (tell: () => void) => {
        if (signal.aborted) return
        this.#isLoading = false
        tell()
        this.#next()
      }
      load(this.#client, signal).then(
        () => settle(() => {}),
        (error: unknown) => settle(() => this.#events.failed(asRunnelError(error))),
      )
      return
    }
    this.#events.pending(false)
  }
}

/** Errors are told apart by their `code`: another copy of this library has another class. */
export function asRunnelError(error: unknown): RunnelError {
  if (error instanceof Error && 'code' in error && 'retryable' in error) return error as RunnelError
  return new RunnelError('internal', String(error), { cause: error })
}
