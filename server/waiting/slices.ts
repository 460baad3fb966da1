import { Breath } from './breath.ts'

/**
 * Does work that comes in small steps without holding up the process: what one
 * breath is enough for is done at once, and only what is more comes later.
 * What the work reads must not change meanwhile.
 */
export function inSlices<T>(steps: Iterator<unknown, T>): T | Promise<T> {
  const breath = new Breath()
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
    const pause = breath.due()
    if (pause) return later(steps, breath, pause)
  }
}

async function later<T>(steps: Iterator<unknown, T>, breath: Breath, pause: Promise<void>): Promise<T> {
  for (let due: Promise<void> | undefined = pause; ; due = breath.due()) {
    if (due) await due
    const step = steps.next()
    if (step.done) return step.value
  }
}
