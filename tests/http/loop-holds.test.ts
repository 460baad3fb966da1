import { get } from 'node:http'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import * as Y from 'yjs'
import { MessageWriter } from '../../server/document/message-writer.ts'
import { openSqliteStore } from '../../server/store/sqlite/sqlite.ts'
import { readMessage } from '../../shared/schema.ts'
import { startRunnel } from '../../testing/index.ts'
import { longestTurn } from '../helpers/longest-turn.ts'
import { temporaryFolder } from '../store/fixtures.ts'

/** P12. */
const boundMs = 50
const chatId = 'chat_large0001'
const messageId = 'msg_large00001'

/** A finished answer of ten megabytes, in blocks of several kinds. */
function largeAnswer(): Y.Doc {
  const doc = new Y.Doc()
  const writer = new MessageWriter(doc, 1)
  writer.setMessage({
    id: messageId,
    chatId,
    parentId: null,
    role: 'assistant',
    taskId: 'task_large',
    status: 'completed',
    createdAt: 1,
    schema: 1,
  })
  const line = 'The quick brown fox jumps over the lazy dög, "quoted", and goes on.\n'
  for (let i = 0; i < 1_000; i++) {
    const call = {
      type: 'tool_call',
      status: 'streaming',
      callId: `c${i}`,
      name: 'search',
      executor: 'server',
    } as const
    const id = writer.openBlock(i % 2 === 0 ? { type: 'text', status: 'in_progress' } : call)
    writer.append(id, i % 2 === 0 ? 'text' : 'arguments', line.repeat(145))
    writer.closeBlock(id, 'completed')
    writer.commit()
  }
  return doc
}

test('reading a large answer in each form holds the loop less than 50 ms', async () => {
  const path = join(temporaryFolder(), 'runnel.db')
  const doc = largeAnswer()
  const message = readMessage(doc)
  const store = openSqliteStore(path)
  await store.createChat({ id: chatId, ownerId: 'local', title: 'Large', system: null, createdAt: 1 }, 'line')
  await store.startRun({
    userMessage: null,
    assistant: {
      id: messageId,
      chatId,
      parentId: null,
      createdAt: 1,
      taskId: 'task_large',
      userId: 'local',
      node: 'local',
      status: 'queued',
      request: { model: 'm' },
    },
    lineage: 'line',
  })
  await store.endRun({ message, taskId: message.taskId!, epoch: 1, state: Y.encodeStateAsUpdate(doc) })
  await store.close()

  const server = await startRunnel({ DATABASE_URL: `sqlite:${path}` })
  onTestFinished(() => server.close())
  const read = async (query: string) => {
    const bytes = await new Promise<number>((resolve, reject) => {
      get(`${server.url}/api/messages/${messageId}${query}`, (response) => {
        let length = 0
        response.on('data', (chunk: Buffer) => (length += chunk.length))
        response.on('end', () => resolve(length))
        response.on('error', reject)
      }).on('error', reject)
    })
    expect(bytes).toBeGreaterThan(4_500_000)
  }
  const held: Record<string, number> = {}
  for (const query of ['', '?format=text', '?format=markdown', '/events', '/events?mode=state'])
    held[query] = await longestTurn(() => read(query))
  expect(held).toEqual(Object.fromEntries(Object.keys(held).map((query) => [query, expect.toSatisfy(isShort)])))
})

const isShort = (ms: number) => ms < boundMs
