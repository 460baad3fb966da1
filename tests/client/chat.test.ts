import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { branch, siblings, type ChatMessage } from '../../client/index.ts'
import { chatMap, chatMessages } from '../../shared/schema.ts'
import { chatId, eventually, startClient, startServer } from './fixtures.ts'

function message(id: string, parentId: string | null, createdAt: number): ChatMessage {
  return { id, parentId, createdAt, role: 'user', status: 'completed' }
}

/** q1 ─ a1 ─ q2 ─ a2, and q2 asked anew as q3 ─ a3; a1 was made anew as a1b. */
const tree = [
  message('q1', null, 1), message('a1', 'q1', 1), message('q2', 'a1', 3), message('a2', 'q2', 3),
  message('q3', 'a1', 5), message('a3', 'q3', 5), message('a1b', 'q1', 4),
]

describe('branches', () => {
  test('the newest message decides which branch is shown', () => {
    expect(branch(tree)).toEqual(['q1', 'a1', 'q3', 'a3'])
    expect(branch([...tree, message('q4', 'a1b', 9)])).toEqual(['q1', 'a1b', 'q4'])
  })

  test('a question and its answer of the same millisecond are one branch', () => {
    expect(branch([message('z', null, 1), message('a', 'z', 1)])).toEqual(['z', 'a'])
  })

  test('a chosen message keeps its branch and goes on with what is newest below it', () => {
    expect(branch(tree, 'q2')).toEqual(['q1', 'a1', 'q2', 'a2'])
    expect(branch(tree, 'q1')).toEqual(['q1', 'a1b'])
    expect(branch(tree, 'gone')).toEqual(branch(tree))
  })

  test('an empty chat has an empty one', () => {
    expect(branch([])).toEqual([])
  })

  test('siblings answer the same parent, oldest first', () => {
    expect(siblings(tree, 'a1b')).toEqual(['a1', 'a1b'])
    expect(siblings(tree, 'q3')).toEqual(['q2', 'q3'])
    expect(siblings(tree, 'gone')).toEqual([])
  })
})

describe('a live chat', () => {
  function say(doc: Y.Doc, id: string, parentId: string | null, createdAt: number): void {
    chatMessages(doc).set(id, new Y.Map(Object.entries({ role: 'user', parentId, createdAt, status: 'completed' })))
  }

  test('has its fields and its messages in tree order, and unchanged ones stay the same objects', async () => {
    const server = await startServer()
    server.serve(chatId, doc => {
      chatMap(doc).set('title', 'First')
      for (const { id, parentId, createdAt } of tree.toReversed()) say(doc, id, parentId, createdAt)
    })
    const client = startClient(server)
    const live = client.chat(chatId)
    expect(live.getSnapshot()).toEqual({ status: 'loading', chat: null, messages: [], presence: [], viewers: null, role: null })
    live.subscribe(() => {})
    await eventually(() => expect(live.getSnapshot().status).toBe('live'))
    const before = live.getSnapshot()
    expect(before.chat).toEqual({ title: 'First' })
    expect(before.messages.map(({ id }) => id)).toEqual(['q1', 'a1', 'q2', 'a2', 'q3', 'a3', 'a1b'])

    server.edit(chatId, doc => chatMap(doc).set('title', 'Second'))
    await eventually(() => expect(live.getSnapshot().chat?.title).toBe('Second'))
    expect(live.getSnapshot().messages).toBe(before.messages)

    server.edit(chatId, doc => {
      chatMessages(doc).get('q2')!.set('status', 'failed')
      say(doc, 'q0', null, 0)
    })
    await eventually(() => expect(live.getSnapshot().messages).toHaveLength(8))
    const after = live.getSnapshot().messages
    expect(after.map(({ id }) => id)).toEqual(['q0', 'q1', 'a1', 'q2', 'a2', 'q3', 'a3', 'a1b'])
    const find = (messages: readonly ChatMessage[], id: string) => messages.find(entry => entry.id === id)
    expect(find(after, 'a2')).toBe(find(before.messages, 'a2'))
    expect(find(after, 'q2')).toMatchObject({ status: 'failed' })
  })

  test('a message whose parent is not there is a root, not lost', async () => {
    const server = await startServer()
    server.serve(chatId, doc => say(doc, 'a', 'deleted', 2))
    const live = startClient(server).chat(chatId)
    live.subscribe(() => {})
    await eventually(() => expect(live.getSnapshot().messages.map(({ id }) => id)).toEqual(['a']))
    expect(branch(live.getSnapshot().messages)).toEqual(['a'])
  })
})
