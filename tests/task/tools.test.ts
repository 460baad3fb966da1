/** Tools, on a real server with a fake provider: calls, their faults, their ends, and what the model gets of them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineTool, type Tool } from '../../server/extension/tool.ts'
import type { Message, ToolCallBlock } from '../../shared/schema.ts'
import { answer, type Script } from '../../testing/index.ts'
import { startWithFake } from '../http/server.ts'

const add = defineTool({
  name: 'add',
  description: 'Adds two numbers.',
  parameters: z.object({ a: z.number(), b: z.number() }),
  execute: ({ a, b }) => a + b,
})

const calls = (...list: [name: string, args: string, id?: string][]): Script =>
  answer({ toolCalls: list.map(([name, args, id], i) => ({ id: id ?? `call_${i + 1}`, name, arguments: args })) })

async function run(tools: Tool[], scripts: Script[], settings: object = {}) {
  const { server, fake } = await startWithFake({ RUNNEL_MODEL: 'm', tools, ...settings })
  fake.enqueue(...scripts)
  const { id } = (await server.call('POST', '/api/chats', {})).body
  const { status, body } = await server.call('POST', `/api/chats/${id}/messages`, { content: 'Q', stream: false })
  return { server, fake, status, message: (body.error?.details?.message ?? body) as Message }
}

const callsOf = (message: Message) => message.output.filter((block) => block.type === 'tool_call') as ToolCallBlock[]
const toolMessages = (body: { messages?: Record<string, unknown>[] }) =>
  body.messages!.filter(({ role }) => role === 'tool').map(({ tool_call_id: id, content }) => [id, content])

test('calls run at once, and their results go back in the order of the calls', async () => {
  const slow = defineTool({
    name: 'slow',
    description: 'Is late.',
    parameters: z.object({}),
    execute: async () => {
      await sleep(50)
      return { late: true }
    },
  })
  const { fake, status, message } = await run(
    [add, slow],
    [
      answer({
        text: 'Let me see.',
        toolCalls: [
          { id: 'c1', name: 'slow', arguments: '{}' },
          { id: 'c2', name: 'add', arguments: ['{"a":1,', '"b":2}'] },
        ],
        usage: { inputTokens: 10, outputTokens: 5 },
      }),
      answer({ text: 'Three.', usage: { inputTokens: 20, outputTokens: 2 } }),
    ],
  )
  expect(status).toBe(200)
  expect(message).toMatchObject({
    status: 'completed',
    finishReason: 'stop',
    usage: { inputTokens: 30, outputTokens: 7, totalTokens: 37 },
  })
  expect(message.output.map((block) => [block.type, block.status])).toEqual([
    ['text', 'completed'],
    ['tool_call', 'completed'],
    ['tool_call', 'completed'],
    ['progress', 'completed'],
    ['text', 'completed'],
  ])
  expect(callsOf(message)).toMatchObject([
    { executor: 'server', output: '{"late":true}' },
    { executor: 'server', arguments: '{"a":1,"b":2}', output: '3' },
  ])
  expect(fake.requests[0]!.body.tools).toMatchObject([
    {
      type: 'function',
      function: { name: 'add', description: 'Adds two numbers.', parameters: { type: 'object', required: ['a', 'b'] } },
    },
    { function: { name: 'slow' } },
  ])
  expect(fake.requests[1]!.body.messages).toEqual([
    { role: 'user', content: 'Q' },
    {
      role: 'assistant',
      content: 'Let me see.',
      tool_calls: [
        { id: 'c1', type: 'function', function: { name: 'slow', arguments: '{}' } },
        { id: 'c2', type: 'function', function: { name: 'add', arguments: '{"a":1,"b":2}' } },
      ],
    },
    { role: 'tool', tool_call_id: 'c1', content: '{"late":true}' },
    { role: 'tool', tool_call_id: 'c2', content: '3' },
  ])
})

test('two rounds are two turns of the model, in this run and in the next', async () => {
  const { server, fake, message } = await run(
    [add],
    [
      calls(['add', '{"a":1,"b":1}', 'x']),
      calls(['add', '{"a":2,"b":2}', 'y']),
      answer({ text: 'Four.' }),
      answer({ text: 'Fine.' }),
    ],
  )
  const turns = [
    { role: 'user', content: 'Q' },
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'x', type: 'function', function: { name: 'add', arguments: '{"a":1,"b":1}' } }],
    },
    { role: 'tool', tool_call_id: 'x', content: '2' },
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'y', type: 'function', function: { name: 'add', arguments: '{"a":2,"b":2}' } }],
    },
    { role: 'tool', tool_call_id: 'y', content: '4' },
  ]
  expect(fake.requests[2]!.body.messages).toEqual(turns)
  await server.call('POST', `/api/chats/${message.chatId}/messages`, { content: 'Thanks', stream: false })
  expect(fake.requests[3]!.body.messages).toEqual([
    ...turns,
    { role: 'assistant', content: 'Four.' },
    { role: 'user', content: 'Thanks' },
  ])
})

test.each<[string, Tool[], [string, string], RegExp, object?]>([
  ['an unknown tool', [add], ['nothing', '{}'], /There is no tool "nothing"/],
  ['arguments that are no JSON', [add], ['add', '{"a":'], /are no JSON/],
  ['arguments that do not fit', [add], ['add', '{"a":"one"}'], /do not fit the schema: a: .*; b: /],
  [
    'a throw',
    [
      defineTool({
        name: 'bad',
        description: '',
        parameters: z.object({}),
        execute: () => {
          throw new Error('It is broken.')
        },
      }),
    ],
    ['bad', '{}'],
    /^It is broken\.$/,
  ],
  [
    'a time-out',
    [defineTool({ name: 'stuck', description: '', parameters: z.object({}), execute: () => new Promise(() => {}) })],
    ['stuck', '{}'],
    /longer than 50 ms/,
    { RUNNEL_TOOL_MAX_MS: 50 },
  ],
  [
    'output over its bound',
    [defineTool({ name: 'wordy', description: '', parameters: z.object({}), execute: () => 'x'.repeat(101) })],
    ['wordy', '{}'],
    /larger than 100 bytes/,
    { RUNNEL_MAX_TOOL_OUTPUT_BYTES: 100 },
  ],
])('%s shows on the call and goes back to the model', async (_what, tools, [name, args], words, settings = {}) => {
  const { fake, message } = await run(tools, [calls([name, args]), answer({ text: 'I see.' })], settings)
  const [call] = callsOf(message)
  expect(message.status).toBe('completed')
  expect(call).toMatchObject({ status: 'failed', error: expect.stringMatching(words) })
  const said = call!.output === undefined ? call!.error : `${call!.output}\n${call!.error}`
  expect(toolMessages(fake.requests[1]!.body)).toEqual([['call_1', said]])
})

test('output streams piece by piece; what came before a fault stays', async () => {
  const stream = defineTool({
    name: 'tail',
    description: '',
    parameters: z.object({}),
    async *execute() {
      yield 'line 1\n'
      await sleep(5)
      yield { line: 2 }
      throw new Error('The log ended.')
    },
  })
  const { fake, message } = await run([stream], [calls(['tail', '']), answer({ text: 'Ok.' })])
  expect(callsOf(message)[0]).toMatchObject({ status: 'failed', output: 'line 1\n{"line":2}', error: 'The log ended.' })
  expect(toolMessages(fake.requests[1]!.body)).toEqual([['call_1', 'line 1\n{"line":2}\nThe log ended.']])
})

test('after the last round the model is told to do without, and may not ask again', async () => {
  const scripts = [1, 2, 3].map((n) => calls(['add', `{"a":${n},"b":0}`, `c${n}`]))
  const { fake, message } = await run([add], [...scripts.slice(0, 2), answer({ text: 'Then not.' })], {
    RUNNEL_MAX_TOOL_ROUNDS: 1,
  })
  expect(message.status).toBe('completed')
  expect(callsOf(message).map(({ status }) => status)).toEqual(['completed', 'failed'])
  expect(callsOf(message)[1]!.error).toMatch(/limit of 1 rounds/)
  expect(fake.requests[2]!.body.tool_choice).toBe('none')
  const again = await run([add], scripts, { RUNNEL_MAX_TOOL_ROUNDS: 1 })
  expect(again.message).toMatchObject({ status: 'failed', error: { code: 'tool_rounds_exceeded' } })
})

test('a request names the tools that it wants; a name that is not there is refused', async () => {
  const { server, fake, message } = await run(
    [add, defineTool({ name: 'other', description: '', parameters: z.object({}), execute: () => 1 })],
    [answer({ text: 'A' }), answer({ text: 'B' })],
  )
  await server.call('POST', `/api/chats/${message.chatId}/messages`, { content: 'Q', stream: false, tools: ['other'] })
  expect(fake.requests[1]!.body.tools).toHaveLength(1)
  const { status, body } = await server.call('POST', `/api/chats/${message.chatId}/messages`, {
    content: 'Q',
    tools: ['none'],
  })
  expect([status, body.error.message]).toEqual([400, expect.stringContaining('"none"')])
})

test('what a tool shows stands in the message: progress, sources, files, embeds, text, citations, usage, errors', async () => {
  const rich = defineTool({
    name: 'rich',
    description: '',
    parameters: z.object({}),
    async execute(_args, context) {
      context.progress('half way')
      context.addSource({ title: 'A page', url: 'https://a.example', snippet: 'words' })
      context.addEmbed({ url: 'https://maps.example/1' })
      context.addError({ message: 'A part was left out.' })
      const file = await context.addFile({ name: 'table.csv', data: 'a,b\n1,2\n' })
      const block = context.append('A note.')
      context.annotate(block, { type: 'url_citation', start_index: 0, end_index: 6, url: 'https://a.example' })
      context.addUsage({ inputTokens: 1, outputTokens: 2, totalTokens: 3 })
      const { output } = await context.message()
      return `${file.name} and ${output.length} blocks`
    },
  })
  const { server, message } = await run(
    [rich],
    [calls(['rich', '{}']), answer({ text: 'Done.', usage: { inputTokens: 10, outputTokens: 10 } })],
  )
  // Those of the first request are the fake's own.
  expect(message.usage!.totalTokens).toBeGreaterThan(23)
  expect(message.output.map(({ type }) => type)).toEqual([
    'tool_call',
    'progress',
    'source',
    'embed',
    'error',
    'file',
    'text',
    'text',
  ])
  expect(callsOf(message)[0]).toMatchObject({ progress: 'half way', output: 'table.csv and 7 blocks' })
  expect(message.output.slice(2, 7)).toMatchObject([
    { title: 'A page', url: 'https://a.example', snippet: 'words', sourceType: 'url' },
    { url: 'https://maps.example/1' },
    { message: 'A part was left out.', retryable: false },
    { name: 'table.csv', mimeType: 'text/csv', size: 8 },
    { text: 'A note.', annotations: [{ end_index: 6 }] },
  ])
  const file = message.output[5] as { url: string }
  expect((await server.call('GET', file.url)).body).toBe('a,b\n1,2\n')
  await server.call('DELETE', `/api/messages/${message.id}`)
  expect((await server.call('GET', file.url)).status).toBe(404)
})

test('Stop aborts running calls; their blocks end cancelled, and what they still bring never shows', async () => {
  const signals: AbortSignal[] = []
  const over = Promise.withResolvers<void>()
  let bringLate = () => {}
  const deaf = defineTool({
    name: 'deaf',
    description: '',
    parameters: z.object({}),
    async *execute(_args, context) {
      signals.push(context.signal)
      yield 'early'
      await new Promise<void>((resolve) => {
        bringLate = resolve
      })
      context.addSource({ title: 'late' })
      context.append('late')
      over.resolve()
      yield 'late'
    },
  })
  const { server, fake } = await startWithFake({ tools: [deaf] })
  fake.enqueue(calls(['deaf', '{}']))
  const { messageId } = await server.ask('Q')
  const read = async () => (await server.call('GET', `/api/messages/${messageId}`)).body as Message
  await expect.poll(async () => callsOf(await read())[0]?.output, { timeout: 5_000 }).toBe('early')
  expect((await read()).status).toBe('waiting')
  const { body } = await server.call('POST', `/api/messages/${messageId}/stop`, {})
  expect(body.status).toBe('stopped')
  expect(signals[0]!.aborted).toBe(true)
  bringLate()
  await over.promise
  // Whatever is said after it is shown: what it brought would have been by then.
  fake.enqueue(answer({ text: 'Next.' }))
  const next = await server.ask('Q')
  await expect
    .poll(async () => (await server.call('GET', `/api/messages/${next.messageId}`)).body.status, { timeout: 5_000 })
    .toBe('completed')
  const message = await read()
  expect(message).toMatchObject({
    status: 'stopped',
    output: [
      { type: 'tool_call', status: 'cancelled', output: 'early' },
      { type: 'progress', done: true },
    ],
  })
  expect(message.output).toHaveLength(2)
  expect(fake.requests).toHaveLength(2)
})
