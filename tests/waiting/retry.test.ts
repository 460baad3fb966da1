import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { backOff, pause, retried } from '../../server/waiting/retry.ts'

const quick = { firstMs: 1, longestMs: 2 }
const fault = new Error('fault')

describe('backOff', () => {
  it('doubles up to its longest, spread over the upper half', () => {
    const waits = (random: number) =>
      [1, 2, 3, 4, 5, 1_000].map((failures) => backOff(failures, { firstMs: 100, longestMs: 1_000 }, random))
    expect(waits(0)).toEqual([50, 100, 200, 400, 500, 500])
    expect(waits(1)).toEqual([100, 200, 400, 800, 1_000, 1_000])
  })
})

describe('retried', () => {
  it('tries until it succeeds, and tells the work how often it has failed', async () => {
    const tries: number[] = []
    const work = (failures: number) => {
      tries.push(failures)
      return failures < 3 ? Promise.reject(fault) : Promise.resolve('done')
    }
    expect(await retried(work, { ...quick, again: () => true })).toBe('done')
    expect(tries).toEqual([0, 1, 2, 3])
  })

  it('gives up where another try cannot help', async () => {
    const again = (_error: unknown, failures: number) => failures < 2
    let tries = 0
    const work = () => {
      tries += 1
      return Promise.reject(fault)
    }
    await expect(retried(work, { ...quick, again })).rejects.toBe(fault)
    expect(tries).toBe(2)
  })

  it('begins no try behind its deadline', async () => {
    const options = { firstMs: 1_000, longestMs: 1_000, again: () => true, deadline: performance.now() + 100 }
    const before = performance.now()
    await expect(retried(() => Promise.reject(fault), options)).rejects.toBe(fault)
    expect(performance.now() - before).toBeLessThan(100)
  })

  it('is ended by its signal while it waits, and leaves no listener', async () => {
    const controller = new AbortController()
    const options = { firstMs: 60_000, longestMs: 60_000, again: () => true, signal: controller.signal }
    const waiting = retried(() => Promise.reject(fault), options)
    setImmediate(() => controller.abort())
    await expect(waiting).rejects.toBe(fault)
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })

  it('tries once under a signal that is aborted already', async () => {
    let tries = 0
    const work = () => {
      tries += 1
      return Promise.reject(fault)
    }
    await expect(retried(work, { ...quick, again: () => true, signal: AbortSignal.abort() })).rejects.toBe(fault)
    expect(tries).toBe(1)
  })
})

it('pause returns at once under a signal that is aborted', async () => {
  await pause(60_000, AbortSignal.abort())
})
