/** What the provider receives of runs with tools: turns, branches, rounds, and what only it can read, in both APIs. */
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { z } from 'zod'
import { defineTool } from '../../server/extension/tool.ts'
import type { JsonObject, Message } from '../../shared/schema.ts'
import { answer, recorded, type Script, type StartedRunnel } from '../../testing/index.ts'
import { pay } from '../helpers/pay-tool.ts'
import { closeAfterwards, startWithFake } from '../http/server.ts'

const add = defineTool({
  name: 'add',
  description: 'Adds.',
  parameters: z.object({ a: z.number() }),
  execute: ({ a }) => a + 1,
})
const stuck = defineTool({
  name: 'stuck',
  description: 'Hangs.',
  parameters: z.object({}),
  execute: () => new Promise(() => {}),
})

const encoder = new TextEncoder()
const sse = (frames: object[]): Script =>
  recorded(encoder.encode(`${frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join('')}data: [DONE]\n\n`))

/** A response that consists of these items. */
const response = (...output: JsonObject[]): Script =>
  sse([
    ...output.flatMap((item, index) => [
      {
        type: 'response.output_item.added',
        output_index: index,
        item: { ...item, ...(item.type === 'function_call' && { arguments: '' }) },
      },
      { type: 'response.output_item.done', output_index: index, item },
    ]),
    { type: 'response.completed', response: { status: 'completed', output } },
  ])
const thought = (id: string, summary?: string) => ({
  type: 'reasoning',
  id,
  summary: summary === undefined ? [] : [{ type: 'summary_text', text: summary }],
  encrypted_content: `SECRET ${id}`,
})
const called = (id: string, name = 'add', args = '{"a":1}') => ({
  type: 'function_call',
  id: `item_${id}`,
  call_id: id,
  name,
  arguments: args,
  status: 'completed',
})
const said = (id: string, text: string) => ({
  type: 'message',
  id,
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text, annotations: [] }],
})
/** As they go upstream. */
const sentCall = (id: string, name = 'add', args = '{"a":1}') => ({
  type: 'function_call',
  call_id: id,
  name,
  arguments: args,
})
const result = (id: string, output: string) => ({ type: 'function_call_output', call_id: id, output })
const words = (content: string) => ({ role: 'assistant', content })

/** One answer of Chat Completions, of these deltas. */
const chunks = (reason: string, ...deltas: object[]): Script =>
  sse([
    ...deltas.map((delta) => ({ choices: [{ index: 0, delta }] })),
    { choices: [{ index: 0, delta: {}, finish_reason: reason }] },
  ])

async function world(settings: object = {}) {
  const { server, fake } = await startWithFake({ RUNNEL_MODEL: 'm', tools: [add, pay, stuck], ...settings })
  const chatId = (await server.call('POST', '/api/chats', {})).body.id as string
  const say = async (content: string, ...scripts: Script[]): Promise<Message> => {
    fake.enqueue(...scripts)
    const { body } = await server.call('POST', `/api/chats/${chatId}/messages`, { content, stream: false })
    return body.error?.details?.message ?? body
  }
  const body = (n = -1) => fake.requests.at(n)!.body
  return { server, fake, chatId, say, body }
}

async function ended(server: StartedRunnel, id: string): Promise<Message> {
  const read = async () => (await server.call('GET', `/api/messages/${id}`)).body as Message
  await expect
    .poll(async () => (await read()).status, { timeout: 5_000 })
    .toMatch(/completed|failed|stopped|interrupted/)
  await expect.poll(async () => (await server.call('GET', '/api/tasks')).body.items, { timeout: 5_000 }).toEqual([])
  return await read()
}

const user = (content: string) => ({ role: 'user', content })
const calls = (...ids: string[]) => ({
  tool_calls: ids.map((id) => ({ id, type: 'function', function: { name: 'add', arguments: '{"a":1}' } })),
})
const asked = (...ids: string[]): Script =>
  answer({ toolCalls: ids.map((id) => ({ id, name: 'add', arguments: '{"a":1}' })) })

