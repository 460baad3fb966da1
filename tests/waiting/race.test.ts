import { getEventListeners } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { unlessAborted, within } from '../../server/waiting/race.ts'

const stopped = new Error('stopped')

/** What no handler took while `work` ran and a turn of the event loop after it. */
async function unhandledDuring(work: () => Promise<unknown>): Promise<unknown[]> {
  const unhandled: unknown[] = []
  const before = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', (reason) => unhandled.push(reason))
  try {
    await work()
    await turn()
    await turn()
  } finally {
    process.removeAllListeners('unhandledRejection')
    for (const listener of before) process.on('unhandledRejection', listener)
  }
  return unhandled
}

describe('unlessAborted', () => {
  it('gives what the work gives, at once or later, and leaves no listener', async () => {
    const { signal } = new AbortController()
    expect(await unlessAborted(signal, () => 1)).toBe(1)
    expect(await unlessAborted(signal, () => Promise.resolve(2))).toBe(2)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('rejects with what the work throws, at once or later, and leaves no listener', async () => {
    const { signal } = new AbortController()
    const fault = new Error('fault')
    await expect(
      unlessAborted(signal, () => {
        throw fault
      }),
    ).rejects.toBe(fault)
    await expect(unlessAborted(signal, () => Promise.reject(fault))).rejects.toBe(fault)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('does not begin work under a signal that is aborted already', async () => {
    let begun = false
    await expect(unlessAborted(AbortSignal.abort(stopped), () => (begun = true))).rejects.toBe(stopped)
    expect(begun).toBe(false)
  })

  it('listens to work that runs already, also where the signal is aborted by now', async () => {
    const late = Promise.withResolvers<never>()
    const unhandled = await unhandledDuring(async () => {
      await expect(unlessAborted(AbortSignal.abort(stopped), late.promise)).rejects.toBe(stopped)
      late.reject(new Error('too late'))
    })
    expect(unhandled).toEqual([])
  })

  it('does not wait for work that ignores its signal', async () => {
    const controller = new AbortController()
    const waiting = unlessAborted(controller.signal, () => new Promise(() => {}))
    controller.abort(stopped)
    await expect(waiting).rejects.toBe(stopped)
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })

  it('drops what the work rejects with after the abort: nothing is unhandled', async () => {
    const controller = new AbortController()
    const late = Promise.withResolvers<never>()
    const unhandled = await unhandledDuring(async () => {
      const waiting = unlessAborted(controller.signal, () => late.promise)
      controller.abort(stopped)
      late.reject(new Error('too late'))
      await expect(waiting).rejects.toBe(stopped)
    })
    expect(unhandled).toEqual([])
  })

  it('aborted by the work itself, which then rejects: the reason of the abort, and nothing is unhandled', async () => {
    const controller = new AbortController()
    const unhandled = await unhandledDuring(async () => {
      const waiting = unlessAborted(controller.signal, async () => {
        controller.abort(stopped)
        await turn()
        throw new Error('too late')
      })
      await expect(waiting).rejects.toBe(stopped)
    })
    expect(unhandled).toEqual([])
  })
})

describe('within', () => {
  const late = () => new Error('late')

  it('gives what comes in time, and throws when it does not come', async () => {
    expect(await within(60_000, late, () => 'here')).toBe('here')
    await expect(within(1, late, () => new Promise(() => {}))).rejects.toThrow('late')
  })
})
