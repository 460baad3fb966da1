import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chatBody } from '../../server/provider/chat-request.ts'
import type { JsonObject } from '../../shared/schema.ts'
import type { ProviderRequest } from '../../server/provider/events.ts'
import { openaiProvider } from '../../server/provider/openai.ts'
import { responsesBody } from '../../server/provider/responses-request.ts'
import { startFakeOpenAI, type FakeOpenAI } from '../../testing/openai/index.ts'
import { collect } from '../helpers/fold-events.ts'

const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }
const tool = { name: 'add', description: 'Adds.', parameters: { type: 'object' } }
const details = [{ type: 'reasoning.text', text: 'Hm.', signature: 'c2ln' }]
const reasoning = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'enc' }

const request: ProviderRequest = {
  model: 'gpt-5-mini',
  prompt: [
    { role: 'system', text: 'Be brief.' },
    { role: 'user', text: 'What is this?', parts: [image] },
    {
      role: 'assistant',
      text: 'Let me add.',
      toolCalls: [
        { callId: 'call_1', name: 'add', arguments: '{"a":1}', output: '2' },
        { callId: 'call_2', name: 'sql', arguments: 'SELECT 1', output: '1' },
      ],
      providerData: [
        { at: 0, data: { api: 'chat', reasoning_details: details } },
        { at: 11, data: { api: 'chat', call_id: 'call_1', extra_content: { google: { thought_signature: 'x' } } } },
        { at: 0, data: { api: 'responses', item: reasoning } },
        { at: 0, data: { api: 'responses', item: { type: 'reasoning', id: 'rs_2', summary: [] } } },
        { at: 0, data: { api: 'responses', item: { type: 'message', id: 'msg_1', phase: 'commentary' } } },
        { at: 11, data: { api: 'responses', item: { type: 'custom_tool_call', id: 'ctc_1', call_id: 'call_2' } } },
      ],
    },
    { role: 'user', text: 'Thanks.' },
  ],
  tools: [
    { type: 'function', function: tool },
    { type: 'function', ...tool, name: 'mul' },
  ],
  params: { temperature: 0.5, max_tokens: 100 },
}

describe('Chat Completions', () => {
  test('the prompt becomes messages, each call with its result', () => {
    expect(chatBody(request)).toEqual({
      model: 'gpt-5-mini',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: [{ type: 'text', text: 'What is this?' }, image] },
        {
          role: 'assistant',
          content: 'Let me add.',
          reasoning_details: details,
          tool_calls: [
            {
              id: 'call_1',
              type: 'function',
              function: { name: 'add', arguments: '{"a":1}' },
              extra_content: { google: { thought_signature: 'x' } },
            },
            { id: 'call_2', type: 'function', function: { name: 'sql', arguments: '{"input":"SELECT 1"}' } },
          ],
        },
        { role: 'tool', tool_call_id: 'call_1', content: '2' },
        { role: 'tool', tool_call_id: 'call_2', content: '1' },
        { role: 'user', content: 'Thanks.' },
      ],
      tools: [
        { type: 'function', function: tool },
        { type: 'function', function: { ...tool, name: 'mul' } },
      ],
      temperature: 0.5,
      max_tokens: 100,
      stream: true,
      stream_options: { include_usage: true },
    })
  })

  test('what the server decides stands over every spelling of a parameter', () => {
    const params = JSON.parse(`{
      "model": "large", "MODEL": "large", "me\u017f\u017fages": [], "Messages": [], "prompt": "real", "models": ["large"],
      "stream": false, "n": 2, "store": true, "tools": [{"type": "web_search"}], "functions": [{}], "__proto__": {"a": 1},
      "stream_options": {"include_usage": false, "include_obfuscation": false}, "Stream_Options": {"include_usage": false},
      "extra_body": {"Model": "large", "top_k": 4, "extra_body": {"messages": []}}, "top_p": 1
    }`)
    expect(chatBody({ model: 'm', prompt: [{ role: 'user', text: 'Hi' }], params })).toEqual({
      model: 'm',
      messages: [{ role: 'user', content: 'Hi' }],
      stream: true,
      stream_options: { include_usage: true, include_obfuscation: false },
      extra_body: { top_k: 4, extra_body: {} },
      top_p: 1,
    })
  })

  test('stream_options: null leaves that field out', () => {
    expect(chatBody({ model: 'm', prompt: [], params: { stream_options: null } })).not.toHaveProperty('stream_options')
  })
})

