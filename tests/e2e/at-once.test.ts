/** P10: `POST …/messages` answers before any preparing has ended, however long that takes; Stop ends it at once (P5). */
import { afterEach, expect, test } from 'vitest'
import type { Filter } from '../../server/extension/filter.ts'
import { startFakeOpenAI, startRunnel, type FakeOpenAI, type StartedRunnel } from '../../testing/index.ts'
import { watchLoopLag } from './loop-lag.ts'

const runs = 200
const preparingMs = 60_000
const stopMs = 100

let server: StartedRunnel
let fake: FakeOpenAI
afterEach(async () => {
  await server.close()
  await fake.close()
})

test(
  `${runs} runs that prepare for a minute are answered before any has prepared, and each ends within ${stopMs} ms`,
  { timeout: 30_000 },
  async () => {
    let begun = 0
    let prepared = 0
    const abortedAt = new Map<string, number>()
    const research: Filter = {
      name: 'research',
      inlet: (_request, { signal, messageId, progress }) =>
        new Promise((resolve, reject) => {
          begun += 1
          progress('Reading the whole web')
          const timer = setTimeout(() => {
            prepared += 1
            resolve()
          }, preparingMs)
          signal.addEventListener('abort', () => {
            abortedAt.set(messageId, performance.now())
            clearTimeout(timer)
            reject(signal.reason as Error)
          })
        }),
    }
    fake = await startFakeOpenAI()
    server = await startRunnel({
      OPENAI_BASE_URL: fake.url,
      OPENAI_API_KEY: 'key',
      RUNNEL_MAX_TASKS: runs,
      RUNNEL_MAX_TASKS_PER_USER: runs,
      filters: [research],
    })
    const asked = await Promise.all(Array.from({ length: runs }, (_, i) => server.ask(`Question ${i}`)))
    expect(new Set(asked.map(({ taskId }) => taskId)).size).toBe(runs)
    await expect.poll(() => begun, { timeout: 5_000 }).toBe(runs)
    expect(prepared).toBe(0)
    const read = async (messageId: string) => (await server.call('GET', `/api/messages/${messageId}`)).body
    expect(await read(asked[0]!.messageId)).toMatchObject({
      status: 'preparing',
      output: [{ type: 'progress', done: false }],
    })

    for (const { messageId, taskId } of asked) {
      const lag = watchLoopLag()
      const at = performance.now()
      const { status, body } = await server.call('POST', `/api/messages/${messageId}/stop`, { taskId })
      expect([status, body.status]).toEqual([200, 'stopped'])
      expect(abortedAt.get(messageId)! - at - lag.stop()).toBeLessThan(stopMs)
    }
    expect(prepared).toBe(0)
    expect(fake.requests).toHaveLength(0)
    await expect.poll(async () => (await server.call('GET', '/api/tasks')).body.items, { timeout: 5_000 }).toEqual([])
    for (const { messageId } of asked.slice(0, 5))
      expect(await read(messageId)).toMatchObject({ status: 'stopped', output: [{ type: 'progress', done: true }] })
  },
)
