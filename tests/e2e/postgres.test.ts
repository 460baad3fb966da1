/** A server whose store and log are in Postgres, over the whole road: its log answers later, and may be away. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import type { Chat, Message } from '../../shared/schema.ts'
import {
  answer,
  Collector,
  startFakeOpenAI,
  startRunnel,
  type Collected,
  type FakeOpenAI,
  type StartedRunnel,
} from '../../testing/index.ts'
import { startPostgres, type Postgres } from '../helpers/postgres.ts'

const main = fileURLToPath(new URL('../../server/main.ts', import.meta.url))

let postgres: Postgres
let settings: { DATABASE_URL: string; OPENAI_BASE_URL: string; OPENAI_API_KEY: string; RUNNEL_FILES_DIR: string }
let fake: FakeOpenAI
beforeAll(async () => {
  postgres = await startPostgres()
}, 30_000)
afterAll(() => postgres.close())
beforeEach(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-postgres-files-'))
  fake = await startFakeOpenAI()
  settings = {
    DATABASE_URL: await postgres.database(),
    OPENAI_BASE_URL: fake.url,
    OPENAI_API_KEY: 'key',
    RUNNEL_FILES_DIR: folder,
  }
  return async () => {
    await fake.close()
    rmSync(folder, { recursive: true, force: true })
  }
})

async function start(more: Partial<Record<`RUNNEL_${string}`, number>> = {}): Promise<StartedRunnel> {
  const server = await startRunnel({ ...settings, ...more, LOG_LEVEL: 'silent' })
  onTestFinished(() => server.close())
  return server
}

function view(url: string): Collector {
  const viewer = new Collector(url)
  onTestFinished(() => viewer.close())
  return viewer
}

/** All viewers have what HTTP says, and their checkpoints agree. */
async function expectOneTruth(
  server: StartedRunnel,
  messageId: string,
  viewers: readonly Collector[],
): Promise<Message> {
  const seen = await Promise.all(viewers.map((viewer) => viewer.toEnd(messageId, { compared: true })))
  const { body } = await server.call('GET', `/api/messages/${messageId}`)
  for (const collected of seen) {
    expect(collected.json).toEqual(body)
    expect(collected.checkpoints.at(-1)).toMatchObject({ matches: true, final: true })
  }
  return body
}

const words = (count: number) => Array.from({ length: count }, (_, i) => `word${i} `)

test('streams to two tabs, one of which comes late, and to one who comes when it is over', async () => {
  const server = await start()
  const stream = fake.manual()
  const { chatId, messageId } = await server.ask('Why are there tides?')
  const first = view(server.url)
  const [seen, chat] = await first.follow(messageId, chatId)
  stream.send('The moon ')
  await first.until(() => seen!.text === 'The moon ', 'the first words')
  const second = view(server.url)
  const [joined] = await second.follow(messageId)
  await second.until(() => joined!.text === 'The moon ', 'the same words')
  for (const word of words(2_000)) stream.send(word)
  stream.end()
  const message = await expectOneTruth(server, messageId, [first, second, view(server.url)])
  expect(message).toMatchObject({ status: 'completed', output: [{ text: `The moon ${words(2_000).join('')}` }] })
  await first.until(() => (chat!.json as Chat).messages[messageId]?.status === 'completed', "the chat's own word")
  const history = await server.call('GET', `/api/chats/${chatId}/messages`)
  expect(history.body.items.at(-1)).toEqual(message)
  // At rest: the state alone.
  await expect
    .poll(
      async () =>
        (
          await postgres.run(
            "SELECT count(*) FROM updates JOIN documents ON number = document WHERE id LIKE 'msg%'",
            settings.DATABASE_URL,
          )
        )[0],
    )
    .toEqual({ count: '0' })
})