describe('Responses', () => {
  test('the prompt becomes input items, with what the provider wants back', () => {
    expect(responsesBody(request)).toEqual({
      model: 'gpt-5-mini',
      input: [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'What is this?' },
            { type: 'input_image', image_url: 'data:image/png;base64,AA==' },
          ],
        },
        reasoning,
        { role: 'assistant', content: 'Let me add.', phase: 'commentary' },
        { type: 'custom_tool_call', call_id: 'call_2', name: 'sql', input: 'SELECT 1' },
        { type: 'function_call', call_id: 'call_1', name: 'add', arguments: '{"a":1}' },
        { type: 'custom_tool_call_output', call_id: 'call_2', output: '1' },
        { type: 'function_call_output', call_id: 'call_1', output: '2' },
        { role: 'user', content: 'Thanks.' },
      ],
      tools: [
        { type: 'function', ...tool },
        { type: 'function', ...tool, name: 'mul' },
      ],
      store: false,
      include: ['reasoning.encrypted_content'],
      temperature: 0.5,
      max_output_tokens: 100,
      stream: true,
    })
  })

  describe('what the provider wants back goes out in the order in which it came', () => {
    const thought = (id: string) => ({ type: 'reasoning', id, summary: [], encrypted_content: `enc ${id}` })
    const called = (id: string) => ({ type: 'function_call', id: `fc_${id}`, call_id: id })
    const said = (phase: string) => ({ type: 'message', id: `msg_${phase}`, phase })
    const sent = (text: string, answered: string[], ...kept: [item: JsonObject, at: number][]) => {
      const toolCalls = answered.map((callId) => ({ callId, name: 'add', arguments: '{}', output: '2' }))
      const body = responsesBody({
        model: 'm',
        prompt: [
          {
            role: 'assistant',
            text,
            toolCalls,
            providerData: kept.map(([item, at]) => ({ data: { api: 'responses', item }, at })),
          },
        ],
      })
      return (body.input as JsonObject[]).map(
        (item) => item.id ?? item.call_id ?? `${String(item.phase)}: ${String(item.content)}`,
      )
    }

    test('reasoning stands before the call that it led to', () => {
      expect(sent('', ['a', 'b'], [thought('r1'), 0], [called('a'), 0], [thought('r2'), 0], [called('b'), 0])).toEqual([
        'r1',
        'a',
        'r2',
        'b',
        'a',
        'b',
      ])
    })
    test('texts stand where they stood, each with its phase', () => {
      expect(
        sent(
          'One. Two.',
          ['a'],
          [thought('r1'), 0],
          [said('commentary'), 0],
          [thought('r2'), 5],
          [called('a'), 5],
          [thought('r3'), 5],
          [said('final'), 5],
        ),
      ).toEqual(['r1', 'commentary: One. ', 'r2', 'a', 'r3', 'final: Two.', 'a'])
    })
    test('a text that no item was kept of goes out too', () => {
      expect(sent('One. Two.', ['b', 'a'], [thought('r1'), 5], [called('a'), 5])).toEqual([
        'undefined: One. ',
        'r1',
        'a',
        'undefined: Two.',
        'b',
        'a',
        'b',
      ])
    })
    test('a call without a result is left out, with the reasoning that led to it', () => {
      expect(sent('', ['b'], [thought('r1'), 0], [called('a'), 0], [thought('r2'), 0], [called('b'), 0])).toEqual([
        'r2',
        'b',
        'b',
      ])
      expect(sent('Said.', [], [thought('r1'), 0], [said('final'), 0], [thought('r2'), 5], [called('a'), 5])).toEqual([
        'r1',
        'final: Said.',
      ])
      expect(
        sent(
          'Said.',
          [],
          [thought('r1'), 0],
          [{ type: 'web_search_call', id: 'ws_1' }, 0],
          [said('final'), 0],
          [thought('r2'), 5],
        ),
      ).toEqual(['final: Said.'])
    })
    test('two calls of one id go out as two, each with its result', () => {
      expect(sent('', ['a', 'a'], [called('a'), 0], [called('a'), 0])).toEqual(['a', 'a_2', 'a', 'a_2'])
    })
  })

  test.each([
    ['gpt-4.1', false],
    ['gpt-4o', false],
    ['o4-mini', true],
    ['openai/gpt-5.2', true],
    ['gpt-5-chat-latest', false],
    ['qwen3', false],
  ])('%s is asked for encrypted reasoning: %s', (model, isAsked) => {
    expect('include' in responsesBody({ model, prompt: [] })).toBe(isAsked)
  })

  test('params of Chat Completions get their names here', () => {
    const schema = { name: 'answer', schema: { type: 'object' }, strict: true }
    expect(
      responsesBody({
        model: 'gpt-4o',
        prompt: [],
        params: {
          max_completion_tokens: 5,
          reasoning_effort: 'low',
          response_format: { type: 'json_schema', json_schema: schema },
          tool_choice: { type: 'function', function: { name: 'add' } },
          top_p: 1,
        },
      }),
    ).toEqual({
      model: 'gpt-4o',
      input: [],
      store: false,
      stream: true,
      max_output_tokens: 5,
      reasoning: { effort: 'low' },
      text: { format: { type: 'json_schema', ...schema } },
      tool_choice: { type: 'function', name: 'add' },
      top_p: 1,
    })
  })
})

