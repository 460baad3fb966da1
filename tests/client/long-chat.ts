/** A store with a long chat in it, as it would be after years: questions and answers in one line. All are listed; `stored`: so many of the last are there. */
import * as Y from 'yjs'
import { ChatWriter } from '../../server/document/chat-writer.ts'
import type { Store } from '../../server/store/store.ts'
import { createBlock, messageMap, outputArray, readMessage, type Message } from '../../shared/schema.ts'
import { memoryStore } from '../../testing/index.ts'

export const longChatId = 'chat_long00000000'
export const questionId = (n: number) => `msg_q${String(n).padStart(9, '0')}`
export const answerId = (n: number) => `msg_a${String(n).padStart(9, '0')}`
export const answerText = (n: number, chars: number) => `Answer ${n}: ${'the moon pulls the sea. '.repeat(chars / 24)}`

export async function longChat(count: number, { chars = 2_000, stored = 150 } = {}): Promise<Store> {
  const store = memoryStore()
  await store.createChat({ id: longChatId, ownerId: 'local', title: 'Long', system: null, createdAt: 1 }, 'line')
  const writer = new ChatWriter(new Y.Doc(), await store.drawEpoch(longChatId))
  writer.setChat({ id: longChatId, title: 'Long', createdAt: 1 })
  for (let n = 0; n < count; n++) {
    const asked = questionOf(n)
    // The first that is there answers nothing that is.
    if (n === count - stored) await storeAnswer(store, { ...asked, parentId: null }, answerDoc(n, chars))
    else if (n > count - stored) await storeAnswer(store, asked, answerDoc(n, chars))
    const { text } = asked.output[0] as { text: string }
    const { id, parentId, createdAt, status } = asked
    writer.setMessages([
      [id, { role: 'user', parentId, createdAt, status, text }],
      [answerId(n), { role: 'assistant', parentId: id, createdAt: createdAt + 1, status, model: 'm' }],
    ])
  }
  const { epoch } = writer
  await store.log.append([{ doc: longChatId, epoch, previousSeq: 0, updates: writer.commit() }])
  return store
}

async function storeAnswer(store: Store, userMessage: Message, doc: Y.Doc): Promise<void> {
  const message = readMessage(doc)
  const { id, parentId, createdAt } = message
  const taskId = message.taskId!
  const run = { taskId, userId: 'local', node: 'local', request: { model: 'm' } }
  await store.startRun({
    userMessage,
    assistant: { id, chatId: longChatId, parentId, createdAt, status: 'queued', ...run },
    lineage: `line of ${id}`,
  })
  await store.endRun({ message, taskId, epoch: 1, state: Y.encodeStateAsUpdate(doc) })
  await store.endListed({ messageId: id, taskId })
  doc.destroy()
}

function questionOf(n: number): Message {
  return {
    id: questionId(n),
    chatId: longChatId,
    parentId: n === 0 ? null : answerId(n - 1),
    role: 'user',
    status: 'completed',
    createdAt: 10 * n,
    schema: 1,
    output: [{ id: 'b', type: 'text', status: 'completed', text: `Why, for the time ${n}?`, annotations: [] }],
  }
}

function answerDoc(n: number, chars: number): Y.Doc {
  const doc = new Y.Doc()
  doc.clientID = 64
  const fields = {
    id: answerId(n),
    chatId: longChatId,
    parentId: questionId(n),
    role: 'assistant',
    model: 'm',
    taskId: `task_${n}`,
    status: 'completed',
    createdAt: 10 * n + 1,
    endedAt: 10 * n + 5,
    finishReason: 'stop',
    schema: 1,
  }
  doc.transact(() => {
    for (const [key, value] of Object.entries(fields)) messageMap(doc).set(key, value)
    outputArray(doc).push([createBlock('b', { type: 'text', status: 'completed' })])
    ;(outputArray(doc).get(0).get('text') as Y.Text).insert(0, answerText(n, chars))
  })
  return doc
}
