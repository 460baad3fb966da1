import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import * as Y from 'yjs'
import { connect } from '../../client/index.ts'
import type { RunnelOptions } from '../../server/app/app.ts'
import { ChatWriter } from '../../server/document/chat-writer.ts'
import type { Provider, ProviderEvent } from '../../server/provider/events.ts'
import { openSqliteStore } from '../../server/store/sqlite/sqlite.ts'
import type { Chat, Message } from '../../shared/schema.ts'
import { Collector, startRunnel, type StartedRunnel } from '../../testing/index.ts'
import { startPostgres, type Postgres } from '../helpers/postgres.ts'

let postgres: Postgres
beforeAll(async () => {
  postgres = await startPostgres()
}, 30_000)
afterAll(() => postgres.close())

const stores: Record<string, (folder: string) => Promise<string>> = {
  memory: async () => 'memory:',
  SQLite: async (folder) => `sqlite:${join(folder, 'runnel.db')}`,
  Postgres: () => postgres.database(),
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-long-chats-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function start(options: RunnelOptions = {}): Promise<StartedRunnel> {
  const server = await startRunnel({ RUNNEL_FLUSH_MS: 5, ...options })
  onTestFinished(() => server.close())
  return server
}

function follow(server: StartedRunnel): Collector {
  const viewer = new Collector(server.url)
  onTestFinished(() => viewer.close())
  return viewer
}

/** Answers with one word, at once. */
async function* oneWord(): AsyncGenerator<ProviderEvent> {
  yield { type: 'block_start', key: 't', block: { type: 'text', status: 'in_progress' } }
  yield { type: 'delta', key: 't', field: 'text', text: 'Yes.' }
  yield { type: 'finish', reason: 'stop' }
}

const longQuestion = `Why ${'is the tide 潮 so high 😀 today, '.repeat(60)}and when does it fall?`

async function until(condition: () => boolean | Promise<boolean>, deadlineMs = 20_000): Promise<void> {
  const deadline = Date.now() + deadlineMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`the condition did not come true within ${deadlineMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

test('1,000 answers with long questions: a join of at most 500 kB', async () => {
  const server = await start({ provider: oneWord })
  const { id } = (await server.call('POST', '/api/chats', {})).body
  for (let i = 0; i < 1_000; i += 50) {
    const sent = Array.from({ length: 50 }, () =>
      server.call('POST', `/api/chats/${id}/messages`, { content: longQuestion, parentId: null, stream: false }),
    )
    for (const { status } of await Promise.all(sent)) expect(status).toBe(200)
  }
  const viewer = follow(server)
  const [chat] = await viewer.follow(id)
  await viewer.until(() => chat!.checkpoints.length > 0)
  const entries = Object.values((chat!.json as Chat).messages)
  expect(entries.filter(({ role, status }) => role === 'assistant' && status === 'completed')).toHaveLength(1_000)
  expect(entries.filter(({ role, shortened }) => role === 'user' && shortened)).toHaveLength(1_000)
  expect(chat!.checkpoints[0]!.matches).toBe(true)
  expect(chat!.bytes).toBeLessThan(500_000)
}, 60_000)

describe.each(Object.keys(stores))('with %s', (name) => {
  const open = async (options: RunnelOptions = {}) => {
    const folder = newFolder()
    const DATABASE_URL = await stores[name]!(folder)
    return await start({ DATABASE_URL, RUNNEL_FILES_DIR: folder, ...options })
  }

  test('a long question is shortened in its chat only: the message, the history, the prompt, a search and an edit have all of it', async () => {
    const prompts: string[] = []
    const provider: Provider = async function* ({ prompt }) {
      prompts.push(prompt.map((item) => ('text' in item ? item.text : '')).join('|'))
      yield* oneWord()
    }
    const server = await open({ provider })
    const asked = await server.ask(longQuestion, { stream: true })
    const viewer = follow(server)
    const [chat] = await viewer.follow(asked.chatId)
    const entry = () => (chat!.json as Chat).messages[asked.userMessageId]
    await viewer.until(() => (chat!.json as Chat).messages[asked.messageId]?.status === 'completed')
    expect(entry()).toMatchObject({ shortened: true })
    expect(Buffer.byteLength(entry()!.text!)).toBeLessThanOrEqual(120)
    expect(Buffer.byteLength(entry()!.text!)).toBeGreaterThan(110)
    expect(entry()!.text!.isWellFormed()).toBe(true)
    expect(longQuestion.startsWith(entry()!.text!)).toBe(true)

    const textOf = ({ output }: Message) => output.map((block) => ('text' in block ? block.text : '')).join('')
    const read = await server.call('GET', `/api/messages/${asked.userMessageId}`)
    expect(textOf(read.body)).toBe(longQuestion)
    const history = await server.call('GET', `/api/chats/${asked.chatId}/messages`)
    expect(textOf(history.body.items[0])).toBe(longQuestion)
    expect((await server.call('GET', '/api/chats?query=fall')).body.items).toHaveLength(1)
    await server.call('POST', `/api/messages/${asked.messageId}/regenerate`, { stream: false })
    await server.call('POST', `/api/chats/${asked.chatId}/messages`, { content: 'And then?', stream: false })
    const edited = `Or ${longQuestion}`
    await server.call('PATCH', `/api/messages/${asked.userMessageId}`, { content: edited, stream: false })
    expect(prompts).toEqual([longQuestion, longQuestion, `${longQuestion}|Yes.|And then?`, edited])
  })

  test('a chat that is full takes no message more and says so; it can be read, and what was deleted still counts', async () => {
    const server = await open({ provider: oneWord, RUNNEL_MAX_CHAT_MESSAGES: 5 })
    const first = await server.ask('First?', { stream: true })
    const messages = `/api/chats/${first.chatId}/messages`
    const ask = (headers?: Record<string, string>) =>
      server.call('POST', messages, { content: 'Second?', parentId: null, stream: false }, headers)
    const key = { 'idempotency-key': 'second' }
    const second = await ask(key)
    expect(second.status).toBe(200)
    const refused = await ask()
    expect(refused).toMatchObject({ status: 413, body: { error: { code: 'too_large' } } })
    expect(refused.body.error.message).toContain('Start a new chat')
    expect(await server.call('PATCH', `/api/messages/${first.userMessageId}`, { content: 'Other?' })).toMatchObject({
      status: 413,
    })
    // What was said before is said again.
    expect(await ask(key)).toEqual(second)
    // One fits, the next does not.
    const again = () => server.call('POST', `/api/messages/${first.messageId}/regenerate`, { stream: false })
    await until(async () => (await server.call('GET', `/api/messages/${first.messageId}`)).body.status === 'completed')
    expect((await again()).status).toBe(200)
    expect((await again()).status).toBe(413)
    expect((await server.call('DELETE', `/api/messages/${second.body.id}`)).status).toBe(204)
    expect((await ask()).status).toBe(413)
    // Nothing of what was refused is there.
    expect((await server.call('GET', messages)).body.items).toHaveLength(4)
    const other = (await server.call('POST', '/api/chats', {})).body.id
    expect(
      (await server.call('POST', `/api/chats/${other}/messages`, { content: 'Here?', stream: false })).status,
    ).toBe(200)
  })
})

test('a chat of 5,000 answers from before, its long questions whole, opens within the cap of catch-ups, for several at once', async () => {
  const path = join(newFolder(), 'runnel.db')
  const chatId = 'chat_long00000000'
  const store = openSqliteStore(path)
  await store.createChat({ id: chatId, ownerId: 'local', title: 'Long', system: null, createdAt: 1 }, 'line')
  const writer = new ChatWriter(new Y.Doc(), await store.drawEpoch(chatId))
  writer.setChat({ id: chatId, title: 'Long', createdAt: 1 })
  const text = 'x'.repeat(2_000)
  writer.setMessages(
    Array.from({ length: 10_000 }, (_, i) => [
      `msg_long${String(i).padStart(8, '0')}`,
      i % 2 === 0
        ? { role: 'user' as const, parentId: null, createdAt: i, status: 'completed' as const, text }
        : { role: 'assistant' as const, parentId: null, createdAt: i, status: 'completed' as const, model: 'm' },
    ]),
  )
  await store.log.append([{ doc: chatId, epoch: writer.epoch, previousSeq: 0, updates: writer.commit() }])
  await store.close()

  const server = await start({
    DATABASE_URL: `sqlite:${path}`,
    provider: oneWord,
    RUNNEL_CATCHUP_MAX_BYTES: 15_000_000,
  })
  const viewers = [follow(server), follow(server), follow(server)]
  const chats = await Promise.all(
    viewers.map(async (viewer) => {
      const [chat] = await viewer.follow(chatId)
      await viewer.until(() => chat!.checkpoints.length > 0, 'the checkpoint', 30_000)
      expect(chat!.checkpoints[0]!.matches).toBe(true)
      return chat!
    }),
  )
  const asked = await server.ask(longQuestion, { chatId, stream: true })
  for (const [i, chat] of chats.entries()) {
    await viewers[i]!.until(() => (chat.json as Chat).messages[asked.messageId]?.status === 'completed')
    const { messages } = chat.json as Chat
    expect(Object.keys(messages)).toHaveLength(10_002)
    expect(messages['msg_long00000000']).toMatchObject({ text })
    expect(messages[asked.userMessageId]).toMatchObject({ shortened: true })
  }
  expect(server.runnel.stats().catchUpPendingBytes).toBe(0)
}, 60_000)

test('the client reads a long question over HTTP once, and a short one not at all', async () => {
  const server = await start({ provider: oneWord })
  const { chatId, userMessageId } = await server.ask(longQuestion)
  const short = await server.ask('Short?', { chatId, parentId: null })
  const paths: string[] = []
  const client = connect({
    url: server.url,
    fetch: async (input, init) => {
      paths.push(new URL(input as string).pathname)
      return await fetch(input, init)
    },
  })
  onTestFinished(() => client.close())
  const chat = await client.chat(chatId).until(({ messages }) => messages.length === 4)
  const listed = (id: string) => chat.messages.find((message) => message.id === id)!
  const long = listed(userMessageId)
  expect(client.questions.known(long)).toBeUndefined()
  const reads = await Promise.all([client.questions.read(long), client.questions.read(long)])
  expect(reads[0]).toEqual({ text: longQuestion, files: [] })
  expect(await client.questions.read(long)).toBe(reads[1])
  expect(client.questions.known(long)).toBe(reads[0])
  expect(await client.questions.read(listed(short.userMessageId))).toEqual({ text: 'Short?', files: [] })
  expect(paths).toEqual([`/api/chats/${chatId}/state`, `/api/messages/${userMessageId}`])
})
