/** Regenerate, continue, edit: what becomes of the chat, and what the model gets. */
import { expect, test } from 'vitest'
import type { Message } from '../../shared/schema.ts'
import { answer, Collector, type StartedRunnel } from '../../testing/index.ts'
import { closeAfterwards, startWithFake } from '../http/server.ts'

async function ask(server: StartedRunnel, chatId: string, fields: object): Promise<Message> {
  const { body } = await server.call('POST', `/api/chats/${chatId}/messages`, { stream: false, ...fields })
  return body.error?.details?.message ?? body
}

async function world(settings: object = {}) {
  const { server, fake } = await startWithFake({ RUNNEL_MODEL: 'm', ...settings })
  const chatId = (await server.call('POST', '/api/chats', {})).body.id as string
  const sent = (n: number) =>
    fake.requests[n]!.body.messages!.map(({ role, content }) => `${String(role)}: ${String(content)}`)
  const textOf = (message: Message) => message.output.map((block) => ('text' in block ? block.text : '')).join('')
  return { server, fake, chatId, sent, textOf }
}

test('regenerate makes a sibling; a running answer goes on', async () => {
  const { server, fake, chatId, sent } = await world()
  const first = fake.manual()
  const asked = (
    await server.call('POST', `/api/chats/${chatId}/messages`, { content: 'Q', params: { temperature: 1 } })
  ).body
  await first.request
  fake.enqueue(answer({ text: 'Second.' }))
  const again = await server.call('POST', `/api/messages/${asked.messageId}/regenerate`, { stream: false, model: 'n' })
  expect(again.body).toMatchObject({ status: 'completed', parentId: asked.userMessageId, model: 'n' })
  expect(fake.requests[1]!.body).toMatchObject({ model: 'n', temperature: 1 })
  expect(sent(1)).toEqual(['user: Q'])
  first.send('First.')
  first.end()
  await expect
    .poll(async () => (await server.call('GET', `/api/messages/${asked.messageId}`)).body, { timeout: 5_000 })
    .toMatchObject({ status: 'completed', output: [{ text: 'First.' }] })
  expect((await server.call('POST', `/api/messages/${asked.userMessageId}/regenerate`, {})).status).toBe(400)
})

test('an edit is a new branch; the model gets that branch alone', async () => {
  const { server, fake, chatId, sent } = await world()
  fake.enqueue(answer({ text: 'A1' }), answer({ text: 'A2' }), answer({ text: 'B2' }), answer({ text: 'C' }))
  const one = await ask(server, chatId, { content: 'Q1' })
  const two = await ask(server, chatId, { content: 'Q2' })
  const edited = await server.call('PATCH', `/api/messages/${two.parentId}`, {
    content: 'Q2, other words',
    stream: false,
  })
  expect(edited.status).toBe(200)
  expect(sent(2)).toEqual(['user: Q1', 'assistant: A1', 'user: Q2, other words'])
  const question = (await server.call('GET', `/api/messages/${edited.body.parentId}`)).body
  expect(question).toMatchObject({ role: 'user', parentId: one.id, output: [{ text: 'Q2, other words' }] })
  expect((await server.call('GET', `/api/messages/${two.parentId}`)).body.output[0].text).toBe('Q2')
  await ask(server, chatId, { content: 'Q3', parentId: two.id })
  expect(sent(3)).toEqual(['user: Q1', 'assistant: A1', 'user: Q2', 'assistant: A2', 'user: Q3'])
  expect((await server.call('PATCH', `/api/messages/${two.id}`, { content: 'X' })).status).toBe(405)
})

