import { createHook } from 'node:async_hooks'
import { afterAll } from 'vitest'
import { countOpen, whatStaysOpen } from '../../testing/world/left-open.ts'
import { watchListeners } from './listeners.ts'

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
