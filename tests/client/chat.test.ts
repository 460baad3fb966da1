import { describe, expect, test } from 'vitest'
import { branch, type ChatMessage } from '../../client/index.ts'
import { chatMap, chatMessages } from '../../shared/schema.ts'
import { chatId, eventually, startClient, startServer } from './fixtures.ts'
import { say, tree } from './trees.ts'

describe('a live chat', () => {
  test('has its fields and its messages in tree order, and unchanged ones stay the same objects', async () => {
    const server = await startServer()
    server.serve(chatId, (doc) => {
      chatMap(doc).set('title', 'First')
      for (const { id, parentId, createdAt } of tree.toReversed()) say(doc, id, parentId, createdAt)
    })
    const client = startClient(server)
    const live = client.chat(chatId)
    expect(live.getSnapshot()).toEqual({
      status: 'loading',
      chat: null,
      messages: [],
      waiting: [],
      presence: [],
      viewers: null,
      role: null,
    })
    live.subscribe(() => {})
    await eventually(() => expect(live.getSnapshot().status).toBe('live'))
    const before = live.getSnapshot()
    expect(before.chat).toEqual({ title: 'First' })
    expect(before.role).toBe('owner')
    expect(before.messages.map(({ id }) => id)).toEqual(['q1', 'a1', 'q2', 'a2', 'q3', 'a3', 'a1b'])

    server.edit(chatId, (doc) => chatMap(doc).set('title', 'Second'))
    await eventually(() => expect(live.getSnapshot().chat?.title).toBe('Second'))
    expect(live.getSnapshot().messages).toBe(before.messages)

    server.edit(chatId, (doc) => {
      chatMessages(doc).get('q2')!.set('status', 'failed')
      say(doc, 'q0', null, 0)
    })
    await eventually(() => expect(live.getSnapshot().messages).toHaveLength(8))
    const after = live.getSnapshot().messages
    expect(after.map(({ id }) => id)).toEqual(['q0', 'q1', 'a1', 'q2', 'a2', 'q3', 'a3', 'a1b'])
    const find = (messages: readonly ChatMessage[], id: string) => messages.find((entry) => entry.id === id)
    expect(find(after, 'a2')).toBe(find(before.messages, 'a2'))
    expect(find(after, 'q2')).toMatchObject({ status: 'failed' })
  })

  test('shows what waits, the same list until it changes', async () => {
    const server = await startServer()
    const waits = { id: 'w1', by: { id: 'member:a', name: 'Ada' }, createdAt: 1, text: 'Next', model: 'm' }
    server.serve(chatId, (doc) => {
      chatMap(doc).set('title', 'First')
      chatMap(doc).set('waiting', [waits])
    })
    const live = startClient(server).chat(chatId)
    live.subscribe(() => {})
    await eventually(() => expect(live.getSnapshot().waiting).toEqual([waits]))
    const { waiting } = live.getSnapshot()
    server.edit(chatId, (doc) => chatMap(doc).set('title', 'Second'))
    await eventually(() => expect(live.getSnapshot().chat?.title).toBe('Second'))
    expect(live.getSnapshot().waiting).toBe(waiting)
    server.edit(chatId, (doc) => chatMap(doc).delete('waiting'))
    await eventually(() => expect(live.getSnapshot().waiting).toEqual([]))
  })

  test('a message whose parent is not there is a root, not lost', async () => {
    const server = await startServer()
    server.serve(chatId, (doc) => say(doc, 'a', 'deleted', 2))
    const live = startClient(server).chat(chatId)
    live.subscribe(() => {})
    await eventually(() => expect(live.getSnapshot().messages.map(({ id }) => id)).toEqual(['a']))
    expect(branch(live.getSnapshot().messages)).toEqual(['a'])
  })
})