test.each([
  ['stopped', 'stop'],
  ['failed', 'error'],
  ['completed', 'length'],
  ['completed', 'stop well'],
] as const)(
  'continue goes on in the text of an answer that ended %s (%s): nothing is lost or doubled, for viewers too',
  async (status, how) => {
    const { server, fake, chatId, sent, textOf } = await world()
    const stream = fake.manual()
    const { messageId, taskId } = (await server.call('POST', `/api/chats/${chatId}/messages`, { content: 'Q' })).body
    await stream.request
    const viewer = new Collector(server.url)
    closeAfterwards(() => viewer.close())
    const [copy] = await viewer.follow(messageId)
    stream.send('The tide is the rise and fall of the sea, ')
    stream.send('caused by the moon')
    await viewer.until(() => copy!.text.endsWith('moon'), 'the first part')
    if (how === 'stop') await server.call('POST', `/api/messages/${messageId}/stop`, {})
    else if (how === 'error') stream.error('Overloaded.')
    else stream.end(how === 'length' ? 'length' : 'stop', { inputTokens: 10, outputTokens: 5 })
    await viewer.until(() => copy!.ended, 'the first end')
    expect(copy!.message.status).toBe(status)

    // It repeats the end of what is there.
    const next = fake.manual()
    let started = await server.call('POST', `/api/messages/${messageId}/continue`, {})
    while (started.status === 409) started = await server.call('POST', `/api/messages/${messageId}/continue`, {})
    expect(started).toMatchObject({ status: 202, body: { messageId, chatId } })
    expect(started.body.taskId).not.toBe(taskId)
    await next.request
    expect(sent(1).slice(0, 2)).toEqual([
      'user: Q',
      'assistant: The tide is the rise and fall of the sea, caused by the moon',
    ])
    expect(sent(1)[2]).toMatch(/^user: .*cut off/)
    await viewer.until(() => copy!.message.status === 'streaming', 'the second run')
    expect(copy!.message).not.toHaveProperty('endedAt')
    expect(copy!.message).not.toHaveProperty('error')
    next.send('of the sea, caused ')
    next.send('by the moon')
    // A late stop of the first run does not reach the second.
    for (const path of [`/api/messages/${messageId}/stop`, `/api/tasks/${taskId}/stop`]) {
      const late = await server.call('POST', path, { taskId })
      expect([late.status, late.body.error.code]).toEqual([409, 'not_current'])
    }
    next.send(' and, less, by the sun.')
    next.end('stop', { inputTokens: 20, outputTokens: 5 })
    await viewer.until(() => copy!.ended && copy!.message.status === 'completed', 'the second end')
    expect(copy!.text).toBe('The tide is the rise and fall of the sea, caused by the moon and, less, by the sun.')
    const end = (await server.call('GET', `/api/messages/${messageId}`)).body as Message
    expect(copy!.message).toEqual(end)
    expect(copy!.checkpoints.every(({ matches }) => matches)).toBe(true)
    expect(end).toMatchObject({
      status: 'completed',
      taskId: started.body.taskId,
      usage: how === 'length' || how === 'stop well' ? { totalTokens: 40 } : { totalTokens: 25 },
    })
    expect(textOf(end)).toBe(copy!.text)
    expect((await server.call('GET', `/api/chats/${chatId}/messages`)).body.items).toHaveLength(2)
  },
)

test('a message that is being written cannot be continued; a key continues once', async () => {
  const { server, fake, chatId } = await world()
  const stream = fake.manual()
  const { messageId } = (await server.call('POST', `/api/chats/${chatId}/messages`, { content: 'Q' })).body
  await stream.request
  expect((await server.call('POST', `/api/messages/${messageId}/continue`, {})).body.error.code).toBe('busy')
  stream.send('A')
  stream.end('length')
  await expect
    .poll(async () => (await server.call('GET', `/api/messages/${messageId}`)).body.status, { timeout: 5_000 })
    .toBe('completed')
  fake.enqueue(answer({ text: 'B' }))
  const key = { 'Idempotency-Key': 'k' }
  const answers = []
  while (answers.length < 3) {
    const { status, body } = await server.call('POST', `/api/messages/${messageId}/continue`, {}, key)
    if (status !== 409) answers.push(body.taskId)
  }
  expect(new Set(answers).size).toBe(1)
  await expect
    .poll(async () => (await server.call('GET', `/api/messages/${messageId}`)).body, { timeout: 5_000 })
    .toMatchObject({ status: 'completed', output: [{ text: 'AB' }] })
  expect(fake.requests).toHaveLength(2)
})
