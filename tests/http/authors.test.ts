/** Who did what in a chat: in its documents and over HTTP, with the name of then, and under no account's id. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineTool } from '../../server/extension/tool.ts'
import type { Chat, ToolCallBlock } from '../../shared/schema.ts'
import { answer } from '../../testing/index.ts'
import { Person, startWithPeople } from './people.ts'

const pay = defineTool({
  name: 'pay',
  description: 'Pays.',
  parameters: z.object({ amount: z.number() }),
  approval: true,
  execute: ({ amount }) => `paid ${amount}`,
})
const locate = defineTool({ name: 'locate', description: 'Where the user is.', parameters: z.object({}) })

async function startShared(settings: object = {}) {
  const { server, fake, person } = await startWithPeople({ tools: [pay, locate], RUNNEL_MODEL: 'm', ...settings })
  const ada = await person('ada@example.org', { name: 'Ada' })
  const bob = await person('bob@example.org', { name: 'Bob' })
  const chatId = (await ada.call('POST', '/api/chats', {})).body.id as string
  const path = `/api/chats/${chatId}`
  await ada.call('POST', `${path}/members`, { userId: 'bob@example.org', name: 'Bob', role: 'editor' })
  const invite = (await ada.call('POST', `${path}/invites`, { role: 'editor' })).body
  const guest = new Person(server, invite.token)
  const { items } = (await ada.call('GET', `${path}/members`)).body
  const by = (name: string) => ({ id: items.find((member: { name: string }) => member.name === name).alias, name })
  const viewer = ada.view()
  const [copy] = await viewer.follow(chatId)
  const listed = (id: string) => (copy!.json as Chat).messages[id]
  const ended = async (messageId: string) => {
    await expect.poll(() => listed(messageId)?.status, { timeout: 10_000 }).toMatch(/completed|stopped|failed/)
    return (await bob.call('GET', `/api/messages/${messageId}`)).body
  }
  return { server, fake, ada, bob, guest, invite, chatId, path, by, listed, ended }
}

test('questions, edits, answers made anew, continued and stopped say who it was; guests see it and no account', async () => {
  const { fake, ada, bob, guest, invite, chatId, path, by, listed, ended } = await startShared()
  for (let i = 0; i < 4; i++) fake.enqueue(answer({ text: 'Because.' }))
  const asked = await ada.ask('Why?', chatId)
  expect((await ended(asked.messageId)).by).toEqual(by('Ada'))
  expect((await bob.call('GET', `/api/messages/${asked.userMessageId}`)).body.by).toEqual(by('Ada'))
  expect(listed(asked.userMessageId)).toMatchObject({ by: by('Ada') })
  // Its question says it already.
  expect(listed(asked.messageId)).not.toHaveProperty('by')

  const edit = (await bob.call('PATCH', `/api/messages/${asked.userMessageId}`, { content: 'How?' })).body
  expect((await ended(edit.messageId)).by).toEqual(by('Bob'))
  expect(listed(edit.userMessageId)).toMatchObject({ text: 'How?', by: by('Bob') })

  const anew = (await guest.call('POST', `/api/messages/${asked.messageId}/regenerate`, {})).body
  const guests = { id: `guest:${invite.id}`, name: 'Guest' }
  expect((await ended(anew.messageId)).by).toEqual(guests)
  expect(listed(anew.messageId)).toMatchObject({ by: guests })
  await bob.call('POST', `/api/messages/${anew.messageId}/continue`, {})
  await expect
    .poll(async () => (await bob.call('GET', `/api/messages/${anew.messageId}`)).body)
    .toMatchObject({ by: by('Bob'), status: 'completed' })
  expect(listed(anew.messageId)).toMatchObject({ by: guests })

  const stream = fake.manual()
  const long = await ada.ask('And then?', chatId)
  await stream.request
  stream.send('It goes')
  await bob.call('POST', `/api/messages/${long.messageId}/stop`, {})
  expect(await ended(long.messageId)).toMatchObject({ status: 'stopped', by: by('Ada'), stoppedBy: by('Bob') })
  expect(listed(long.messageId)).toMatchObject({ status: 'stopped', stoppedBy: by('Bob') })
  stream.end()
  fake.enqueue(answer({ text: ' on.' }))
  await ada.call('POST', `/api/messages/${long.messageId}/continue`, {})
  await expect.poll(() => listed(long.messageId)?.status).toBe('completed')
  expect(await ended(long.messageId)).not.toHaveProperty('stoppedBy')
  expect(listed(long.messageId)).not.toHaveProperty('stoppedBy')

  const history = JSON.stringify((await guest.call('GET', `${path}/messages`)).body)
  expect(history).toContain(by('Bob').id)
  expect(history).not.toContain('example.org')
  const { items } = (await guest.call('GET', `${path}/members`)).body
  expect(items.map(({ userId, alias }: Record<string, string>) => [userId, alias])).toEqual(
    ['Ada', 'Bob'].map((name) => [by(name).id, by(name).id]),
  )
  // A name is that of then; the id stays.
  expect((await guest.call('GET', `${path}/members`)).body.you).toEqual(guests)
  expect((await bob.call('GET', `${path}/members`)).body.you).toEqual(by('Bob'))
})

test('a decision and a given output say who it was', async () => {
  const { fake, ada, bob, chatId, by, listed, ended } = await startShared()
  const calls = ['pay', 'pay', 'locate'].map((name, i) => ({ id: `c${i}`, name, arguments: '{"amount":1}' }))
  fake.enqueue(answer({ toolCalls: calls }), answer({ text: 'Done.' }))
  const { messageId } = await ada.ask('Pay twice', chatId)
  await expect.poll(() => listed(messageId)?.status).toBe('waiting')
  const at = (callId: string) => `/api/messages/${messageId}/tool-calls/${callId}`
  expect((await bob.call('POST', at('c0'), { decision: 'approve' })).body.decidedBy).toEqual(by('Bob'))
  expect((await ada.call('POST', at('c1'), { decision: 'deny' })).body).toMatchObject({
    status: 'denied',
    decidedBy: by('Ada'),
  })
  expect((await bob.call('POST', at('c2'), { output: 'here' })).body.answeredBy).toEqual(by('Bob'))
  const blocks = (await ended(messageId)).output as ToolCallBlock[]
  expect(blocks.filter(({ type }) => type === 'tool_call')).toMatchObject([
    { status: 'completed', decidedBy: by('Bob') },
    { status: 'denied', decidedBy: by('Ada') },
    { status: 'completed', answeredBy: by('Bob') },
  ])
})

test('`/v1` writes for whoever asked', async () => {
  const { fake, ada, chatId, path, by } = await startShared()
  fake.enqueue(answer({ text: 'Because.' }))
  const body = { messages: [{ role: 'user', content: 'Why?' }] }
  await ada.call('POST', '/v1/chat/completions', body, { 'x-runnel-chat-id': chatId })
  const { items } = (await ada.call('GET', `${path}/messages`)).body
  for (const message of items) expect(message.by).toEqual(by('Ada'))
})
