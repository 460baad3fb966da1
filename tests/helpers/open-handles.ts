import { createHook } from 'node:async_hooks'
import { setTimeout } from 'node:timers/promises'
import { afterAll } from 'vitest'
import { watchListeners } from './listeners.ts'

/** What a test file may have open besides its own things: the test runner's channel and files being read. */
const IGNORED = new Set(['MessagePort', 'FSReqPromise', 'FSReqCallback', 'CloseReq', 'TTYWrap', 'Immediate'])
const POLL_MS = 20

/** Fails the file whose servers, sockets, timers or children outlive it, naming them, or whose documents and signals collect listeners. Call it once, outside of any test. */
export function expectNothingLeftOpen({ deadlineMs = 3000 } = {}): void {
  // Made when first looked at; a test that prints must not count as one that leaks.
  void [process.stdin, process.stdout, process.stderr]
  // Dear, so only on demand: where what is left was made.
  const trace = process.env['RUNNEL_TEST_TRACE_HANDLES'] === '1' ? traceHandles() : () => []
  const listeners = watchListeners()
  const before = countOpen()
  afterAll(async () => {
    const left = [...(await whatStaysOpen(before, deadlineMs)), ...listeners.found()]
    listeners.stop()
    if (left.length > 0) {
      throw new Error(
        `Left open at the end of this file (RUNNEL_TEST_TRACE_HANDLES=1 shows where it was made):\n  ${[...left, ...trace()].join('\n  ')}`,
      )
    }
  }, deadlineMs + 5000)
}

export type OpenCount = ReadonlyMap<string, number>

export function countOpen(): OpenCount {
  const count = new Map<string, number>()
  for (const name of process.getActiveResourcesInfo())
    if (!IGNORED.has(name)) count.set(name, (count.get(name) ?? 0) + 1)
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
    // Not referenced: it does not count itself.
    await setTimeout(POLL_MS, undefined, { ref: false })
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

/** Remembers the stack of every timer, server, socket and child made from here on; returns those that still live. */
function traceHandles(): () => string[] {
  const made = new Map<number, { type: string; stack: string; resource: { hasRef?: () => boolean } }>()
  const hook = createHook({
    init(asyncId, type, _trigger, resource) {
      if (/^Timeout$|^TCP|^Pipe|^Process/.test(type))
        made.set(asyncId, { type, stack: new Error(type).stack ?? '', resource })
    },
    destroy: (asyncId) => void made.delete(asyncId),
  }).enable()
  return () => {
    hook.disable()
    return [...made.values()]
      .filter(({ resource }) => resource.hasRef?.() !== false)
      .map(({ type, stack }) => `${type} made at${stack.split('\n').slice(2).join('\n')}`)
  }
}