test('what the server decides stands over every spelling of a parameter, with Responses too', () => {
  const params = {
    model: 'large',
    input: 'real',
    Instructions: 'real',
    previous_response_id: 'resp_1',
    previousResponseId: 'resp_1',
    conversation: 'conv_1',
    prompt: { id: 'pmpt_1' },
    background: true,
    store: true,
    stream: false,
    tools: [{ type: 'web_search' }],
    stream_options: { include_obfuscation: false },
  }
  expect(responsesBody({ model: 'm', prompt: [{ role: 'user', text: 'Hi' }], params })).toEqual({
    model: 'm',
    input: [{ role: 'user', content: 'Hi' }],
    store: false,
    stream: true,
  })
})

test('parameters in the names of both APIs are put together, and what a model is asked to include stays', () => {
  const format = { type: 'json_object' }
  const params = {
    reasoning_effort: 'low',
    reasoning: { summary: 'auto' },
    response_format: format,
    text: { verbosity: 'low' },
    include: ['file_search_call.results'],
  }
  expect(responsesBody({ model: 'gpt-5', prompt: [], params })).toMatchObject({
    reasoning: { effort: 'low', summary: 'auto' },
    text: { format, verbosity: 'low' },
    include: ['file_search_call.results', 'reasoning.encrypted_content'],
  })
})