test('three turns and two branches, each with its rounds and the results in their order', async () => {
  const { server, chatId, say, body } = await world()
  const first = await say('Q1', asked('c1', 'c2'), asked('c3'), answer({ text: 'A1' }))
  await say('Q2', answer({ text: 'A2' }))
  const left = [
    user('Q1'),
    { role: 'assistant', content: null, ...calls('c1', 'c2') },
    { role: 'tool', tool_call_id: 'c1', content: '2' },
    { role: 'tool', tool_call_id: 'c2', content: '2' },
    { role: 'assistant', content: null, ...calls('c3') },
    { role: 'tool', tool_call_id: 'c3', content: '2' },
    words('A1'),
  ]
  expect(body().messages).toEqual([...left, user('Q2')])
  await say('Q3', answer({ text: 'A3' }))
  expect(body().messages).toEqual([...left, user('Q2'), words('A2'), user('Q3')])
  const right = (
    await server.call('POST', `/api/chats/${chatId}/messages`, {
      content: 'Q2, right',
      parentId: first.id,
      stream: false,
    })
  ).body
  await server.call('POST', `/api/chats/${chatId}/messages`, {
    content: 'Q3, right',
    parentId: right.id,
    stream: false,
  })
  expect(body().messages).toEqual([
    ...left,
    user('Q2, right'),
    words('Hello from the fake provider.'),
    user('Q3, right'),
  ])
})

test('Responses: encrypted reasoning goes back before the item that it led to, in this run and in the next', async () => {
  const { say, body } = await world({ RUNNEL_OPENAI_API: 'responses', RUNNEL_MODEL: 'gpt-5-mini' })
  await say(
    'Q',
    response(thought('r1'), called('c1'), thought('r2', 'Shown.'), called('c2')),
    response(thought('r3'), said('m1', 'Two. '), thought('r4'), called('c3')),
    response(thought('r5'), said('m2', 'Done.')),
  )
  const items = [
    user('Q'),
    thought('r1'),
    sentCall('c1'),
    thought('r2', 'Shown.'),
    sentCall('c2'),
    result('c1', '2'),
    result('c2', '2'),
    thought('r3'),
    words('Two. '),
    thought('r4'),
    sentCall('c3'),
    result('c3', '2'),
  ]
  expect(body().input).toEqual(items)
  await say('Q2', response(said('m3', 'Fine.')))
  expect(body().input).toEqual([...items, thought('r5'), words('Done.'), user('Q2')])
})

test('Responses: a denied call goes back with the word; one that was cut off goes with its reasoning', async () => {
  const { server, say, body, fake } = await world({ RUNNEL_OPENAI_API: 'responses' })
  const waiting = await say('Q', response(thought('r1'), called('c1', 'pay', '{}'), thought('r2'), called('c2')))
  fake.enqueue(response(thought('r3'), called('c3', 'stuck', '{}'), thought('r4'), called('c4')))
  await server.call('POST', `/api/messages/${waiting.id}/tool-calls/c1`, { decision: 'deny', reason: 'No.' })
  const items = [
    user('Q'),
    thought('r1'),
    sentCall('c1', 'pay', '{}'),
    thought('r2'),
    sentCall('c2'),
    result('c1', 'This call was denied: No.'),
    result('c2', '2'),
  ]
  const done = (message: Message) =>
    message.output.some((block) => block.type === 'tool_call' && block.callId === 'c4' && block.status === 'completed')
  await expect
    .poll(async () => done((await server.call('GET', `/api/messages/${waiting.id}`)).body), { timeout: 5_000 })
    .toBe(true)
  expect(body().input).toEqual(items)
  await server.call('POST', `/api/messages/${waiting.id}/stop`, {})
  await ended(server, waiting.id)
  await say('Q2', response(said('m', 'Fine.')))
  expect(body().input).toEqual([...items, thought('r4'), sentCall('c4'), result('c4', '2'), user('Q2')])
})

