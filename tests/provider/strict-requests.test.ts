/** Whatever a model, a tool or a person once wrote, no strict server refuses what goes upstream. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { chatBody } from '../../server/provider/chat-request.ts'
import { fittedName } from '../../server/provider/call-names.ts'
import type { PromptData, PromptItem, ProviderRequest } from '../../server/provider/events.ts'
import { objectText } from '../../server/provider/object-text.ts'
import { openaiProvider } from '../../server/provider/openai.ts'
import { responsesBody } from '../../server/provider/responses-request.ts'
import type { JsonObject } from '../../shared/schema.ts'
import { collect } from '../helpers/fold-events.ts'
import { refusalOf, startStrictUpstream, type StrictUpstream } from '../helpers/strict-upstream.ts'

const seed = Number(process.env.RUNNEL_TEST_SEED ?? 20_251_130)
const mappedRequests = 1_600
const sentRequests = Number(process.env.RUNNEL_TEST_STRICT_REQUESTS ?? 400)

const here = { baseUrl: 'http://127.0.0.1/v1', model: 'm' }
const words = fc.oneof(
  fc.constantFrom('', ' ', '\n\n', 'Hello.', 'a\ud800b', '\0', '{"a":1}'),
  fc.string({ maxLength: 12, unit: 'binary' }),
)
const names = fc.oneof(
  fc.constantFrom('add', 'functions.find it', '', '$lookup', 'x'.repeat(80), 'y'.repeat(80), '查询', 'add\n'),
  fc.string({ maxLength: 70 }),
)
const ids = fc.oneof(
  fc.constantFrom('c1', 'c1', 'c2', '', 'functions.add:0', 'call_'.padEnd(60, 'x'), 'ä b', 'c1_2'),
  fc.string({ maxLength: 45 }),
)
const args = fc.oneof(
  fc.constantFrom(
    '',
    '{"q": "sea"',
    '{"q": "C:\\dir"}',
    'null',
    '[]',
    '{"q":"sea"}{"q":"sea"}',
    '"{\\"q\\":1}"',
    '{"a":{}} and so on',
    `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`,
  ),
  fc.json({ maxDepth: 3 }),
  fc.string({ maxLength: 20 }),
)
const call = fc.record({ callId: ids, name: names, arguments: args, output: words })

/** What a provider may have wanted back with an answer of these calls. */
function dataOf(calls: readonly { callId: string }[]): fc.Arbitrary<PromptData[]> {
  const from = fc.constantFrom(undefined, here, { ...here, model: 'other' })
  const callId = calls.length > 0 ? fc.constantFrom(...calls.map((one) => one.callId)) : fc.constant('gone')
  const data: fc.Arbitrary<JsonObject> = fc.oneof(
    fc.constantFrom<JsonObject>(
      { api: 'chat', reasoning: { shape: { reasoning_content: null } } },
      { api: 'chat', reasoning: { shape: { tags: ['<think>', null, '</think>'] } } },
      { api: 'responses', item: { type: 'reasoning', id: 'r', summary: [], encrypted_content: 'x' } },
      { api: 'responses', item: { type: 'reasoning', id: 'r', summary: [] } },
      { api: 'responses', item: { type: 'message', id: 'm', phase: 'commentary' } },
      { api: 'responses', item: { type: 'web_search_call', id: 'w' } },
    ),
    callId.map((id) => ({ api: 'responses', item: { type: 'function_call', call_id: id } })),
    callId.map((id) => ({ api: 'responses', item: { type: 'custom_tool_call', call_id: id } })),
    callId.map((id) => ({ api: 'chat', call_id: id, extra_content: { a: 1 } })),
  )
  return fc.array(
    fc.record({ data, from, at: fc.nat(8) }).map(({ data, from, at }) => ({
      data: from ? { ...data, from } : data,
      at,
    })),
    { maxLength: 4 },
  )
}

const answer: fc.Arbitrary<PromptItem> = fc.array(call, { maxLength: 3 }).chain((toolCalls) =>
  fc.record({ text: words, providerData: dataOf(toolCalls), isOwn: fc.boolean(), reasoning: words }).map((rest) => ({
    role: 'assistant' as const,
    ...rest,
    providerData: rest.providerData.toSorted((a, b) => a.at - b.at),
    ...(toolCalls.length > 0 && { toolCalls }),
  })),
)
const question: fc.Arbitrary<PromptItem> = fc.record({
  role: fc.constant('user' as const),
  text: words,
  parts: fc.array(
    fc.oneof(
      words.map((text) => ({ type: 'text', text })),
      fc.constant({ type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }),
    ),
    { maxLength: 2 },
  ),
})
const system: fc.Arbitrary<PromptItem> = fc.record({ role: fc.constant('system' as const), text: words })

