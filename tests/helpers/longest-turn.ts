/**
 * The longest that one turn of the event loop worked while something was done,
 * in ms of this thread's own CPU time: what other processes take does not count.
 * Of several tries the best, since garbage is collected in any of them.
 */
export async function longestTurn(act: () => Promise<void> | void, tries = 3): Promise<number> {
  let best = Infinity
  for (let i = 0; i < tries; i++) best = Math.min(best, await longestOfOne(act))
  return best
}

async function longestOfOne(act: () => Promise<void> | void): Promise<number> {
  let longest = 0
  let before = cpuMs()
  let isOver = false
  const turn = () => {
    const now = cpuMs()
    longest = Math.max(longest, now - before)
    before = now
    if (!isOver) setImmediate(turn)
  }
  setImmediate(turn)
  await act()
  isOver = true
  await new Promise((resolve) => setImmediate(resolve))
  return longest
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}
