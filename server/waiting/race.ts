/**
 * What `work` gives, or the signal's reason as soon as it is aborted: work that
 * goes on in spite of its signal is not awaited. What the work throws at once is
 * a rejection like any other; what it still brings after the abort is dropped,
 * so it is never an unhandled rejection. Work is not begun under a signal that
 * is aborted already. No listener stays on the signal, however it ends.
 */
export async function unlessAborted<T>(signal: AbortSignal, work: () => T | PromiseLike<T>): Promise<T> {
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const signalOnAbort = () => aborted.reject(signal.reason as Error)
  signal.addEventListener('abort', signalOnAbort, { once: true })
  try {
    // `race` listens to both for good: neither is unhandled when the other was quicker.
    return await Promise.race([Promise.resolve().then(work), aborted.promise])
  } finally {
    signal.removeEventListener('abort', signalOnAbort)
  }
}

/** `unlessAborted` for no more than `ms`, then `late()` is thrown. Keeps no process alive. */
export async function within<T>(ms: number, late: () => Error, work: () => T | PromiseLike<T>): Promise<T> {
  const time = new AbortController()
  const timer = setTimeout(() => time.abort(late()), ms)
  timer.unref()
  try {
    return await unlessAborted(time.signal, work)
  } finally {
    clearTimeout(timer)
  }
}
