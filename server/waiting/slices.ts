/** Work that is longer than this goes on in a later turn of the event loop. */
const sliceMs = 10

/**
 * Does work that comes in small steps without holding up the process: what one
 * slice is enough for is done at once, and only what is more comes later.
 * What the work reads must not change meanwhile.
 */
export function inSlices<T>(steps: Iterator<unknown, T>): T | Promise<T> {
  const done = slice(steps)
  return done ? done.value : later(steps)
}

async function later<T>(steps: Iterator<unknown, T>): Promise<T> {
  for (;;) {
    await new Promise((resolve) => setImmediate(resolve))
    const done = slice(steps)
    if (done) return done.value
  }
}

function slice<T>(steps: Iterator<unknown, T>): { value: T } | null {
  const until = performance.now() + sliceMs
  do {
    const step = steps.next()
    if (step.done) return { value: step.value }
  } while (performance.now() < until)
  return null
}
