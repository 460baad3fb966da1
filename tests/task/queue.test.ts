import { afterEach, expect, test } from 'vitest'
import type { Chat } from '../../shared/schema.ts'
import { Collector, startFakeOpenAI, startRunnel, type FakeOpenAI, type StartedRunnel } from '../../testing/index.ts'

let fake: FakeOpenAI
let server: StartedRunnel
let viewer: Collector
afterEach(async () => {
  await viewer.close()
  await server.close()
  await fake.close()
})

async function start(settings: Parameters<typeof startRunnel>[0]): Promise<void> {
  fake = await startFakeOpenAI()
  server = await startRunnel({ OPENAI_BASE_URL: fake.url, OPENAI_API_KEY: 'key', ...settings })
  viewer = new Collector(server.url)
}

test.each(['RUNNEL_MAX_TASKS', 'RUNNEL_MAX_TASKS_PER_USER'])(
  'over %s runs wait as queued, and begin in their order',
  async (name) => {
    await start({ [name]: 2 })
    const streams = Array.from({ length: 4 }, () => fake.manual())
    const asked: Awaited<ReturnType<StartedRunnel['ask']>>[] = []
    for (let index = 0; index < 4; index++) asked.push(await server.ask(`Question ${index}`))
    const collected = await viewer.follow(...asked.map((ids) => ids.messageId))
    await fake.received(2)
    await viewer.until(
      () => collected.map(({ message }) => message.status).join() === 'streaming,streaming,queued,queued',
      'two run, two wait',
    )
    const tasks = (await server.call('GET', '/api/tasks')).body.items
    expect(tasks.map((task: any) => [task.messageId, task.status])).toEqual(
      asked.map((ids, index) => [ids.messageId, index < 2 ? 'streaming' : 'queued']),
    )
    expect(fake.requests).toHaveLength(2)

    streams[1]!.end()
    await fake.received(3)
    expect(fake.requests[2]!.body.messages!.at(-1)!.content).toBe('Question 2')
    streams[0]!.end()
    await fake.received(4)
    streams[2]!.end()
    streams[3]!.end()
    await viewer.until(() => collected.every(({ ended }) => ended), 'all ended')
    for (const { message } of collected) expect(message.status).toBe('completed')
    expect((await server.call('GET', '/api/tasks')).body.items).toEqual([])
  },
)

test('the chat says queued, streaming, completed with the message', async () => {
  await start({ RUNNEL_MAX_TASKS: 1 })
  const [first, second] = [fake.manual(), fake.manual()]
  await server.ask('First')
  await first.request
  const ids = await server.ask('Second')
  const [chat] = await viewer.follow(ids.chatId)
  const status = () => (chat!.json as Chat).messages[ids.messageId]?.status
  await viewer.until(() => status() === 'queued', 'queued')
  first.end()
  await second.request
  await viewer.until(() => status() === 'streaming', 'streaming')
  second.end()
  await viewer.until(() => status() === 'completed', 'completed')
})
