import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ProviderEvent } from '../../server/provider/events.ts'
import { openaiProvider } from '../../server/provider/openai.ts'
import {
  answer,
  rateLimited,
  startFakeOpenAI,
  type FakeOpenAI,
  type ReceivedRequest,
} from '../../testing/openai/index.ts'

const request = { model: 'any', prompt: [{ role: 'user' as const, text: 'Hello' }] }
const limitMs = 100

let fake: FakeOpenAI
let controller: AbortController
beforeEach(async () => {
  fake = await startFakeOpenAI()
  controller = new AbortController()
})
afterEach(() => fake.close())

function start(): AsyncIterator<ProviderEvent> {
  const provider = openaiProvider({ apiKey: 'key', baseURL: fake.url, api: 'chat', idleMs: 5000 })
  return provider(request, controller.signal)[Symbol.asyncIterator]()
}

/** Reads until the iteration throws; the time it took since `from`. */
async function thrownAfter(
  events: AsyncIterator<ProviderEvent>,
  from: number,
): Promise<{ reason: unknown; ms: number }> {
  try {
    while (!(await events.next()).done);
  } catch (reason) {
    return { reason, ms: performance.now() - from }
  }
  throw new Error('The iteration ended well.')
}

describe('the signal ends the iteration with its reason, and the request, within 100 ms', () => {
  const reason = new Error('Stop was pressed.')

  async function abortNow(events: AsyncIterator<ProviderEvent>): Promise<void> {
    const at = performance.now()
    controller.abort(reason)
    const thrown = await thrownAfter(events, at)
    expect(thrown.reason).toBe(reason)
    expect(thrown.ms).toBeLessThan(limitMs)
  }

  async function expectHungUp(received: ReceivedRequest, after: number): Promise<void> {
    expect((await received.hungUp) - after).toBeLessThan(limitMs)
  }

  test('while it waits for the answer', async () => {
    fake.enqueue({ kind: 'silent' })
    const events = start()
    const first = events.next()
    first.catch(() => {})
    const received = await fake.received(1)
    const at = performance.now()
    controller.abort(reason)
    await expect(first).rejects.toBe(reason)
    expect(performance.now() - at).toBeLessThan(limitMs)
    await expectHungUp(received, at)
  })

  test('in the middle of the stream', async () => {
    fake.enqueue(answer({ text: ['One'], after: { chunks: 1, fault: 'stall' } }))
    const events = start()
    await events.next()
    const at = performance.now()
    await abortNow(events)
    await expectHungUp(fake.requests[0]!, at)
  })

  test('while the SDK sleeps between two attempts', async () => {
    fake.enqueue(rateLimited(30_000))
    const timers = vi.spyOn(globalThis, 'setTimeout')
    const events = start()
    expect((await events.next()).value).toMatchObject({ type: 'waiting', words: expect.stringContaining('30 seconds') })
    const first = events.next()
    first.catch(() => {})
    await vi.waitFor(() => expect(timers).toHaveBeenCalledWith(expect.anything(), 30_000), { interval: 5 })
    timers.mockRestore()
    const at = performance.now()
    controller.abort(reason)
    await expect(first).rejects.toBe(reason)
    expect(performance.now() - at).toBeLessThan(limitMs)
    expect(fake.requests).toHaveLength(1)
  })

  test('before it began: nothing is requested', async () => {
    controller.abort(reason)
    await expect(start().next()).rejects.toBe(reason)
    expect(fake.requests).toHaveLength(0)
  })

  test('events that have arrived and were not taken do not appear', async () => {
    fake.enqueue(answer({ text: ['One', ' two', ' three'] }))
    const events = start()
    await events.next()
    controller.abort(reason)
    await expect(events.next()).rejects.toBe(reason)
  })

  test('a provider that goes on sending is not heard', async () => {
    fake.enqueue({
      ...answer({ text: Array<string>(50).fill('again '), intervalMs: 2 }),
      ignoresHangUp: true,
    } as ReturnType<typeof answer>)
    const events = start()
    await events.next()
    await abortNow(events)
    expect(await events.next()).toEqual({ value: undefined, done: true })
  })
})

test('leaving the iteration aborts the request', async () => {
  fake.enqueue(answer({ text: ['One', ' two'], after: { chunks: 2, fault: 'stall' } }))
  const provider = openaiProvider({ apiKey: 'key', baseURL: fake.url, api: 'responses', idleMs: 5000 })
  for await (const event of provider(request, controller.signal)) if (event.type === 'delta') break
  const at = performance.now()
  expect((await fake.requests[0]!.hungUp) - at).toBeLessThan(limitMs)
})

test('return() aborts a request that is being waited for', async () => {
  fake.enqueue({ kind: 'silent' })
  const events = start()
  const first = events.next()
  first.catch(() => {})
  const received = await fake.received(1)
  const at = performance.now()
  await events.return!()
  expect(performance.now() - at).toBeLessThan(limitMs)
  expect((await received.hungUp) - at).toBeLessThan(limitMs)
})

test('a finished answer leaves no listener on the signal, and its connection is used again', async () => {
  for (let i = 0; i < 5; i++) {
    fake.enqueue(answer({ text: 'Hello.' }))
    const events = start()
    while (!(await events.next()).done);
  }
  expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  expect(new Set(fake.requests.map(({ port }) => port)).size).toBeLessThan(5)
})
