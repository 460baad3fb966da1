/** Whoever fakes timers means those of the program that is tested, not those of its provider. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { answer } from '../../testing/openai/index.ts'
import { ask, hello, post, start } from './asking.ts'

// The test's own deadlines are real.
const { setTimeout: realTimeout, clearTimeout: realClear } = globalThis
beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

async function within<T>(work: Promise<T>): Promise<T | 'never'> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const never = new Promise<'never'>((resolve) => {
    timer = realTimeout(resolve, 5_000, 'never')
  })
  return Promise.race([work, never]).finally(() => realClear(timer))
}

test('the fake answers, waits and has its deadlines in real time', async () => {
  const fake = await start()
  fake.enqueue(answer({ text: 'a b', intervalMs: 5, gzip: true, headersAfterMs: 5, bytesPerSecond: 100_000 }))
  const streamed = post(`${fake.url}/chat/completions`, { ...hello, stream: true }).then((answered) => answered.text())
  expect(await within(streamed)).toContain('[DONE]')
  fake.enqueue(answer({ text: 'a b', intervalMs: 5 }))
  expect(await within(ask(fake.url))).toBe('a b')
  const idle = fake.manual({ deadlineMs: 20 })
  expect(await within(idle.request.catch(String))).toContain('No request came')
  expect(await within(fake.received(9, 20).catch(String))).toContain('9 requests were waited for')
  fake.reset()
})