describe('messages of Chat Completions', () => {
  const audio = { type: 'input_audio', input_audio: { data: 'AA==', format: 'wav' } }
  const messages = [
    { role: 'system', content: 'S' },
    { role: 'developer', content: [{ type: 'text', text: 'D' }] },
    {
      role: 'user',
      name: 'ann',
      content: [{ type: 'text', text: 'What is this?' }, image, { type: 'file', file: { file_id: 'f1' } }, audio],
    },
    {
      role: 'assistant',
      content: null,
      tool_calls: [
        { id: 'call_1', type: 'function', function: { name: 'add', arguments: '{"a":1}' } },
        { id: 'call_2', type: 'custom', custom: { name: 'sql', input: 'SELECT 1' } },
      ],
    },
    { role: 'tool', tool_call_id: 'call_1', content: [{ type: 'text', text: '2' }] },
    { role: 'tool', tool_call_id: 'call_2', content: '1' },
    {
      role: 'assistant',
      content: [
        { type: 'text', text: 'Two' },
        { type: 'refusal', refusal: ', no.' },
      ],
    },
    { role: 'user', content: 'Thanks.' },
  ] as object[] as JsonObject[]

  test('go as they are, before what the message holds already', () => {
    expect(chatBody({ model: 'm', messages, prompt: [{ role: 'assistant', text: 'So' }] })).toMatchObject({
      messages: [...messages, { role: 'assistant', content: 'So' }],
    })
  })

  test('become input items', () => {
    expect(responsesBody({ model: 'm', messages, prompt: [{ role: 'assistant', text: 'So' }] }).input).toEqual([
      { role: 'system', content: 'S' },
      { role: 'developer', content: [{ type: 'input_text', text: 'D' }] },
      {
        role: 'user',
        content: [
          { type: 'input_text', text: 'What is this?' },
          { type: 'input_image', image_url: 'data:image/png;base64,AA==' },
          { type: 'input_file', file_id: 'f1' },
          audio,
        ],
      },
      { type: 'function_call', call_id: 'call_1', name: 'add', arguments: '{"a":1}' },
      { type: 'custom_tool_call', call_id: 'call_2', name: 'sql', input: 'SELECT 1' },
      { type: 'function_call_output', call_id: 'call_1', output: '2' },
      { type: 'custom_tool_call_output', call_id: 'call_2', output: '1' },
      { role: 'assistant', content: 'Two, no.' },
      { role: 'user', content: 'Thanks.' },
      { role: 'assistant', content: 'So' },
    ])
  })

  test('results keep their pictures', () => {
    const messages = [
      { role: 'user', content: 'Look.' },
      { role: 'assistant', tool_calls: [{ id: 'c1', type: 'function', function: { name: 'shot', arguments: '{}' } }] },
      { role: 'tool', tool_call_id: 'c1', content: [{ type: 'text', text: 'Here:' }, image] },
    ] as object[] as JsonObject[]
    expect(responsesBody({ model: 'm', messages, prompt: [] }).input).toContainEqual({
      type: 'function_call_output',
      call_id: 'c1',
      output: [
        { type: 'input_text', text: 'Here:' },
        { type: 'input_image', image_url: 'data:image/png;base64,AA==' },
      ],
    })
  })

  test('calls of before there were tools become calls with ids, and each result finds its own', () => {
    const call = (name: string, args = '{}') => ({
      role: 'assistant',
      content: null,
      function_call: { name, arguments: args },
    })
    const messages = [
      { role: 'user', content: 'Add.' },
      call('add', '{"a":1}'),
      { role: 'function', name: 'add', content: '2' },
      call('add'),
      { role: 'function', name: 'add', content: '3' },
      { role: 'function', name: 'never', content: '4' },
    ] as object[] as JsonObject[]
    const broken = [call('add me', '{"a":'), { role: 'function', name: 'add me', content: '2' }] as JsonObject[]
    const { messages: sent } = chatBody({ model: 'm', messages: broken, prompt: [] }) as any
    expect(() => JSON.parse(sent[0].function_call.arguments)).not.toThrow()
    expect(sent[0].function_call.name).toMatch(/^[\w-]+$/)
    expect(sent[1].name).toBe(sent[0].function_call.name)
    const { input } = responsesBody({ model: 'm', messages, prompt: [] })
    expect(input).toEqual([
      { role: 'user', content: 'Add.' },
      { type: 'function_call', call_id: 'call_legacy_1', name: 'add', arguments: '{"a":1}' },
      { type: 'function_call_output', call_id: 'call_legacy_1', output: '2' },
      { type: 'function_call', call_id: 'call_legacy_2', name: 'add', arguments: '{}' },
      { type: 'function_call_output', call_id: 'call_legacy_2', output: '3' },
      { type: 'function_call_output', call_id: null, output: '4' },
    ])
  })

  test('stop sequences, which the Responses API lacks, are refused and not lost', () => {
    expect(() => responsesBody({ model: 'm', prompt: [], params: { stop: ['END'] } })).toThrow(
      expect.objectContaining({ code: 'bad_request' }),
    )
    for (const stop of [null, []])
      expect(responsesBody({ model: 'm', prompt: [], params: { stop } })).not.toHaveProperty('stop')
  })
})

describe('on the wire', () => {
  let fake: FakeOpenAI
  beforeAll(async () => {
    fake = await startFakeOpenAI()
  })
  afterAll(() => fake.close())

  const send = (options: { api: 'auto' | 'chat' | 'responses'; apiKey?: string }) =>
    collect(openaiProvider({ baseURL: fake.url, idleMs: 5000, ...options })(request, new AbortController().signal))

  test.each([
    ['auto', '/v1/chat/completions'],
    ['chat', '/v1/chat/completions'],
    ['responses', '/v1/responses'],
  ] as const)('api %s posts to %s, with the key', async (api, path) => {
    await send({ api, apiKey: 'secret' })
    const { method, body, headers, path: asked } = fake.requests.at(-1)!
    expect([method, asked, headers.authorization, headers['content-type']]).toEqual([
      'POST',
      path,
      'Bearer secret',
      'application/json',
    ])
    expect(body).toEqual(
      JSON.parse(JSON.stringify(path.endsWith('responses') ? responsesBody(request) : chatBody(request))),
    )
  })

  test('without a key no Authorization is sent', async () => {
    await send({ api: 'chat' })
    expect(fake.requests.at(-1)!.headers).not.toHaveProperty('authorization')
  })
})