const request: fc.Arbitrary<ProviderRequest> = fc
  .record({
    prompt: fc
      .array(fc.oneof({ weight: 4, arbitrary: answer }, { weight: 4, arbitrary: question }, system), { maxLength: 7 })
      .chain((before) => question.map((last) => [...before, last])),
    toolNames: fc.uniqueArray(names, { maxLength: 3 }),
    chosen: fc.boolean(),
    params: fc.constantFrom<JsonObject>({}, { model: 'large', messages: [], input: 'real', n: 3, stream: false }),
  })
  .map(({ prompt, toolNames, chosen, params }) => ({
    model: 'm',
    prompt,
    tools: toolNames.map((name) => ({ type: 'function', function: { name, parameters: { type: 'object' } } })),
    params: {
      ...params,
      ...(chosen &&
        toolNames.length > 0 && { tool_choice: { type: 'function', function: { name: toolNames.at(-1)! } } }),
    },
  }))

let upstream: StrictUpstream
beforeAll(async () => {
  upstream = await startStrictUpstream()
})
afterAll(() => upstream.close())

test(`of ${mappedRequests} bodies for both APIs, with turns and without, none is refused (seed ${seed})`, () => {
  fc.assert(
    fc.property(request, fc.boolean(), fc.constantFrom('run', 'calls', 'all'), (given, strictTurns, sendReasoning) => {
      const options = { here, strictTurns, sendReasoning } as const
      const sent = (body: JsonObject) => JSON.parse(JSON.stringify(body)) as unknown
      expect(refusalOf('chat', sent(chatBody(given, options)), strictTurns)).toBeNull()
      expect(refusalOf('responses', sent(responsesBody(given, options)), strictTurns)).toBeNull()
    }),
    { seed, numRuns: mappedRequests / 2 },
  )
})

test(
  `of ${sentRequests} requests over HTTP none is refused (seed ${seed})`,
  async () => {
    await fc.assert(
      fc.asyncProperty(request, fc.boolean(), async (given, strictTurns) => {
        for (const api of ['chat', 'responses'] as const) {
          const baseURL = `${upstream.url}/${strictTurns ? 'turns' : 'v1'}`
          const provider = openaiProvider({ baseURL, api, idleMs: 5_000, strictTurns })
          const { error } = await collect(provider(given, new AbortController().signal))
          expect([error, upstream.refusals.splice(0)]).toEqual([undefined, []])
        }
      }),
      { seed: seed + 1, numRuns: sentRequests / 2 },
    )
    expect(upstream.served).toBe(sentRequests)
  },
  60_000 + sentRequests * 50,
)

test.each([
  ['{"a": 1}', '{"a": 1}'],
  ['', '{}'],
  ['{"q": "sea"', '{}'],
  ['{"q": "C:\\dir"}', '{}'],
  ['null', '{}'],
  ['[]', '{}'],
  ['7', '{}'],
  ['{"q":"sea"}{"q":"sea"}', '{"q":"sea"}'],
  [' {"q":"}"} {"q":"}"}', '{"q":"}"}'],
  ['{"q":1}\n\nI call it now.', '{"q":1}'],
  ['"{\\"q\\":1}"', '{"q":1}'],
  ['{"q":1}}', '{"q":1}'],
  ['{} {}', '{}'],
  ['{"q"} {"q":1}', '{}'],
])('arguments %s go as %s', (text, expected) => expect(objectText(text)).toBe(expected))

test('names that differ stay different, and those that fit stay as they are', () => {
  const given = [
    'add',
    'a.b',
    'a b',
    'a_b',
    '',
    ' ',
    '$lookup',
    '€lookup',
    'x'.repeat(80),
    'x'.repeat(81),
    'x'.repeat(64),
  ]
  const fitted = given.map(fittedName)
  expect(new Set(fitted).size).toBe(given.length)
  for (const [index, name] of given.entries()) {
    expect(fitted[index]).toMatch(/^[A-Za-z0-9_-]{1,64}$/)
    if (/^[A-Za-z0-9_-]{1,64}$/.test(name)) expect(fitted[index]).toBe(name)
  }
})

