/** Waiting for a server beside us that is away: the one loop that tries again, and the rule of what waits. */
import { setTimeout as sleep } from 'node:timers/promises'
import { RunnelError } from '../shared/errors.ts'

export interface Retry {
  /** ms after which it is given up; default: never. */
  ms?: number
  /** Tries, the first among them; default: any number. */
  tries?: number
  /** Any of them ends the waiting, not a try that is under way. */
  signals?: readonly (AbortSignal | undefined)[]
  /** May it be otherwise in a moment? */
  isPassing: (error: unknown) => boolean
  /** ms of the pause behind a failed try, which are counted from 0. */
  pauseMs?: (attempt: number) => number
}

/** Tries again, further and further apart, while that can help. Throws what the last try threw. */
export async function retry<T>(
  work: (attempt: number) => Promise<T>,
  { ms = Infinity, tries = Infinity, signals = [], isPassing, pauseMs = backOff }: Retry,
): Promise<T> {
  const deadline = performance.now() + ms
  for (let attempt = 0; ; attempt++) {
    try {
      return await work(attempt)
    } catch (error) {
      const pause = pauseMs(attempt)
      if (!isPassing(error) || attempt + 1 >= tries || performance.now() + pause > deadline) throw error
      // Joined only where somebody waits: most tries are the last.
      const signal = AbortSignal.any(signals.filter((signal) => signal !== undefined))
      await sleep(pause, undefined, { signal }).catch(() => {})
      if (signal.aborted) throw error
    }
  }
}

/** 20 ms, twice as long each time, half a second at most. */
function backOff(attempt: number): number {
  return Math.min(20 * 2 ** Math.min(attempt, 10), 500)
}

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
    return await retry(work, {
      ms: this.ms,
      signals: [signal, this.signal],
      isPassing: (error) => isAway(error) && !mayBeDone(error),
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
  return error instanceof RunnelError && error.code === 'store_unavailable'
}

/** In the details of a `store_unavailable` whose write may have been made: repeating it could make it twice. */
export const outcomeUnknown = { outcome: 'unknown' } as const

export function mayBeDone({ details }: RunnelError): boolean {
  return (details as Partial<typeof outcomeUnknown> | undefined)?.outcome === 'unknown'
}
