/** Waiting for a server beside us that is away: the rule of what waits, and for how long. */
import { isRunnelError, type RunnelError } from '../../shared/errors.ts'
import { retried } from './retry.ts'

/** Between two tries of what a server beside us is asked. */
export const awayBackOff = { firstMs: 20, longestMs: 500 } as const
/** Between two tries of what must be saved, however long that takes. */
export const savingBackOff = { firstMs: 500, longestMs: 5_000 } as const

/**
 * How long what has begun waits for a store that is away: a run, and what was
 * asked of one. What only reads, or is new, is refused at once instead.
 */
export class Patience {
  readonly ms: number
  readonly #ended = new AbortController()

  constructor(ms: number) {
    this.ms = ms
  }

  /** Aborted when nobody waits any more. */
  get signal(): AbortSignal {
    return this.#ended.signal
  }

  /** What throws `store_unavailable` is tried again, unless it may have been done. `signal`: nobody needs it any more. */
  async keep<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return await retried(work, {
      ...awayBackOff,
      deadline: performance.now() + this.ms,
      signal: this.signal,
      again: (error) => isAway(error) && !mayBeDone(error) && !signal?.aborted,
    })
  }

  /** The process ends: each call is tried once from here on. */
  end(): void {
    this.#ended.abort()
  }
}

/** For what is not to wait. */
export const noPatience = new Patience(0)

export function isAway(error: unknown): error is RunnelError {
  return isRunnelError(error) && error.code === 'store_unavailable'
}

/** In the details of a `store_unavailable` whose write may have been made: repeating it could make it twice. */
export const outcomeUnknown = { outcome: 'unknown' } as const

export function mayBeDone({ details }: RunnelError): boolean {
  return (details as Partial<typeof outcomeUnknown> | undefined)?.outcome === 'unknown'
}
