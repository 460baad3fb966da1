/** What a crash leaves between two commits, made by hand: no process has to die for it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Chat, Message } from '../../shared/schema.ts'
import { MessageWriter } from '../../server/document/message-writer.ts'
import type { Provider } from '../../server/provider/events.ts'
import { localCluster } from '../../server/cluster/local.ts'
import { Rooms } from '../../server/room/rooms.ts'
import { openSqliteStore } from '../../server/store/sqlite/sqlite.ts'
import type { Store } from '../../server/store/store.ts'
import { Collector, startRunnel, type StartedRunnel } from '../../testing/index.ts'

const [chatId, questionId, answerId, taskId] = ['chat_crashed01', 'msg_question01', 'msg_answer0001', 'task_crashed01']

function databasePath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-recovery-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'runnel.db')
}

/** What `POST …/messages` writes first, in one transaction, before the documents. */
async function writeRows(store: Store): Promise<void> {
  await store.createChat({ id: chatId, ownerId: 'local', title: 'Crashed', system: null, createdAt: 1 }, 'lineage0')
  const userMessage: Message = {
    id: questionId,
    chatId,
    parentId: null,
    role: 'user',
    status: 'completed',
    createdAt: 2,
    schema: 1,
    output: [{ id: 'b0', type: 'text', status: 'completed', text: 'Are you there?', annotations: [] }],
  }
  await store.startRun({
    userMessage,
    lineage: 'lineage1',
    assistant: {
      id: answerId,
      chatId,
      parentId: questionId,
      createdAt: 2,
      taskId,
      userId: 'local',
      node: 'local',
      status: 'queued',
      request: { model: 'any' },
    },
  })
}

async function restart(path: string, provider: Provider): Promise<StartedRunnel> {
  const server = await startRunnel({ DATABASE_URL: `sqlite:${path}`, provider })
  onTestFinished(() => server.close())
  return server
}

function follow(server: StartedRunnel): Collector {
  const viewer = new Collector(server.url)
  onTestFinished(() => viewer.close())
  return viewer
}

const sayYes: Provider = async function* () {
  yield { type: 'block_start', key: 'a', block: { type: 'text', status: 'in_progress' } }
  yield { type: 'delta', key: 'a', field: 'text', text: 'Yes.' }
  yield { type: 'block_end', key: 'a', status: 'completed' }
  yield { type: 'finish', reason: 'stop' }
}

test('a run whose question no document lists yet is queued again, and both appear in the chat', async () => {
  const path = databasePath()
  const store = openSqliteStore(path)
  await writeRows(store)
  await store.close()

  const server = await restart(path, sayYes)
  const viewer = follow(server)
  const answer = await viewer.toEnd(answerId)
  expect(answer.message).toMatchObject({
    id: answerId,
    chatId,
    parentId: questionId,
    taskId,
    role: 'assistant',
    model: 'any',
    status: 'completed',
  })
  expect(answer.text).toBe('Yes.')
  const [chat] = await viewer.follow(chatId)
  await viewer.until(() => chat!.updates > 0, 'the chat')
  expect(chat!.json as Chat).toEqual({
    chat: { id: chatId, title: 'Crashed', createdAt: 1 },
    messages: {
      [questionId]: { role: 'user', parentId: null, createdAt: 2, status: 'completed', text: 'Are you there?' },
      [answerId]: { role: 'assistant', parentId: questionId, createdAt: 2, status: 'completed', model: 'any' },
    },
  })
})

test('a run that had begun ends interrupted, with its question in the chat', async () => {
  const path = databasePath()
  const store = openSqliteStore(path)
  await writeRows(store)
  const rooms = new Rooms({ cluster: localCluster(store.log), flushMs: 1, now: Date.now, onEvict: async () => {} })
  const room = rooms.create(answerId, 'lineage1', 1)
  const writer = new MessageWriter(room.doc, 1)
  rooms.attach(room, writer)
  writer.setMessage({
    id: answerId,
    chatId,
    parentId: questionId,
    role: 'assistant',
    model: 'any',
    taskId,
    status: 'streaming',
    createdAt: 2,
    schema: 1,
  })
  writer.append(writer.openBlock({ type: 'text', status: 'in_progress' }), 'text', 'Ye')
  rooms.flusher.flushNow(room)
  await rooms.close()
  await store.close()

  const server = await restart(path, sayYes)
  const viewer = follow(server)
  const answer = await viewer.toEnd(answerId)
  expect(answer.message).toMatchObject({
    status: 'interrupted',
    error: { code: 'interrupted', retryable: true },
    output: [{ text: 'Ye', status: 'incomplete' }],
  })
  const [chat] = await viewer.follow(chatId)
  await viewer.until(() => chat!.updates > 0, 'the chat')
  const { messages } = chat!.json as Chat
  expect(messages[questionId]).toMatchObject({ role: 'user', text: 'Are you there?' })
  expect(messages[answerId]).toMatchObject({ role: 'assistant', status: 'interrupted' })
  expect((await server.call('GET', `/api/messages/${answerId}`)).body).toEqual(answer.json)
  expect((await server.call('GET', '/api/tasks')).body.items).toEqual([])
})

test('a run that was queued at a clean close is queued again, once', async () => {
  const path = databasePath()
  let release = (): void => {}
  const held: Provider = async function* (request, signal) {
    await new Promise<void>((resolve) => {
      release = resolve
      signal.addEventListener('abort', () => resolve())
    })
    yield* sayYes(request, signal)
  }
  const first = await startRunnel({ DATABASE_URL: `sqlite:${path}`, provider: held, RUNNEL_MAX_TASKS: 1 })
  const running = await first.ask('One')
  const queued = await first.ask('Two')
  await first.close()
  release()

  const server = await restart(path, sayYes)
  expect((await server.call('GET', `/api/messages/${running.messageId}`)).body).toMatchObject({
    status: 'interrupted',
    error: { code: 'interrupted' },
  })
  const answer = await follow(server).toEnd(queued.messageId)
  expect(answer.message).toMatchObject({ status: 'completed', taskId: queued.taskId })
  expect(answer.text).toBe('Yes.')
})

test(
  'while 100,000 tokens come, many their own append, the log stays below three times the text + 64 kB',
  { timeout: 60_000 },
  async () => {
    const path = databasePath()
    const store = openSqliteStore(path)
    await writeRows(store)
    const rooms = new Rooms({ cluster: localCluster(store.log), flushMs: 1, now: Date.now, onEvict: async () => {} })
    onTestFinished(async () => {
      await rooms.close()
      await store.close()
    })
    const room = rooms.create(answerId, 'lineage1', 1)
    const writer = new MessageWriter(room.doc, 1)
    rooms.attach(room, writer)
    const block = writer.openBlock({ type: 'text', status: 'in_progress' })
    const rowBytes = 12
    let textBytes = 0
    let worst = 0
    for (let index = 0; index < 100_000; index++) {
      const token = index % 3 === 0 ? ' word' : ' tok'
      textBytes += token.length
      writer.append(block, 'text', token)
      // One commit a token is what costs the log most, and the test time.
      if (index < 20_000 || index % 5 === 0) rooms.flusher.flushNow(room)
      if (index % 250 !== 0) continue
      const { state, updates } = (await store.log.read(answerId))!
      const logBytes = updates.reduce((sum, update) => sum + update.length + rowBytes, state?.length ?? 0)
      worst = Math.max(worst, (logBytes - 65_536) / textBytes)
      expect(logBytes).toBeLessThanOrEqual(3 * textBytes + 65_536)
    }
    console.log(`log: at the worst ${worst.toFixed(2)} × the text + 64 kB`)
  },
)
