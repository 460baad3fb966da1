import { setTimeout as sleep } from 'node:timers/promises'

/** How long to wait before each next try. */
export interface BackOff {
  firstMs: number
  /** It doubles from try to try up to this. */
  longestMs: number
}

/**
 * ms before the next try, after so many failures (1 for the first). Spread over
 * the upper half: whoever failed together does not come back together.
 */
export function backOff(failures: number, { firstMs, longestMs }: BackOff, random: number = Math.random()): number {
  return Math.min(firstMs * 2 ** Math.min(failures - 1, 30), longestMs) * (0.5 + random / 2)
}

/** Returns after `ms`, or at once when the signal is aborted. Keeps no process alive, leaves no listener. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { ref: false, ...(signal && { signal }) }).catch(() => {})
}

export interface RetryOptions extends BackOff {
  /** Whether another try can help. Is told of every failure, so it may also log. */
  again: (error: unknown, failures: number) => boolean
  /** No more tries when it is aborted: the last failure is thrown. */
  signal?: AbortSignal
  /** No try begins later than this, on the clock of `performance.now`. */
  deadline?: number
}

/** Does the work again until it succeeds or no other try is to be made; then throws what the last one failed by. */
export async function retried<T>(work: (failures: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const { again, signal, deadline = Infinity } = options
  for (let failures = 0; ;) {
    try {
      return await work(failures)
    } catch (error) {
      failures += 1
      const waitMs = backOff(failures, options)
      if (!again(error, failures) || signal?.aborted || performance.now() + waitMs > deadline) throw error
      await pause(waitMs, signal)
      if (signal?.aborted) throw error
    }
  }
}
