/** Messages that wait for their turn: what they show, who may do what with them, their bounds. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineTool } from '../../server/extension/tool.ts'
import { Collector } from '../../testing/index.ts'
import { Person, secret, startWithPeople, tokenOf } from './people.ts'
import { closeAfterwards, start } from './server.ts'
import { HeldModel, SharedChat } from './waiting-world.ts'

async function open(settings: object = {}) {
  const model = new HeldModel()
  const server = await start({ RUNNEL_AUTH_SECRET: secret, provider: model.provider, RUNNEL_MODEL: 'm', ...settings })
  const viewer = new Collector(server.url, { token: await tokenOf('ada') })
  closeAfterwards(() => viewer.close())
  const chat = await SharedChat.open(server, viewer, model)
  const { ada, bob, cyd } = chat.people as Record<'ada' | 'bob' | 'cyd', Person>
  const queue = (person: Person, body: object, headers: Record<string, string> = {}) =>
    person.call('POST', `${chat.path}/messages`, { whenBusy: 'queue', ...body }, headers)
  return { server, model, chat, ada, bob, cyd, queue }
}

test('one that waits stands in the document as it was asked, and becomes the question of the ids that it was answered with', async () => {
  const { model, chat, ada, bob, queue } = await open({ tools: [locate], RUNNEL_MODELS: 'm,n' })
  await chat.step('ada asks 1')
  const upload = new FormData()
  upload.set('chatId', chat.id)
  upload.set('file', new Blob(['words']), 'note.txt')
  const file = await fetch(`${ada.server.url}/api/files`, {
    method: 'POST',
    headers: { authorization: `Bearer ${bob.token}` },
    body: upload,
  }).then((response) => response.json() as Promise<{ id: string }>)
  const asked = {
    content: '2',
    model: 'n',
    tools: ['locate'],
    params: { temperature: 1 },
    files: [file.id],
    system: 'Be brief.',
  }
  const { status, body } = await queue(bob, { ...asked, stream: false })
  expect(status).toBe(202)
  expect(body).toEqual({
    chatId: chat.id,
    taskId: expect.stringMatching(/^task_/),
    messageId: expect.stringMatching(/^msg_/),
    userMessageId: body.waitingId,
    waitingId: expect.stringMatching(/^msg_/),
  })
  const { items } = (await ada.call('GET', `${chat.path}/members`)).body
  const by = { id: items.find((member: { userId: string }) => member.userId === 'bob').alias, name: 'bob' }
  const entry = {
    id: body.waitingId,
    by,
    createdAt: expect.any(Number),
    text: '2',
    model: 'n',
    tools: ['locate'],
    params: { temperature: 1 },
    files: [{ name: 'note.txt', mimeType: 'text/plain', url: `/api/files/${file.id}`, size: 5 }],
  }
  await expect.poll(() => chat.listed, { timeout: 10_000 }).toEqual([entry])
  expect((await bob.call('GET', `${chat.path}/waiting`)).body).toEqual({ items: [entry], nextCursor: null })
  expect((await ada.call('GET', `/api/messages/${body.waitingId}`)).status).toBe(404)
  await chat.step('1 ends')
  expect(chat.listed).toEqual([])
  const question = (await ada.call('GET', `/api/messages/${body.waitingId}`)).body
  expect(question).toMatchObject({ by, role: 'user', output: [{ text: '2' }, { type: 'file', name: 'note.txt' }] })
  expect((await ada.call('GET', `/api/messages/${body.messageId}`)).body).toMatchObject({
    parentId: body.waitingId,
    taskId: body.taskId,
    model: 'n',
    by,
  })
  expect(model.asked).toEqual(['1', '2'])
})

test('long words are listed short and told whole; words that are changed or removed leave the log', async () => {
  const { chat, bob, cyd, queue } = await open()
  await chat.step('ada asks 1')
  const words = `${'é'.repeat(2_000)} end`
  const { waitingId } = (await queue(bob, { content: words, tools: [bigTool] })).body
  await expect.poll(() => chat.listed, { timeout: 10_000 }).toMatchObject([{ id: waitingId, shortened: true }])
  expect(Buffer.byteLength(chat.listed[0]!.text)).toBe(1_000)
  expect(chat.listed[0]).not.toHaveProperty('tools')
  expect(await chat.waiting()).toMatchObject([{ text: words, tools: [bigTool] }])
  const path = `${chat.path}/waiting/${waitingId}`
  expect((await cyd.call('PATCH', path, { content: 'a secret' })).body).toMatchObject({
    text: 'a secret',
    editedBy: { name: 'cyd' },
    by: { name: 'bob' },
  })
  await expect
    .poll(() => chat.listed, { timeout: 10_000 })
    .toMatchObject([{ text: 'a secret', editedBy: { name: 'cyd' } }])
  expect((await bob.call('PATCH', path, { content: 'another' })).body).not.toHaveProperty('editedBy')
  await cyd.call('PATCH', path, { content: '2' })
  const state = async () => (await bob.call('GET', `${chat.path}/state`)).body as string
  expect(await state()).not.toContain('a secret')
  await chat.step('1 ends')
  const question = (await bob.call('GET', `/api/messages/${waitingId}`)).body
  expect(question).toMatchObject({ by: { name: 'bob' }, editedBy: { name: 'cyd' } })
})

test('a repeated request is answered the same, while it waits and after it was sent, and sends nothing twice', async () => {
  const { model, chat, bob, queue } = await open()
  await chat.step('ada asks 1')
  const key = { 'idempotency-key': 'once' }
  const first = await queue(bob, { content: '2' }, key)
  expect(await queue(bob, { content: '2' }, key)).toEqual(first)
  expect((await queue(bob, { content: '3' }, key)).status).toBe(422)
  await chat.step('1 ends')
  expect(await queue(bob, { content: '2' }, key)).toEqual(first)
  await chat.step('2 ends')
  expect(await queue(bob, { content: '2' }, key)).toEqual(first)
  const now = await bob.call(
    'POST',
    `${chat.path}/messages`,
    { content: '4', whenBusy: 'interrupt' },
    { 'idempotency-key': 'now' },
  )
  expect(now.body).not.toHaveProperty('waitingId')
  await chat.settled('4')
  const sent = [bob, bob].map((who) =>
    who.call('POST', `${chat.path}/messages`, { content: '5', whenBusy: 'interrupt' }, { 'idempotency-key': 'more' }),
  )
  expect((await sent[0])!.body).toEqual((await sent[1])!.body)
  await chat.settled('5')
  expect(await chat.summary()).toBe('1:completed 2<1:completed 4<2:stopped 5<4:streaming')
  expect(model.asked).toEqual(['1', '2', '4', '5'])
})

test('with a parentId nothing waits; nor where nothing is being written', async () => {
  const { chat, bob, queue } = await open()
  await chat.step('ada asks 1')
  const [question] = await chat.history()
  expect((await queue(bob, { content: '2', parentId: question!.id })).body).not.toHaveProperty('waitingId')
  await chat.settled('2')
  expect(await chat.summary()).toBe('1:streaming 2<q1:streaming')
})

test('who has lost the right is not sent: it stays, says why, and holds up nobody; it may be removed, or sent again with the right', async () => {
  const { chat, ada, bob, cyd } = await open()
  await chat.step('ada asks 1')
  await chat.step('bob queues 2')
  await chat.step('cyd queues 3')
  await ada.call('POST', `${chat.path}/members`, { userId: 'bob', name: 'bob', role: 'viewer' })
  await chat.step('1 ends')
  expect(await chat.summary()).toBe('1:completed 3<1:streaming | 2!')
  expect(chat.listed).toMatchObject([{ text: '2', refused: { code: 'forbidden', message: expect.any(String) } }])
  const path = `${chat.path}/waiting/${chat.listed[0]!.id}`
  expect((await bob.call('PATCH', path, { content: 'x' })).status).toBe(403)
  expect((await bob.call('POST', `${path}/send`)).status).toBe(403)
  // While the right is missing it cannot be sent: nothing is stopped for it.
  await chat.step('cyd sends 2: 403')
  expect(await chat.summary()).toBe('1:completed 3<1:streaming | 2!')
  await ada.call('POST', `${chat.path}/members`, { userId: 'bob', name: 'bob', role: 'editor' })
  await chat.step('cyd sends 2')
  expect(await chat.summary()).toBe('1:completed 3<1:stopped 2<3:streaming')
  await chat.step('bob queues 4')
  await ada.call('DELETE', `${chat.path}/members/bob`)
  await chat.step('2 ends')
  expect(await chat.summary()).toBe('1:completed 3<1:stopped 2<3:completed | 4!')
  await chat.step('ada asks 5')
  await ada.call('POST', `${chat.path}/members`, { userId: 'bob', name: 'bob', role: 'viewer' })
  expect((await cyd.call('GET', `${chat.path}/waiting`)).body.items).toHaveLength(1)
  await chat.step('bob removes 4')
  expect(chat.listed).toEqual([])
})

test('a viewer and a guest see what waits and change nothing; a guest who may write may', async () => {
  const { server, chat, ada, bob, cyd } = await open()
  await chat.step('ada asks 1')
  await chat.step('bob queues 2')
  await ada.call('POST', `${chat.path}/members`, { userId: 'cyd', name: 'cyd', role: 'viewer' })
  const path = `${chat.path}/waiting/${chat.listed[0]!.id}`
  for (const [method, url, body] of [
    ['PATCH', path, { content: 'x' }],
    ['DELETE', path, undefined],
    ['POST', `${path}/send`, undefined],
    ['POST', `${chat.path}/messages`, { content: 'x', whenBusy: 'queue' }],
  ] as const)
    expect((await cyd.call(method, url, body)).status, `${method} ${url}`).toBe(403)
  expect((await cyd.call('GET', `${chat.path}/waiting`)).body.items).toHaveLength(1)
  const guestOf = async (role: string) => {
    const invite = (await ada.call('POST', `${chat.path}/invites`, { role })).body
    return { invite, guest: new Person(server, invite.token) }
  }
  const { guest: reader } = await guestOf('viewer')
  expect((await reader.call('DELETE', path)).status).toBe(403)
  expect(JSON.stringify((await reader.call('GET', `${chat.path}/waiting`)).body)).not.toContain('"bob@')
  const { guest, invite } = await guestOf('editor')
  expect((await guest.call('POST', `${chat.path}/messages`, { content: '3', whenBusy: 'queue' })).status).toBe(202)
  await ada.call('DELETE', `${chat.path}/invites/${invite.id}`)
  await chat.step('1 ends')
  await chat.step('2 ends')
  expect(await chat.summary()).toBe('1:completed 2<1:completed | 3!')
  const other = await bob.call('POST', '/api/chats', {})
  expect((await bob.call('DELETE', `/api/chats/${other.body.id}/waiting/${chat.listed[0]!.id}`)).status).toBe(404)
})

test('so many wait in a chat, so many of a user', async () => {
  const { chat, ada, bob, queue } = await open({ RUNNEL_MAX_WAITING_PER_CHAT: 2, RUNNEL_MAX_WAITING_PER_USER: 3 })
  await chat.step('ada asks 1')
  await chat.step('bob queues 2')
  await chat.step('bob queues 3')
  const refused = await queue(ada, { content: '4' })
  expect(refused).toMatchObject({ status: 429, body: { error: { code: 'rate_limited' } } })
  expect(refused.body.error.message).toContain('RUNNEL_MAX_WAITING_PER_CHAT')
  const { id } = (await bob.call('POST', '/api/chats', {})).body
  const elsewhere = (content: string) => bob.call('POST', `/api/chats/${id}/messages`, { content, whenBusy: 'queue' })
  expect([(await elsewhere('5')).status, (await elsewhere('6')).status]).toEqual([202, 202])
  const tooMany = await elsewhere('7')
  expect([tooMany.status, tooMany.body.error.message]).toEqual([
    429,
    expect.stringContaining('RUNNEL_MAX_WAITING_PER_USER'),
  ])
  await bob.call('DELETE', `${chat.path}/waiting/${chat.listed[0]!.id}`)
  expect((await elsewhere('7')).status).toBe(202)
})

test('one for which the chat has no place any more when its turn comes is not sent', async () => {
  const { chat } = await open({ RUNNEL_MAX_CHAT_MESSAGES: 4 })
  for (const step of ['ada asks 1', 'bob queues 2', 'cyd queues 3', '1 ends', '2 ends']) await chat.step(step)
  expect(await chat.summary()).toBe('1:completed 2<1:completed | 3!')
  expect(chat.listed).toMatchObject([{ refused: { code: 'too_large' } }])
})

test('a change that says nothing, or names no place, is refused', async () => {
  const { chat, bob } = await open()
  await chat.step('ada asks 1')
  await chat.step('bob queues 2')
  const path = `${chat.path}/waiting/${chat.listed[0]!.id}`
  for (const change of [
    { before: 'msg_unknown1' },
    { after: chat.listed[0]!.id },
    {},
    { content: '' },
    { before: 'a', after: 'b' },
    { content: 'x', files: [] },
  ]) {
    const { status, body } = await bob.call('PATCH', path, change)
    expect([status, body.error.code], JSON.stringify(change)).toEqual([400, 'bad_request'])
  }
  expect((await bob.call('POST', `${chat.path}/messages`, { content: 'x', whenBusy: 'later' })).status).toBe(400)
})

test('while a run waits for a person what comes waits, too', async () => {
  const { fake, person } = await startWithPeople({ tools: [pay], RUNNEL_MODEL: 'm' })
  const ada = await person('ada')
  const stream = fake.manual()
  const asked = await ada.ask('Pay')
  await stream.request
  stream.toolCall('c1', 'pay', '{}')
  stream.end('tool_calls')
  const read = async () => (await ada.call('GET', `/api/messages/${asked.messageId}`)).body
  await expect.poll(async () => (await read()).output.at(0)?.status, { timeout: 10_000 }).toBe('awaiting_approval')
  const path = `/api/chats/${asked.chatId}`
  const { waitingId } = (await ada.call('POST', `${path}/messages`, { content: 'And then?', whenBusy: 'queue' })).body
  expect(waitingId).toBeDefined()
  expect((await ada.call('GET', `${path}/waiting`)).body.items).toHaveLength(1)
  await ada.call('POST', `/api/messages/${asked.messageId}/tool-calls/c1`, { decision: 'approve' })
  await expect
    .poll(async () => (await ada.call('GET', `/api/messages/${waitingId}`)).body.parentId, { timeout: 10_000 })
    .toBe(asked.messageId)
})

test('two who change the same words, and two who remove them, at once: one after the other', async () => {
  const { chat, ada, bob, cyd } = await open()
  await chat.step('ada asks 1')
  await chat.step('bob queues 2')
  const path = `${chat.path}/waiting/${chat.listed[0]!.id}`
  const changed = await Promise.all([ada, bob, cyd].map((who, i) => who.call('PATCH', path, { content: `2${i}` })))
  expect(changed.map(({ status }) => status)).toEqual([200, 200, 200])
  await chat.settled('the changes')
  const removed = await Promise.all([ada, bob, cyd].map((who) => who.call('DELETE', path)))
  expect(removed.map(({ status }) => status).toSorted()).toEqual([204, 404, 404])
  await chat.settled('the removal')
})

test('a chat that is deleted takes with it what waits in it; its files go, too', async () => {
  const { model, chat, ada, bob } = await open()
  await chat.step('ada asks 1')
  await chat.step('bob queues 2')
  await chat.step('bob queues 3')
  expect((await ada.call('DELETE', chat.path)).status).toBe(204)
  await expect.poll(() => model.size, { timeout: 10_000 }).toBe(0)
  expect((await ada.call('GET', `${chat.path}/waiting`)).status).toBe(404)
  expect(model.asked).toEqual(['1'])
  const { id } = (await bob.call('POST', '/api/chats', {})).body
  expect((await bob.call('GET', `/api/chats/${id}/waiting`)).body.items).toEqual([])
})

const pay = defineTool({
  name: 'pay',
  description: 'Pays.',
  parameters: z.object({}),
  approval: true,
  execute: () => 'paid',
})
const locate = defineTool({
  name: 'locate',
  description: 'Where the user is.',
  parameters: z.object({}),
  execute: () => '',
})
const bigTool = {
  type: 'function',
  name: 'big',
  description: 'x'.repeat(600),
  parameters: { type: 'object', properties: {} },
}
