import { monitorEventLoopDelay } from 'node:perf_hooks'

const resolutionMs = 5

/** How late this process's own event loop was at the worst while something was measured: it is taken off what a promise names. */
export function watchLoopLag(): { stop(): number } {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs })
  delay.enable()
  return {
    stop: () => {
      delay.disable()
      return Math.max(0, delay.max / 1e6 - resolutionMs)
    },
  }
}
