/** What is said on one node to a run on another: Stop in each phase, answers, chats that two nodes write at once, the door, files. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Filter } from '../../server/extension/filter.ts'
import { defineTool } from '../../server/extension/tool.ts'
import type { Message } from '../../shared/schema.ts'
import { answer } from '../../testing/index.ts'
import { watchLoopLag } from '../e2e/loop-lag.ts'
import { doorClient, streamDoor, user } from '../http/door-client.ts'
import { newWorld, usePostgres, view } from './nodes.ts'

usePostgres()

const stopMs = 150
const local = { id: 'local', name: 'You' }

async function twoNodes(settings: object = {}) {
  const world = await newWorld({ settings })
  const [a, b] = await Promise.all([world.node(), world.node()])
  const { id: chatId } = (await a.call('POST', '/api/chats', { title: 'Tides' })).body
  return { ...world, a, b, chatId }
}

test(`Stop on B aborts the provider of a run on A, and says so, within ${stopMs} ms`, async () => {
  const { a, b, fake, chatId } = await twoNodes()
  const took: number[] = []
  for (let i = 0; i < 5; i++) {
    const stream = fake.manual()
    const { messageId, taskId } = (await a.call('POST', `/api/chats/${chatId}/messages`, { content: 'Why?' })).body
    const request = await stream.request
    stream.send('The moon')
    const there = view(b)
    const [copy] = await there.follow(messageId)
    await there.until(() => copy!.text === 'The moon', 'the text')
    const lag = watchLoopLag()
    const at = performance.now()
    const [hungUpAt, answered] = await Promise.all([
      request.hungUp,
      b
        .call('POST', `/api/messages/${messageId}/stop`, { taskId })
        .then(({ body }) => ({ body, at: performance.now() })),
    ])
    const late = lag.stop()
    expect(answered.body).toMatchObject({ taskId, messageId, status: 'stopped' })
    took.push(Math.round(Math.max(hungUpAt, answered.at) - at))
    expect(Math.max(hungUpAt, answered.at) - at - late).toBeLessThan(stopMs)
    stream.send(' never shown')
    await there.until(() => copy!.ended, 'the end')
    expect(copy!.message).toMatchObject({ status: 'stopped', stoppedBy: local, output: [{ text: 'The moon' }] })
  }
  console.log(`Stop on another node: ${took.join(', ')} ms`)
})

test('Stop on B of a run that waits for a place on A: it never begins', async () => {
  const { a, b, fake } = await twoNodes({ RUNNEL_MAX_TASKS: 1 })
  const first = fake.manual()
  const running = await a.ask('First')
  await first.request
  const queued = await a.ask('Second')
  const { body } = await b.call('POST', `/api/messages/${queued.messageId}/stop`, { taskId: queued.taskId })
  expect(body).toMatchObject({ taskId: queued.taskId, status: 'stopped' })
  // The status is shown before A has saved it.
  await expect
    .poll(async () =>
      (await b.call('GET', '/api/tasks')).body.items.map((task: { messageId: string }) => task.messageId),
    )
    .toEqual([running.messageId])
  first.send('Done.')
  first.end()
  await view(b).toEnd(running.messageId)
  const next = await a.ask('Third')
  await view(b).toEnd(next.messageId)
  expect(fake.requests.map(({ body }) => JSON.stringify(body).includes('Second'))).toEqual([false, false])
  expect((await a.call('GET', `/api/messages/${queued.messageId}`)).body).toMatchObject({
    status: 'stopped',
    output: [],
  })
})

test('Stop on B as soon as A has answered the POST: the run ends as stopped, whatever it was about to do', async () => {
  const { a, b, fake } = await twoNodes()
  for (let i = 0; i < 10; i++) {
    fake.enqueue({ kind: 'silent' })
    const { messageId, taskId } = await a.ask(`Early ${i}`)
    if (i > 0) await sleep(i)
    expect((await b.call('POST', `/api/messages/${messageId}/stop`, { taskId })).body).toMatchObject({
      taskId,
      status: 'stopped',
    })
    await expect
      .poll(async () => ((await a.call('GET', `/api/messages/${messageId}`)).body as Message).status)
      .toBe('stopped')
  }
  await Promise.all(fake.requests.map(({ hungUp }) => hungUp))
})

test('Stop on B of a run that prepares on A', async () => {
  const { promise: asked, resolve: onAsked } = Promise.withResolvers<AbortSignal>()
  const slow: Filter = {
    name: 'slow',
    inlet: async (_request, { signal }) => {
      onAsked(signal)
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      signal.throwIfAborted()
    },
  }
  const { a, b, fake } = await twoNodes({ filters: [slow] })
  const { messageId, taskId } = await a.ask('Prepare')
  const signal = await asked
  expect((await b.call('GET', `/api/messages/${messageId}`)).body.status).toBe('preparing')
  const lag = watchLoopLag()
  const at = performance.now()
  expect((await b.call('POST', `/api/messages/${messageId}/stop`, { taskId })).body.status).toBe('stopped')
  expect(performance.now() - at - lag.stop()).toBeLessThan(stopMs)
  expect(signal.aborted).toBe(true)
  expect(fake.requests).toEqual([])
})

test('an approval and a rejection on B reach the calls that wait on A', async () => {
  const paid: string[] = []
  const pay = defineTool({
    name: 'pay',
    description: '',
    parameters: z.object({ to: z.string() }),
    approval: true,
    execute: ({ to }) => {
      paid.push(to)
      return 'paid'
    },
  })
  const { a, b, fake, chatId } = await twoNodes({ tools: [pay] })
  const calls = ['c1', 'c2'].map((id) => ({ id, name: 'pay', arguments: JSON.stringify({ to: id }) }))
  fake.enqueue(answer({ toolCalls: calls }), answer({ text: 'Done.' }))
  const { body } = await a.call('POST', `/api/chats/${chatId}/messages`, { content: 'Pay', stream: false })
  expect(body.status).toBe('waiting')
  const lag = watchLoopLag()
  const at = performance.now()
  const approved = await b.call('POST', `/api/messages/${body.id}/tool-calls/c1`, {
    decision: 'approve',
    arguments: { to: 'c3' },
  })
  expect(performance.now() - at - lag.stop()).toBeLessThan(1_000)
  expect(approved.status).toBe(200)
  expect(
    (await b.call('POST', `/api/messages/${body.id}/tool-calls/c2`, { decision: 'deny', reason: 'No.' })).status,
  ).toBe(200)
  const copy = await view(b).toEnd(body.id)
  expect(copy.message).toMatchObject({
    status: 'completed',
    output: [
      {
        type: 'tool_call',
        status: 'completed',
        arguments: '{"to":"c3"}',
        originalArguments: '{"to":"c1"}',
        decidedBy: local,
      },
      { type: 'tool_call', status: 'denied', decidedBy: local },
      { type: 'progress', done: true },
      { text: 'Done.' },
    ],
  })
  expect(paid).toEqual(['c3'])
})

test('of two POSTs in one chat at once, on two nodes, one is answered and the other is busy', async () => {
  const { a, b, fake } = await twoNodes()
  for (let i = 0; i < 8; i++) {
    fake.enqueue({ kind: 'silent' })
    const { id } = (await a.call('POST', '/api/chats', {})).body
    const answers = await Promise.all(
      (i % 2 ? [a, b] : [b, a]).map((node) => node.call('POST', `/api/chats/${id}/messages`, { content: 'Now' })),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 409])
    expect(answers.find(({ status }) => status === 409)!.body.error.code).toBe('busy')
    const won = answers.find(({ status }) => status === 202)!.body
    expect(
      (await b.call('GET', `/api/chats/${id}/messages`)).body.items.map((message: Message) => message.id).sort(),
    ).toEqual([won.messageId, won.userMessageId].sort())
    await fake.received(i + 1)
    await b.call('POST', `/api/messages/${won.messageId}/stop`, {})
  }
})

test('one Idempotency-Key on two nodes at once: the same ids, one run', async () => {
  const { a, b, fake, chatId } = await twoNodes()
  for (let i = 0; i < 5; i++) {
    const key = { 'idempotency-key': `key-${i}` }
    const answers = await Promise.all(
      [a, b, a, b].map((node) => node.call('POST', `/api/chats/${chatId}/messages`, { content: `Once ${i}` }, key)),
    )
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202])
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1)
    await view(b).toEnd(answers[0]!.body.messageId)
    expect((await b.call('POST', `/api/chats/${chatId}/messages`, { content: `Once ${i}` }, key)).body).toEqual(
      answers[0]!.body,
    )
    expect((await b.call('POST', `/api/chats/${chatId}/messages`, { content: 'Other' }, key)).body.error.code).toBe(
      'idempotency_mismatch',
    )
    expect(fake.requests.length).toBe(i + 1)
  }
})

test('the door on B works in a chat whose run is on A: beside it, and a call that repeats waits for the run of the other node', async () => {
  const { a, b, fake, chatId } = await twoNodes()
  const slow = fake.manual()
  const { messageId } = (await a.call('POST', `/api/chats/${chatId}/messages`, { content: 'Slow' })).body
  await slow.request
  slow.send('Still ')
  fake.enqueue(answer({ text: 'Beside it.' }))
  const beside = await streamDoor(
    doorClient(b.url),
    { messages: user('Fast') },
    { headers: { 'X-Runnel-Chat-Id': chatId } },
  )
  expect(beside.chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('Beside it.')
  // The API of chats tells a person to wait.
  expect((await b.call('POST', `/api/chats/${chatId}/messages`, { content: 'Me too' })).body.error.code).toBe('busy')
  slow.send('here.')
  slow.end()
  expect((await view(b).toEnd(messageId)).text).toBe('Still here.')

  const shared = fake.manual()
  const headers = { 'X-Runnel-Chat-Id': chatId, 'Idempotency-Key': 'again' }
  const first = streamDoor(doorClient(a.url), { messages: user('Twice') }, { headers })
  await shared.request
  shared.send('One ')
  const second = streamDoor(doorClient(b.url), { messages: user('Twice') }, { headers })
  shared.send('run.')
  shared.end()
  const [one, two] = await Promise.all([first, second])
  const said = ({ chunks }: Awaited<typeof first>) =>
    chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')
  expect([said(one), said(two)]).toEqual(['One run.', 'One run.'])
  expect(two.response.headers.get('x-runnel-message-id')).toBe(one.response.headers.get('x-runnel-message-id'))
  expect(fake.requests.length).toBe(3)
})

test('who hangs up at the door stops the run, unless it detached; the other node sees both', async () => {
  const { a, b, fake, chatId } = await twoNodes()
  for (const detach of [false, true]) {
    const stream = fake.manual()
    const asked = doorClient(a.url)
      .chat.completions.create(
        { model: 'm', messages: user('Hi'), stream: true },
        { headers: { 'X-Runnel-Chat-Id': chatId, ...(detach && { 'X-Runnel-Detach': 'true' }) } },
      )
      .withResponse()
    const request = await stream.request
    stream.send('Before. ')
    const { data, response } = await asked
    const there = view(b)
    const [copy] = await there.follow(response.headers.get('x-runnel-message-id')!)
    await there.until(() => copy!.text === 'Before. ', 'the text')
    data.controller.abort()
    if (detach) {
      stream.send('After.')
      stream.end()
    } else await request.hungUp
    await there.until(() => copy!.ended, 'the end')
    expect(copy!.message).toMatchObject(
      detach ? { status: 'completed', output: [{ text: 'Before. After.' }] } : { status: 'stopped' },
    )
  }
})

test('a file that A took is served by B, and goes with its chat', async () => {
  const { a, b, fake, chatId } = await twoNodes()
  const body = new FormData()
  body.set('chatId', chatId)
  body.set('file', new Blob(['high and low'], { type: 'text/plain' }), 'tides.txt')
  const uploaded = await fetch(`${a.url}/api/files`, { method: 'POST', body })
  expect(uploaded.status).toBe(201)
  const { id, url } = (await uploaded.json()) as { id: string; url: string }
  const read = (node: { url: string }) => fetch(node.url + url)
  expect(await (await read(b)).text()).toBe('high and low')
  const { status, body: sent } = await b.call('POST', `/api/chats/${chatId}/messages`, {
    content: 'Read',
    files: [id],
    stream: false,
  })
  expect([status, sent.status]).toEqual([200, 'completed'])
  expect(JSON.stringify(fake.requests[0]!.body)).toContain('tides.txt')
  expect((await a.call('DELETE', `/api/chats/${chatId}`)).status).toBe(204)
  expect([(await read(a)).status, (await read(b)).status]).toEqual([404, 404])
})