test('Chat Completions: reasoning_details and the signatures of calls go back in their round', async () => {
  const { say, body } = await world()
  const details = (n: number) => [{ type: 'reasoning.encrypted', data: `SECRET ${n}`, index: 0 }]
  const extra = (n: number) => ({ extra_content: { google: { thought_signature: `SECRET signature ${n}` } } })
  const fragment = (index: number, id: string | undefined, n: number) => ({
    index,
    ...(id !== undefined && { id }),
    function: { name: 'add', arguments: '{"a":1}' },
    ...extra(n),
  })
  const message = await say(
    'Q',
    chunks(
      'tool_calls',
      { reasoning_details: details(1) },
      { tool_calls: [fragment(0, 'c1', 1)] },
      { tool_calls: [fragment(1, 'c2', 2)] },
    ),
    // A server that gives its calls no ids.
    chunks('tool_calls', { reasoning_details: details(2) }, { tool_calls: [fragment(0, undefined, 3)] }),
    chunks('stop', { content: 'Done.' }),
  )
  const [, , third] = message.output.flatMap((block) => (block.type === 'tool_call' ? [block.callId] : []))
  const sent = (id: string, n: number) => ({
    id,
    type: 'function',
    function: { name: 'add', arguments: '{"a":1}' },
    ...extra(n),
  })
  expect(body().messages).toEqual([
    user('Q'),
    { role: 'assistant', content: null, reasoning_details: details(1), tool_calls: [sent('c1', 1), sent('c2', 2)] },
    { role: 'tool', tool_call_id: 'c1', content: '2' },
    { role: 'tool', tool_call_id: 'c2', content: '2' },
    { role: 'assistant', content: null, reasoning_details: details(2), tool_calls: [sent(third!, 3)] },
    { role: 'tool', tool_call_id: third, content: '2' },
  ])
})

test('old turns are dropped whole, calls and results with them', async () => {
  const { say, body } = await world({ RUNNEL_MAX_HISTORY_CHARS: 14 })
  await say('Q1', asked('c1'), answer({ text: 'A1' }))
  await say('Q2', asked('c2'), answer({ text: 'A2' }))
  // 2 of the question, 7 + 1 of the call, 2 of the answer: one such turn fits.
  await say('Q3', answer({ text: 'A3' }))
  expect(body().messages).toEqual([
    user('Q2'),
    { role: 'assistant', content: null, ...calls('c2') },
    { role: 'tool', tool_call_id: 'c2', content: '2' },
    words('A2'),
    user('Q3'),
  ])
  await say('Q4 is longer', answer({ text: 'A4' }))
  expect(body().messages).toEqual([user('Q3'), words('A3'), user('Q4 is longer')])
})

test.each<[string, Script[], (server: StartedRunnel, id: string) => Promise<unknown>, object[]]>([
  [
    'stopped while a tool ran',
    [
      answer({
        text: 'Let me see. ',
        toolCalls: [
          { id: 'c1', name: 'stuck', arguments: '{}' },
          { id: 'c2', name: 'add', arguments: '{"a":1}' },
        ],
      }),
    ],
    (server, id) => server.call('POST', `/api/messages/${id}/stop`, {}),
    [
      { role: 'assistant', content: 'Let me see. ', ...calls('c2') },
      { role: 'tool', tool_call_id: 'c2', content: '2' },
    ],
  ],
  [
    'failed in its second round',
    [asked('c1'), answer({ text: 'It is', after: { chunks: 2, fault: { error: 'Overloaded.' } } })],
    async () => {},
    [
      { role: 'assistant', content: null, ...calls('c1') },
      { role: 'tool', tool_call_id: 'c1', content: '2' },
      words('It is'),
      user(expect.stringContaining('cut off') as string),
    ],
  ],
  [
    'completed at its limit',
    [asked('c1'), answer({ text: 'It is', finish: 'length' })],
    async () => {},
    [
      { role: 'assistant', content: null, ...calls('c1') },
      { role: 'tool', tool_call_id: 'c1', content: '2' },
      words('It is'),
      user(expect.stringContaining('cut off') as string),
    ],
  ],
])('continue of an answer that %s', async (_how, scripts, end, items) => {
  const { server, fake, chatId, body } = await world()
  fake.enqueue(...scripts)
  const { messageId } = (await server.call('POST', `/api/chats/${chatId}/messages`, { content: 'Q' })).body
  await fake.received(scripts.length)
  await expect
    .poll(async () => (await server.call('GET', `/api/messages/${messageId}`)).body.output.length, { timeout: 5_000 })
    .toBeGreaterThan(1)
  await expect
    .poll(
      async () =>
        (await server.call('GET', `/api/messages/${messageId}`)).body.output.some((block: any) => block.output === '2'),
      { timeout: 5_000 },
    )
    .toBe(true)
  await end(server, messageId)
  await ended(server, messageId)
  fake.enqueue(answer({ text: 'two.' }))
  expect((await server.call('POST', `/api/messages/${messageId}/continue`, { stream: false })).body).toMatchObject({
    status: 'completed',
  })
  expect(body().messages).toEqual([user('Q'), ...items])
})

