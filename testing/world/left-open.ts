/** What no test may leave behind in its process. */

/** What a process has open besides its own things: the test runner's channel, its terminal, and files being read. */
const ownThings = new Set(['MessagePort', 'FSReqPromise', 'FSReqCallback', 'CloseReq', 'TTYWrap', 'Immediate'])
const pollMs = 20

export type OpenCount = ReadonlyMap<string, number>

export function countOpen(): OpenCount {
  const count = new Map<string, number>()
  for (const name of process.getActiveResourcesInfo())
    if (!ownThings.has(name)) count.set(name, (count.get(name) ?? 0) + 1)
  return count
}

/** Waits until no more is open than `before`; what is still open after `deadlineMs`, in words. */
export async function whatStaysOpen(before: OpenCount, deadlineMs: number): Promise<string[]> {
  const deadline = performance.now() + deadlineMs
  for (;;) {
    const more = [...countOpen()]
      .map(([name, count]) => [name, count - (before.get(name) ?? 0)] as const)
      .filter(([, count]) => count > 0)
    if (more.length === 0) return []
    if (performance.now() > deadline)
      return [...more.map(([name, count]) => `${count} × ${name}`), ...describeHandles()]
    // It has ended when they are counted again.
    await new Promise<void>((resolve) => void setTimeout(resolve, pollMs))
  }
}

interface Handle {
  constructor: { name: string }
  listening?: boolean
  address?: () => unknown
  localPort?: number
  remotePort?: number
  spawnargs?: string[]
  pid?: number
}

/** Ports and commands: Node shows the handles behind the names only in this undocumented way, so its absence is no fault. */
function describeHandles(): string[] {
  const handles = (process as { _getActiveHandles?: () => Handle[] })._getActiveHandles?.() ?? []
  return handles.flatMap((handle) => {
    if (handle.listening === true)
      return `${handle.constructor.name} listening on ${JSON.stringify(handle.address?.())}`
    if (handle.spawnargs !== undefined) return `child process ${handle.pid}: ${handle.spawnargs.join(' ')}`
    if (handle.remotePort !== undefined)
      return `${handle.constructor.name} from port ${handle.localPort} to port ${handle.remotePort}`
    return []
  })
}
