/** CPU time of this thread: what other processes and threads take is not its own. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

/** Runs something, and says for how long it held the event loop at the most in one piece (CPU time). */
export async function longestHold<T>(work: () => Promise<T>): Promise<{ result: T; longestMs: number }> {
  let longestMs = 0
  let last = cpuMs()
  let timer: NodeJS.Timeout
  const look = () => {
    const now = cpuMs()
    longestMs = Math.max(longestMs, now - last)
    last = now
    timer = setTimeout(look, 1)
  }
  timer = setTimeout(look, 1)
  try {
    const result = await work()
    longestMs = Math.max(longestMs, cpuMs() - last)
    return { result, longestMs }
  } finally {
    clearTimeout(timer)
  }
}