test.each<['instruction' | 'assistant' | 'prefix', object[]]>([
  ['instruction', [words('It is'), user(expect.stringContaining('cut off') as string)]],
  ['assistant', [words('It is')]],
  ['prefix', [{ ...words('It is'), prefix: true }]],
])('RUNNEL_CONTINUE_BY=%s', async (by, items) => {
  const { server, fake, say, body } = await world({ RUNNEL_CONTINUE_BY: by })
  const { id } = await say('Q', answer({ text: 'It is', finish: 'length' }))
  await ended(server, id)
  fake.enqueue(answer({ text: ' two.' }))
  await server.call('POST', `/api/messages/${id}/continue`, { stream: false })
  expect(body().messages).toEqual([user('Q'), ...items])
})

test('a request that a filter prepared is none of the run that goes on', async () => {
  let inlets = 0
  const rules = {
    name: 'rules',
    inlet: (request: any) => ({
      ...request,
      prompt: [{ role: 'system' as const, text: `Rule ${++inlets}` }, ...request.prompt],
    }),
  }
  const { server, fake, say, body } = await world({ filters: [rules] })
  const message = await say('Q', asked('c1'), answer({ text: 'A', finish: 'length' }))
  for (const rule of [2, 3]) {
    await ended(server, message.id)
    fake.enqueue(asked(`again ${rule}`), answer({ text: 'B', finish: 'length' }))
    await server.call('POST', `/api/messages/${message.id}/continue`, { stream: false })
    expect(body().messages![0]).toEqual({ role: 'system', content: `Rule ${rule}` })
  }
  expect(inlets).toBe(3)
})

test.each(['chat', 'responses'] as const)(
  '%s: what only the provider can read is in no document, frame or answer',
  async (api) => {
    const { server, fake, chatId } = await world({ RUNNEL_OPENAI_API: api })
    if (api === 'responses')
      fake.enqueue(
        response(thought('r1', 'Shown.'), called('c1'), thought('r2'), called('c2', 'pay', '{}')),
        response(thought('r3'), said('m', 'Done.')),
      )
    else {
      const signed = {
        index: 0,
        id: 'c1',
        function: { name: 'add', arguments: '{"a":1}' },
        extra_content: { signature: 'SECRET' },
      }
      fake.enqueue(
        chunks(
          'tool_calls',
          { reasoning: 'Shown.', reasoning_details: [{ type: 'reasoning.text', text: 'Shown.', signature: 'SECRET' }] },
          { tool_calls: [signed, { index: 1, id: 'c2', function: { name: 'pay', arguments: '{}' } }] },
        ),
        chunks('stop', { content: 'Done.' }),
      )
    }
    const frames: Buffer[] = []
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws`)
    closeAfterwards(async () => socket.terminate())
    socket.on('message', (data: Buffer) => frames.push(data))
    await new Promise((resolve) => socket.once('open', resolve))
    socket.send('{"type":"hello","v":1}')
    const { messageId } = (await server.call('POST', `/api/chats/${chatId}/messages`, { content: 'Q' })).body
    socket.send(JSON.stringify({ type: 'subscribe', docs: [{ doc: messageId }, { doc: chatId }] }))
    const answers: string[] = []
    const take = async (path: string) => {
      answers.push(JSON.stringify((await server.call('GET', path)).body))
    }
    await expect
      .poll(
        async () =>
          (await server.call('GET', `/api/messages/${messageId}`)).body.output.some(
            (block: any) => block.status === 'awaiting_approval',
          ),
        { timeout: 5_000 },
      )
      .toBe(true)
    await take(`/api/messages/${messageId}`)
    answers.push(
      JSON.stringify(
        (await server.call('POST', `/api/messages/${messageId}/tool-calls/c2`, { decision: 'approve' })).body,
      ),
    )
    await ended(server, messageId)
    for (const path of [
      `/api/messages/${messageId}`,
      `/api/messages/${messageId}/events`,
      `/api/chats/${chatId}/messages`,
      `/api/chats/${chatId}`,
      '/api/chats',
      ...['markdown', 'html', 'text'].map((format) => `/api/messages/${messageId}?format=${format}`),
    ])
      await take(path)
    await expect.poll(() => Buffer.concat(frames).includes('"final":true'), { timeout: 5_000 }).toBe(true)
    expect(Buffer.concat(frames).includes('Shown.')).toBe(true)
    expect(Buffer.concat(frames).includes('SECRET')).toBe(false)
    expect(answers.join('')).not.toContain('SECRET')
    expect(JSON.stringify(fake.requests[1]!.body)).toContain('SECRET')
  },
)
