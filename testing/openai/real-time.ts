/**
 * Real time, taken when this file is loaded. Whoever fakes timers later means those of the program that is tested: its
 * provider is another program.
 */
const { setTimeout, clearTimeout, setImmediate } = globalThis

export { setTimeout, clearTimeout, setImmediate }

/** Resolves early where `stop` is aborted. */
export function pause(ms: number | undefined, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (ms === undefined || ms <= 0 || stop.aborted) return resolve()
    const over = (): void => {
      clearTimeout(timer)
      stop.removeEventListener('abort', over)
      resolve()
    }
    const timer = setTimeout(over, ms)
    stop.addEventListener('abort', over)
  })
}

/** A turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
