/** Postgres is away, or Redis is full, while something of a run or of an accepted action needs them: it waits, and goes on. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { defineTool } from '../../server/extension/tool.ts'
import {
  answer,
  startFakeOpenAI,
  startRunnel,
  type FakeOpenAI,
  type ManualStream,
  type StartedRunnel,
} from '../../testing/index.ts'
import type { Message } from '../../shared/schema.ts'
import { tellRedis } from '../helpers/redis.ts'
import { newWorld, usePostgres, view } from './nodes.ts'
import { ended, expectEqual, textOf, word, wordsOf } from './seen.ts'

const database = usePostgres()

const tools = [
  defineTool({ name: 'look', description: '', parameters: z.object({}), execute: () => 'seen' }),
  defineTool({ name: 'pay', description: '', parameters: z.object({}), approval: true, execute: () => 'paid' }),
]

async function upload(node: { url: string }, chatId: string): Promise<Response> {
  const form = new FormData()
  form.set('chatId', chatId)
  form.set('file', new File(['notes'], 'notes.txt'))
  return await fetch(`${node.url}/api/files`, { method: 'POST', body: form })
}

interface Begun {
  streams: ManualStream[]
  calling: string[]
  waiting: { chatId: string; messageId: string }
  stopped: { chatId: string; messageId: string }
}

/** Answers that are about to call a tool, one that waits for a person, one that can go on. */
async function begin(node: StartedRunnel, fake: FakeOpenAI): Promise<Begun> {
  fake.enqueue(answer({ text: 'I pay. ', toolCalls: [{ id: 'c1', name: 'pay', arguments: '{}' }] }))
  const waiting = await node.ask('Pay')
  const read = async (id: string) => (await node.call('GET', `/api/messages/${id}`)).body as Message
  await expect.poll(async () => (await read(waiting.messageId)).status, { timeout: 5_000 }).toBe('waiting')
  const first = fake.manual()
  const stopped = await node.ask('Stop')
  first.send('Half. ')
  await expect.poll(async () => textOf(await read(stopped.messageId)), { timeout: 5_000 }).toBe('Half. ')
  await node.call('POST', `/api/messages/${stopped.messageId}/stop`)
  await expect
    .poll(async () => (await node.call('GET', '/api/tasks')).body.items.map(({ status }: Message) => status), {
      timeout: 5_000,
    })
    .toEqual(['waiting'])
  const streams: ManualStream[] = []
  const calling: string[] = []
  for (let i = 0; i < 6; i++) {
    streams.push(fake.manual())
    calling.push((await node.ask(`Call ${i}`)).messageId)
    streams[i]!.send('I look. ')
    await expect.poll(async () => textOf(await read(calling[i]!)), { timeout: 5_000 }).toBe('I look. ')
  }
  return { streams, calling, waiting, stopped }
}

/** All that needs the database comes while it is away. Returns when it has come to its end. */
async function expectPatience(a: StartedRunnel, b: StartedRunnel, fake: FakeOpenAI, awayMs: number): Promise<void> {
  const { streams, calling, waiting, stopped } = await begin(a, fake)
  await database.postgres.stop('fast')
  for (const stream of streams) {
    stream.toolCall('l1', 'look', '{}')
    stream.end('tool_calls')
  }
  const actions = [
    b.call('POST', `/api/messages/${waiting.messageId}/tool-calls/c1`, { decision: 'approve' }),
    b.call('POST', `/api/messages/${stopped.messageId}/continue`),
    upload(b, waiting.chatId),
  ]
  // What only reads, and what is new, is refused at once.
  for (const [method, path] of [
    ['GET', `/api/chats/${waiting.chatId}`],
    ['GET', `/api/messages/${stopped.messageId}`],
    ['POST', '/api/chats'],
    ['POST', `/api/chats/${waiting.chatId}/messages`],
  ] as const) {
    const refused = await fetch(b.url + path, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(method === 'POST' && { body: path === '/api/chats' ? '{}' : '{"content":"new"}' }),
    })
    expect([path, refused.status]).toEqual([path, 503])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await refused.text()).not.toMatch(/127\.0\.0\.1|localhost|test_\d|runnel@|:\d{4}/)
  }
  await sleep(awayMs)
  await database.postgres.start()
  expect((await Promise.all(actions)).map(({ status }) => status)).toEqual([200, 202, 201])
  for (const id of [...calling, waiting.messageId, stopped.messageId]) {
    const message = await ended(b, id, 10_000)
    expect(message).toMatchObject({ status: 'completed' })
    const calls = message.output.filter(({ type }) => type === 'tool_call')
    expect(calls.map(({ status }) => status)).toEqual(id === stopped.messageId ? [] : ['completed'])
    expect(textOf(message)).toMatch(/Done\.$/)
  }
}

const fallback = answer({ text: 'Done.' })

test('Postgres is away while several nodes need it', { timeout: 60_000 }, async () => {
  const { fake, node } = await newWorld({ fake: { fallback }, settings: { tools } })
  const [a, b] = await Promise.all([node(), node()])
  await expectPatience(a, b, fake, 2_000)
})

test('Postgres is away while a process without Redis needs it', { timeout: 60_000 }, async () => {
  const fake = await startFakeOpenAI({ fallback })
  const server = await startRunnel({
    DATABASE_URL: await database.postgres.database(),
    OPENAI_BASE_URL: fake.url,
    OPENAI_API_KEY: 'key',
    LOG_LEVEL: 'silent',
    tools,
  })
  onTestFinished(async () => {
    await server.close()
    await fake.close()
  })
  await expectPatience(server, server, fake, 2_000)
})

test('Redis is full for longer than a lease: answers pause and go on, every time', { timeout: 60_000 }, async () => {
  const { fake, redis, node } = await newWorld({ settings: { RUNNEL_LEASE_MS: 1_000 } })
  const [a, b] = await Promise.all([node(), node()])
  const streams = [fake.manual(), fake.manual()]
  const ids: string[] = []
  const viewer = view(b)
  for (const stream of streams) {
    const { messageId } = await a.ask('q')
    ids.push(messageId)
    await viewer.follow(messageId)
    stream.send(word('q', 0))
  }
  let sent = 1
  const shown = () =>
    Promise.all(
      ids.map((id) => viewer.until(() => viewer.documents.get(id)!.text === wordsOf('q', sent), `word ${sent}`)),
    )
  await shown()
  for (let round = 0; round < 2; round++) {
    expect(await tellRedis(redis.port, 'CONFIG SET maxmemory 1')).toBe('+OK')
    const fullUntil = performance.now() + 2_500
    while (performance.now() < fullUntil) {
      for (const stream of streams) stream.send(word('q', sent))
      sent += 1
      await sleep(100)
    }
    for (const id of ids) expect(viewer.documents.get(id)!.refused).toBe(null)
    expect((await a.call('GET', '/readyz')).status).toBe(200)
    expect(await tellRedis(redis.port, 'CONFIG SET maxmemory 0')).toBe('+OK')
    await shown()
  }
  for (const stream of streams) stream.end()
  for (const id of ids) {
    const message = await ended(b, id, 8_000)
    expect(message.status).toBe('completed')
    expect(textOf(message)).toBe(wordsOf('q', sent))
    await expectEqual(viewer, id, message)
  }
})
