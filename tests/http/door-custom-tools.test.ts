/** Custom tools, which take any text: from the caller upstream and back, by either API. */
import { expect, test } from 'vitest'
import { answer, recorded } from '../../testing/index.ts'
import { startDoor, streamDoor } from './door-client.ts'

const grammar = { type: 'grammar' as const, grammar: { syntax: 'lark' as const, definition: 'start: "SELECT"' } }
const sql = { type: 'custom' as const, custom: { name: 'sql', description: 'Runs SQL.', format: grammar } }
const add = { type: 'function' as const, function: { name: 'add', parameters: { type: 'object', properties: {} } } }
const messages = [
  { role: 'user' as const, content: 'How many?' },
  {
    role: 'assistant' as const,
    content: null,
    tool_calls: [{ id: 'call_0', type: 'custom' as const, custom: { name: 'sql', input: 'SELECT 0' } }],
  },
  { role: 'tool' as const, tool_call_id: 'call_0', content: '0' },
]
const request = {
  messages,
  tools: [sql, add],
  tool_choice: { type: 'custom' as const, custom: { name: 'sql' } },
}
const expected = [
  { id: 'call_1', type: 'custom', custom: { name: 'sql', input: 'SELECT "{" FROM t' } },
  { id: 'call_2', type: 'function', function: { name: 'add', arguments: '{"a":1}' } },
]

const chunk = (delta: object, reason: string | null = null) =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`
const chatCalls = [
  { index: 0, id: 'call_1', type: 'custom', custom: { name: 'sql', input: '' } },
  { index: 0, custom: { input: 'SELECT "{"' } },
  { index: 0, custom: { input: ' FROM t' } },
  { index: 1, id: 'call_2', type: 'function', function: { name: 'add', arguments: '{"a"' } },
  { index: 1, function: { arguments: ':1}' } },
]
const event = (type: string, fields: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`
const item = { type: 'custom_tool_call', id: 'ctc_1', call_id: 'call_1', name: 'sql' }
const called = { type: 'function_call', id: 'fc_2', call_id: 'call_2', name: 'add' }

const upstreams = {
  chat: {
    sse: chatCalls.map((call) => chunk({ tool_calls: [call] })).join('') + chunk({}, 'tool_calls') + 'data: [DONE]\n\n',
    sent: request,
  },
  responses: {
    sse: [
      event('response.output_item.added', { output_index: 0, item: { ...item, input: '' } }),
      event('response.custom_tool_call_input.delta', { output_index: 0, delta: 'SELECT "{"' }),
      event('response.output_item.added', { output_index: 1, item: { ...called, arguments: '' } }),
      event('response.custom_tool_call_input.delta', { output_index: 0, delta: ' FROM t' }),
      event('response.output_item.done', { output_index: 0, item: { ...item, input: 'SELECT "{" FROM t' } }),
      event('response.function_call_arguments.delta', { output_index: 1, delta: '{"a":1}' }),
      event('response.output_item.done', { output_index: 1, item: { ...called, arguments: '{"a":1}' } }),
      event('response.completed', { response: { status: 'completed', output: [] } }),
    ].join(''),
    sent: {
      input: [
        { role: 'user', content: 'How many?' },
        { type: 'custom_tool_call', call_id: 'call_0', name: 'sql', input: 'SELECT 0' },
        { type: 'custom_tool_call_output', call_id: 'call_0', output: '0' },
      ],
      tools: [
        {
          type: 'custom',
          name: 'sql',
          description: 'Runs SQL.',
          format: { type: 'grammar', syntax: 'lark', definition: 'start: "SELECT"' },
        },
        { type: 'function', name: 'add', parameters: { type: 'object', properties: {} } },
      ],
      tool_choice: { type: 'custom', name: 'sql' },
    },
  },
}

test.each(['chat', 'responses'] as const)('with a %s upstream', async (api) => {
  const { client, fake } = await startDoor({ RUNNEL_OPENAI_API: api })
  const { sse, sent } = upstreams[api]
  fake.enqueue(recorded(sse), recorded(sse))
  const { chunks } = await streamDoor(client, request)
  expect(fake.requests[0]!.body).toMatchObject(sent)
  const fragments = chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? []) as any[]
  // One call after the other.
  expect(fragments.map(({ index }) => index)).toEqual(fragments.map(({ index }) => index).toSorted())
  expect(fragments.find(({ index }) => index === 0)).toMatchObject({
    id: 'call_1',
    type: 'custom',
    custom: { name: 'sql' },
  })
  const textOf = (at: number, read: (fragment: any) => string | undefined) =>
    fragments
      .filter(({ index }) => index === at)
      .map((fragment) => read(fragment) ?? '')
      .join('')
  expect(textOf(0, ({ custom }) => custom?.input)).toBe('SELECT "{" FROM t')
  expect(textOf(1, (fragment) => fragment.function?.arguments)).toBe('{"a":1}')
  expect(chunks.at(-1)!.choices[0]!.finish_reason).toBe('tool_calls')
  const { choices } = await client.chat.completions.create({ model: 'm', ...request })
  expect(choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { content: null, tool_calls: expected } })
})

test('a choice among some tools goes to a Responses upstream in its own words', async () => {
  const { client, fake } = await startDoor({ RUNNEL_OPENAI_API: 'responses' }, { fallback: answer({ text: 'None.' }) })
  const allowed = {
    mode: 'auto' as const,
    tools: [
      { type: 'function', function: { name: 'add' } },
      { type: 'custom', custom: { name: 'sql' } },
    ],
  }
  await streamDoor(client, { tools: [sql, add], tool_choice: { type: 'allowed_tools', allowed_tools: allowed } })
  expect(fake.requests[0]!.body.tool_choice).toEqual({
    type: 'allowed_tools',
    mode: 'auto',
    tools: [
      { type: 'function', name: 'add' },
      { type: 'custom', name: 'sql' },
    ],
  })
})
