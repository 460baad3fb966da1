/** Lists over two nodes on Postgres: what one node does the other shows. */
import { expect, test } from 'vitest'
import { answer } from '../../testing/index.ts'
import { pay } from '../helpers/pay-tool.ts'
import { newWorld, usePostgres, view } from './nodes.ts'

usePostgres()

test('activity, unread, what waits, and where a search has found something', async () => {
  const { node, fake } = await newWorld({ settings: { tools: [pay], RUNNEL_MODEL: 'm' } })
  const [a, b] = await Promise.all([node(), node()])
  const older = await a.call('POST', '/api/chats', { title: 'Older' })
  await a.call('POST', '/api/chats', { title: 'Newer' })
  const chatId = older.body.id as string
  const list = async () => (await b.call('GET', '/api/chats')).body.items as any[]
  expect((await list()).map(({ title }) => title)).toEqual(['Newer', 'Older'])

  fake.enqueue(answer({ toolCalls: [{ id: 'c1', name: 'pay', arguments: '{}' }] }), answer({ text: 'The tide\0pays.' }))
  const { messageId } = await a.ask('Pay!', { chatId })
  await expect.poll(async () => (await list())[0]).toMatchObject({ id: chatId, waiting: true, running: false })
  const there = view(a)
  await there.follow(messageId)
  await b.call('POST', `/api/messages/${messageId}/tool-calls/c1`, { decision: 'approve' })
  await there.toEnd(messageId)
  await expect.poll(async () => (await list())[0]).toMatchObject({ unread: true, waiting: false, running: false })
  await b.call('POST', `/api/chats/${chatId}/read`)
  await there.until(
    () => there.control.some((told) => told.type === 'chat' && told.event === 'read' && told.chatId === chatId),
    'the read of the other node',
  )
  expect((await a.call('GET', '/api/chats')).body.items[0]).toMatchObject({ id: chatId, unread: false })
  expect((await b.call('GET', '/api/chats?query=tide')).body.items).toMatchObject([
    {
      id: chatId,
      match: { messageId, snippet: [{ text: 'The ' }, { text: 'tide', match: true }, { text: ' pays.' }] },
    },
  ])
})