test('writes text a tick apart, though the log answers sooner', async () => {
  const server = await start()
  const stream = fake.manual()
  const { messageId } = await server.ask('Go on.')
  const viewer = view(server.url)
  const [seen] = await viewer.follow(messageId)
  const startedAt = performance.now()
  for (const word of words(300)) {
    stream.send(word)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  stream.end()
  await viewer.toEnd(messageId)
  const ticks = (performance.now() - startedAt) / server.runnel.config.RUNNEL_FLUSH_MS
  // Statuses and the first word go out at once.
  expect(seen!.updates).toBeLessThan(ticks + 20)
})

test('stops at once, from another tab, and goes on from there', async () => {
  const server = await start()
  const stream = fake.manual()
  const { chatId, messageId } = await server.ask('Why are there tides?')
  const viewers = [view(server.url), view(server.url)]
  const [seen] = await viewers[0]!.follow(messageId)
  stream.send('The moon ')
  await viewers[0]!.until(() => seen!.text === 'The moon ', 'the first words')
  const request = await fake.received(1)
  const stopped = await server.call('POST', `/api/messages/${messageId}/stop`)
  expect(stopped).toMatchObject({ status: 200, body: { status: 'stopped' } })
  await request.hungUp
  // At once: nobody has to wait until the end is saved.
  fake.enqueue(answer({ text: 'Again.' }))
  const next = await server.ask('And now?', { chatId })
  expect(await expectOneTruth(server, messageId, viewers)).toMatchObject({
    status: 'stopped',
    output: [{ text: 'The moon ', status: 'incomplete' }],
  })
  expect((await expectOneTruth(server, next.messageId, viewers)).output).toMatchObject([{ text: 'Again.' }])
  expect((await server.call('GET', '/api/tasks')).body.items).toEqual([])
})

test('gives duplicates in flight the same ids', async () => {
  const server = await start()
  const { body: chat } = await server.call('POST', '/api/chats', {})
  fake.enqueue(answer({ text: 'Once.' }))
  const post = () =>
    server.call('POST', `/api/chats/${chat.id}/messages`, { content: 'Hello' }, { 'idempotency-key': 'one' })
  const answers = await Promise.all([post(), post(), post(), post()])
  for (const given of answers) expect(given).toEqual(answers[0])
  expect(answers[0]!.status).toBe(202)
  await view(server.url).toEnd(answers[0]!.body.messageId)
  expect(fake.requests).toHaveLength(1)
})

test('of many that come at once as many pass as there are places to run and to wait', async () => {
  const server = await start({ RUNNEL_MAX_TASKS_PER_USER: 2, RUNNEL_MAX_QUEUED_TASKS_PER_USER: 5 })
  for (let i = 0; i < 20; i++) fake.manual()
  const ask = () =>
    server
      .call('POST', '/api/chats', {})
      .then(({ body }) => server.call('POST', `/api/chats/${body.id}/messages`, { content: 'Hello' }))
  const statuses = (await Promise.all(Array.from({ length: 20 }, ask))).map(({ status }) => status).sort()
  expect(statuses).toEqual([...Array<number>(7).fill(202), ...Array<number>(13).fill(429)])
  // A place that is free again is given again, once.
  const { items } = (await server.call('GET', '/api/tasks')).body
  await server.call('POST', `/api/tasks/${items[0].taskId}/stop`)
  await expect.poll(async () => (await server.call('GET', '/api/tasks')).body.items.length).toBe(6)
  expect((await Promise.all([ask(), ask(), ask()])).map(({ status }) => status).sort()).toEqual([202, 429, 429])
})

test(
  'Postgres restarts: answers pause and go on, what ends meanwhile is saved on its return, new runs are refused in between',
  { timeout: 60_000 },
  async () => {
    const server = await start()
    const viewer = view(server.url)
    const streams = [fake.manual(), fake.manual(), fake.manual()]
    const runs: { ids: { messageId: string }; stream: (typeof streams)[number]; seen: Collected }[] = []
    for (const stream of streams) {
      const ids = await server.ask('Why?')
      runs.push({ ids, stream, seen: (await viewer.follow(ids.messageId))[0]! })
      stream.send('Shown ')
      await viewer.until(() => runs.at(-1)!.seen.text === 'Shown ', 'the first words')
    }
    for (const how of ['fast', 'kill'] as const) {
      await postgres.stop(how)
      for (const { stream } of runs) stream.send('and more ')
      expect((await server.call('GET', '/readyz')).status).toBe(503)
      expect(await server.call('POST', '/api/chats', {})).toMatchObject({
        status: 503,
        body: { error: { code: 'store_unavailable' } },
      })
      await postgres.start()
      await viewer.until(() => runs.every(({ seen }) => seen.text.endsWith('and more ')), 'what came meanwhile')
      await expect.poll(async () => (await server.call('GET', '/readyz')).status).toBe(200)
    }
    await postgres.stop('fast')
    for (const { stream } of runs) {
      stream.send('and the end.')
      stream.end()
    }
    await postgres.start()
    for (const { ids } of runs) {
      const message = await expectOneTruth(server, ids.messageId, [viewer])
      expect(message).toMatchObject({ status: 'completed', output: [{ text: 'Shown and more and more and the end.' }] })
      await expect
        .poll(
          async () =>
            (await postgres.run(`SELECT status FROM messages WHERE id = '${ids.messageId}'`, settings.DATABASE_URL))[0],
          { timeout: 10_000 },
        )
        .toEqual({ status: 'completed' })
    }
  },
)

test(
  'Postgres stays away: the provider is stopped, nothing more is shown, and the end is written on its return',
  { timeout: 60_000 },
  async () => {
    const server = await start({ RUNNEL_STORE_PATIENCE_MS: 1_000 })
    const viewer = view(server.url)
    const stream = fake.manual()
    const { messageId } = await server.ask('Why?')
    const [seen] = await viewer.follow(messageId)
    stream.send('Shown ')
    await viewer.until(() => seen!.text === 'Shown ', 'the first words')
    await postgres.stop('fast')
    stream.send('and not shown.')
    await (
      await fake.received(1)
    ).hungUp
    await viewer.until(() => seen!.refused?.code === 'store_unavailable', 'the refusal')
    expect(seen!.text).toBe('Shown ')
    await postgres.start()
    await expect
      .poll(async () => (await server.call('GET', `/api/messages/${messageId}`)).body.status, { timeout: 15_000 })
      .toBe('failed')
    expect((await server.call('GET', `/api/messages/${messageId}`)).body).toMatchObject({
      error: { code: 'store_unavailable' },
      output: [{ text: 'Shown ', status: 'incomplete' }],
    })
  },
)

test('a server that is killed leaves everything that was shown (P1)', { timeout: 60_000 }, async () => {
  const children: ChildProcess[] = []
  onTestFinished(() => children.forEach((child) => child.kill('SIGKILL')))
  const serve = async (): Promise<string> => {
    const child = spawn(process.execPath, [main], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'error', RUNNEL_FLUSH_MS: '2', ...settings },
    })
    children.push(child)
    const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string]
    return line.replace('Runnel listens on ', '')
  }
  const call = async (url: string, path: string, body?: object) =>
    (await (
      await fetch(url + path, {
        method: body ? 'POST' : 'GET',
        headers: { 'content-type': 'application/json', connection: 'close' },
        ...(body && { body: JSON.stringify(body) }),
      })
    ).json()) as any

  const copies: Collected[] = []
  let url = await serve()
  for (let kill = 0; kill < 3; kill++) {
    const stream = fake.manual()
    const chat = await call(url, '/api/chats', {})
    const { messageId } = await call(url, `/api/chats/${chat.id}/messages`, { content: 'Go on.' })
    const viewer = new Collector(url)
    const [seen] = await viewer.follow(messageId)
    let sent = ''
    for (let i = 0; !viewer.closed; i++) {
      stream.send(`${i},`)
      sent += `${i},`
      // As soon as much is shown, in the middle of the next words.
      if (seen!.text.length > 1_000 * (kill + 1)) children.at(-1)!.kill('SIGKILL')
      await new Promise((resolve) => setImmediate(resolve))
    }
    stream.end()
    copies.push(seen!)
    const before = seen!.text
    url = await serve()
    const message: Message = await call(url, `/api/messages/${messageId}`)
    expect(message).toMatchObject({ status: 'interrupted', error: { code: 'interrupted' } })
    const { text } = message.output[0] as { text: string }
    expect(text.slice(0, before.length)).toBe(before)
    // How much came between the kill and its being seen is for the machine to say.
    expect(sent.slice(0, text.length)).toBe(text)
  }
  // From the copies that the viewers kept, without a reset.
  const viewer = view(url)
  for (const copy of copies) {
    copy.checkpoints.length = 0
    viewer.adopt(copy)
    const [seen] = await viewer.follow(copy.id)
    await viewer.until(() => seen!.ended, 'the last checkpoint')
    expect(seen!.subscribed!.reset).toBe(false)
    expect(seen!.checkpoints.at(-1)!.matches).toBe(true)
    expect(seen!.json).toEqual(await call(url, `/api/messages/${copy.id}`))
  }
})

test('says what is wrong with its database, and ends', async () => {
  const child = spawn(process.execPath, [main], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, PORT: '0', DATABASE_URL: 'postgres://ann:hidden@127.0.0.1:1/runnel' },
  })
  let words = ''
  child.stderr.on('data', (data: Buffer) => {
    words += data.toString()
  })
  expect(await once(child, 'exit')).toEqual([1, null])
  expect(words).toMatch(
    /^runnel: The database cannot be reached \(ECONNREFUSED\).*DATABASE_URL.* \(postgres:\/\/127\.0\.0\.1:1\/runnel\)\n$/,
  )
  expect(words).not.toContain('hidden')
})
