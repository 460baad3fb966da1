/** Two nodes, one database, one Redis: whatever is said or shown on one of them holds on the other. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineTool } from '../../server/extension/tool.ts'
import type { Chat, Message } from '../../shared/schema.ts'
import { answer } from '../../testing/index.ts'
import { newWorld, usePostgres, view } from './nodes.ts'

usePostgres()

async function twoNodes(settings: object = {}) {
  const world = await newWorld({ settings })
  const [a, b] = await Promise.all([world.node(), world.node()])
  const { id: chatId } = (await a.call('POST', '/api/chats', { title: 'Tides' })).body
  return { ...world, a, b, chatId }
}

test('a viewer on another node sees the answer as it is written, and its chat', async () => {
  const { a, b, fake, chatId } = await twoNodes()
  const stream = fake.manual()
  const there = view(b)
  const [chat] = await there.follow(chatId)
  const { messageId, userMessageId } = (await a.call('POST', `/api/chats/${chatId}/messages`, { content: 'Why?' })).body
  await stream.request
  const [copy] = await there.follow(messageId)
  stream.send('The moon ')
  await there.until(() => copy!.text === 'The moon ', 'the first words')
  stream.send('pulls. 🌙')
  await there.until(() => copy!.text === 'The moon pulls. 🌙', 'the next words')
  stream.end()
  await there.until(() => copy!.ended, 'the end')
  const { body } = await b.call('GET', `/api/messages/${messageId}`)
  expect(copy!.message).toEqual(body)
  expect((await a.call('GET', `/api/messages/${messageId}`)).body).toEqual(body)
  await there.until(() => (chat!.json as Chat).messages[messageId]?.status === 'completed', 'the chat')
  expect(Object.keys((chat!.json as Chat).messages).sort()).toEqual([messageId, userMessageId].sort())
  expect(there.control.filter(({ type }) => type === 'chat')).toContainEqual(
    expect.objectContaining({ event: 'status', messageId, status: 'completed' }),
  )
})

test('Stop, lists and continue reach a run from any node', async () => {
  const { a, b, fake, chatId } = await twoNodes()
  const stream = fake.manual()
  const { messageId, taskId } = (await a.call('POST', `/api/chats/${chatId}/messages`, { content: 'Why?' })).body
  const request = await stream.request
  stream.send('The moon')
  await expect
    .poll(async () => ((await b.call('GET', `/api/messages/${messageId}`)).body as Message).output.length, {
      timeout: 5_000,
    })
    .toBe(1)
  expect((await b.call('GET', '/api/tasks')).body.items).toMatchObject([{ taskId, messageId, status: 'streaming' }])
  expect((await b.call('POST', `/api/chats/${chatId}/messages`, { content: 'More?' })).body.error.code).toBe('busy')
  const before = performance.now()
  expect((await b.call('POST', `/api/messages/${messageId}/stop`, {})).body).toMatchObject({
    taskId,
    status: 'stopped',
  })
  expect(performance.now() - before).toBeLessThan(1_000)
  await request.hungUp
  fake.enqueue(answer({ text: ' pulls.' }))
  const continued = await b.call('POST', `/api/messages/${messageId}/continue`, { stream: false })
  expect(continued.body).toMatchObject({ status: 'completed', output: [{ text: 'The moon pulls.' }] })
  expect((await a.call('GET', `/api/messages/${messageId}`)).body).toEqual(continued.body)
  expect((await a.call('POST', `/api/messages/${messageId}/stop`, { taskId })).status).toBe(409)
})

test('an approval given on one node lets a run on another go on; the first answer wins', async () => {
  let ran = 0
  const pay = defineTool({
    name: 'pay',
    description: '',
    parameters: z.object({}),
    approval: true,
    execute: () => {
      ran++
      return 'paid'
    },
  })
  const { a, b, fake, chatId } = await twoNodes({ tools: [pay] })
  fake.enqueue(answer({ toolCalls: [{ id: 'c1', name: 'pay', arguments: '{}' }] }), answer({ text: 'Done.' }))
  const { body } = await a.call('POST', `/api/chats/${chatId}/messages`, { content: 'Pay', stream: false })
  expect(body.status).toBe('waiting')
  const answers = await Promise.all(
    [a, b, b, a].map((node) => node.call('POST', `/api/messages/${body.id}/tool-calls/c1`, { decision: 'approve' })),
  )
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409])
  await expect
    .poll(async () => (await b.call('GET', `/api/messages/${body.id}`)).body, { timeout: 5_000 })
    .toMatchObject({ status: 'completed' })
  expect(ran).toBe(1)
})

test('deleting a chat on one node ends what runs and is followed on another', async () => {
  const { a, b, fake, chatId } = await twoNodes()
  const stream = fake.manual()
  const { messageId } = (await a.call('POST', `/api/chats/${chatId}/messages`, { content: 'Why?' })).body
  const request = await stream.request
  const here = view(a)
  const [copy] = await here.follow(messageId)
  await here.until(() => copy!.subscribed !== null, 'the subscription')
  expect((await b.call('DELETE', `/api/chats/${chatId}`)).status).toBe(204)
  await request.hungUp
  await here.until(() => copy!.refused !== null, 'the refusal')
  expect((await a.call('GET', `/api/messages/${messageId}`)).status).toBe(404)
})
