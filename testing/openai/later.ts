/** A promise that others settle; Node 20 has no `Promise.withResolvers`. */
export interface Later<T> {
  promise: Promise<T>
  resolve(value: T): void
  reject(error: Error): void
}

export function later<T>(): Later<T> {
  let settle!: Omit<Later<T>, 'promise'>
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject }
  })
  return { promise, ...settle }
}

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