test('a tool whose name does not fit is called by its own name', async () => {
  const tools = [{ type: 'function', function: { name: 'files.find it', parameters: { type: 'object' } } }]
  const sent = (chatBody({ model: 'm', prompt: [], tools }).tools as any)[0].function.name as string
  const { createServer } = await import('node:http')
  const server = createServer((incoming, outgoing) => {
    incoming.resume()
    outgoing.writeHead(200, { 'content-type': 'text/event-stream' })
    const call = { index: 0, id: 'c1', function: { name: sent, arguments: '{}' } }
    outgoing.end(
      `data: ${JSON.stringify({ choices: [{ delta: { tool_calls: [call] }, finish_reason: 'tool_calls' }] })}\n\ndata: [DONE]\n\n`,
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const provider = openaiProvider({ baseURL: `http://127.0.0.1:${port}/v1`, api: 'chat', idleMs: 5_000 })
  const { events } = await collect(provider({ model: 'm', prompt: [], tools }, new AbortController().signal))
  expect(events.find(({ type }) => type === 'block_start')).toMatchObject({ block: { name: 'files.find it' } })
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

test('a custom tool takes a text: where it is offered the call is one of it, else one of a function', () => {
  const prompt: PromptItem[] = [
    { role: 'assistant', text: '', toolCalls: [{ callId: 'c1', name: 'sql', arguments: 'SELECT 1', output: '1' }] },
  ]
  const custom = { type: 'custom', custom: { name: 'sql' } }
  const callOf = (body: JsonObject) => (body.messages as any)[0].tool_calls[0]
  expect(callOf(chatBody({ model: 'm', prompt, tools: [custom] }))).toEqual({
    id: 'c1',
    type: 'custom',
    custom: { name: 'sql', input: 'SELECT 1' },
  })
  expect(callOf(chatBody({ model: 'm', prompt })).function).toEqual({ name: 'sql', arguments: '{}' })
  expect(responsesBody({ model: 'm', prompt, tools: [custom] }).input).toEqual([
    { type: 'custom_tool_call', call_id: 'c1', name: 'sql', input: 'SELECT 1' },
    { type: 'custom_tool_call_output', call_id: 'c1', output: '1' },
  ])
})

test('the name in a choice among tools is the one that goes out', () => {
  const chosen = (tool_choice: JsonObject) => chatBody({ model: 'm', prompt: [], params: { tool_choice } }).tool_choice
  const name = fittedName('a b')
  expect(chosen({ type: 'function', function: { name: 'a b' } })).toEqual({ type: 'function', function: { name } })
  expect(
    chosen({ type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [{ type: 'function', name: 'a b' }] } }),
  ).toEqual({ type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [{ type: 'function', name }] } })
})

test('neighbours of one role become one message, in both APIs', () => {
  const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }
  const prompt: PromptItem[] = [
    { role: 'user', text: 'One?' },
    { role: 'system', text: 'Be kind.' },
    { role: 'user', text: 'Two?', parts: [image] },
    { role: 'assistant', text: 'A', toolCalls: [{ callId: 'c1', name: 'add', arguments: '', output: '' }] },
    { role: 'system', text: 'Be brief.' },
    { role: 'user', text: 'Three?' },
  ]
  const { messages } = chatBody({ model: 'm', prompt }, { strictTurns: true })
  expect(messages).toEqual([
    { role: 'system', content: 'Be kind.\n\nBe brief.' },
    { role: 'user', content: [{ type: 'text', text: 'One?' }, { type: 'text', text: 'Two?' }, image] },
    {
      role: 'assistant',
      content: 'A',
      tool_calls: [{ id: 'c1', type: 'function', function: { name: 'add', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: 'c1', content: '(no output)' },
    { role: 'assistant', content: '(This answer was not finished.)' },
    { role: 'user', content: 'Three?' },
  ])
  expect(
    chatBody(
      {
        model: 'm',
        messages: [
          { role: 'user', content: 'A' },
          { role: 'user', content: 'B' },
        ],
        prompt: [],
      },
      { strictTurns: true },
    ).messages,
  ).toEqual([{ role: 'user', content: 'A\n\nB' }])
  expect(responsesBody({ model: 'm', prompt }, { strictTurns: true }).input).toMatchObject([
    { role: 'system', content: 'Be kind.\n\nBe brief.' },
    { role: 'user' },
    { role: 'assistant', content: 'A' },
    { type: 'function_call' },
    { type: 'function_call_output' },
    { role: 'assistant' },
    { role: 'user', content: 'Three?' },
  ])
})
