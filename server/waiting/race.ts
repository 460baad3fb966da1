/** A promise of what runs already, or what begins it. */
export type Work<T> = Promise<T> | (() => T | PromiseLike<T>)

/**
 * What `work` gives, or the signal's reason as soon as it is aborted: work that
 * goes on in spite of its signal is not awaited. What the work throws at once is
 * a rejection like any other; what it still brings after the abort is dropped,
 * so it is never an unhandled rejection. Work is not begun under a signal that
 * is aborted already. No listener stays on the signal, however it ends.
 */
export async function unlessAborted<T>(signal: AbortSignal, work: Work<T>): Promise<T> {
  return await raced(work, signal)
}

/** `unlessAborted`, for no more than `ms`: then `late()` is thrown. */
export async function within<T>(ms: number, late: () => Error, work: Work<T>, signal?: AbortSignal): Promise<T> {
  return await raced(work, signal, { ms, late })
}

async function raced<T>(
  work: Work<T>,
  signal: AbortSignal | undefined,
  limit?: { ms: number; late: () => Error },
): Promise<T> {
  // What runs already may reject when nobody waits for it any more.
  if (typeof work !== 'function') work.catch(() => {})
  signal?.throwIfAborted()
  const over = Promise.withResolvers<never>()
  const signalOnAbort = () => over.reject(signal!.reason as Error)
  signal?.addEventListener('abort', signalOnAbort)
  const timer = limit && setTimeout(() => over.reject(limit.late()), limit.ms)
  try {
    // `race` listens to both for good: the slower one is never unhandled.
    return await Promise.race([typeof work === 'function' ? Promise.resolve().then(work) : work, over.promise])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', signalOnAbort)
  }
}
