/** What a caller may say to the provider beside the question, and what only the server says. */
import { expect, test } from 'vitest'
import { answer } from '../../testing/index.ts'
import { startWithFake } from './server.ts'

type Settings = Parameters<typeof startWithFake>[0]

async function asked(settings: Settings = {}) {
  const { server, fake } = await startWithFake({ RUNNEL_MODELS: 'small', RUNNEL_MODEL: 'small', ...settings })
  const { id } = (await server.call('POST', '/api/chats', {})).body
  const ask = (fields: object) =>
    server.call('POST', `/api/chats/${id}/messages`, { content: 'Hi', stream: false, ...fields })
  const door = (fields: object) =>
    server.call('POST', '/v1/chat/completions', { messages: [{ role: 'user', content: 'Hi' }], ...fields })
  return { server, fake, id, ask, door }
}

const decided = {
  model: 'large',
  models: ['large'],
  messages: [{ role: 'user', content: 'real' }],
  input: 'real',
  instructions: 'real',
  prompt: { id: 'pmpt_1' },
  tools: [{ type: 'web_search' }],
  tool_choice: 'none',
  stream: false,
  store: true,
  background: true,
  conversation: 'conv_1',
  previous_response_id: 'resp_1',
  n: 2,
  user: 'somebody',
  metadata: { a: 'b' },
  service_tier: 'priority',
}

test('params that the server decides are 400 with their names, in every spelling, and nobody is asked', async () => {
  const { server, fake, ask } = await asked()
  const all = await ask({ params: decided })
  expect(all.status).toBe(400)
  expect(all.body.error.details.fields.map(({ field }: { field: string }) => field)).toEqual(
    Object.keys(decided).map((name) => `params.${name}`),
  )
  const spelled: [object, string][] = [
    ...Object.entries(decided).map(([name, value]) => [{ [name]: value }, name] as [object, string]),
    [{ MODEL: 'large' }, 'model'],
    [{ meſſages: [] }, 'messages'],
    [{ toolChoice: 'none' }, 'tool_choice'],
    [{ 'previous-response-id': 'resp_1' }, 'previous_response_id'],
    [{ functions: [{ name: 'f' }] }, 'functions'],
    [{ extra_body: { Input: 'real' } }, 'input'],
    [{ extra_body: { extra_body: { model: 'large' } } }, 'model'],
    [{ n: null }, 'n'],
    [{ system: 'real' }, 'system'],
    [{ systemInstruction: 'real' }, 'system_instruction'],
    [{ fallbacks: ['large'] }, 'fallbacks'],
    [{ chat_template: 'real' }, 'chat_template'],
    [{ model_kwargs: { model: 'large' } }, 'model'],
    [{ bestOf: 2 }, 'best_of'],
    [{ api_base: 'http://elsewhere.example' }, 'api_base'],
  ]
  for (const [params, name] of spelled) {
    const { status, body } = await ask({ params })
    expect([status, body.error?.code, body.error?.message.split(':')[0]]).toEqual([
      400,
      'bad_request',
      `params.${name}`,
    ])
  }
  const { ids } = { ids: await server.ask('Hi') }
  await expect
    .poll(async () => (await server.call('GET', `/api/messages/${ids.messageId}`)).body.status)
    .toBe('completed')
  const before = fake.requests.length
  for (const [method, path] of [
    ['POST', `/api/messages/${ids.messageId}/regenerate`],
    ['PATCH', `/api/messages/${ids.userMessageId}`],
  ] as const) {
    const { status } = await server.call(method, path, {
      ...(method === 'PATCH' && { content: 'Hi' }),
      params: { model: 'large' },
    })
    expect(status).toBe(400)
  }
  expect(fake.requests.length).toBe(before)
})

test('other params go upstream, stream_options beside include_usage, which stays', async () => {
  const { fake, ask } = await asked()
  const { body } = await ask({ params: { temperature: 0.5, top_k: 4, stream_options: { include_usage: false, x: 1 } } })
  expect(body).toMatchObject({ status: 'completed', model: 'small' })
  expect(fake.requests[0]!.body).toMatchObject({
    model: 'small',
    temperature: 0.5,
    top_k: 4,
    stream_options: { include_usage: true, x: 1 },
  })
  await ask({ params: { stream_options: null } })
  expect(fake.requests[1]!.body).not.toHaveProperty('stream_options')
})

test('at /v1 what would stand over the messages is 400; vendors have fields of their own', async () => {
  const { fake, door } = await asked()
  const spelled: [object, string][] = [
    ...(
      ['models', 'input', 'instructions', 'prompt', 'previous_response_id', 'conversation', 'background'] as const
    ).map((name) => [{ [name]: decided[name] }, name] as [object, string]),
    [{ Model: 'large' }, 'model'],
    [{ MESSAGES: [] }, 'messages'],
    [{ extra_body: { instructions: 'real' } }, 'instructions'],
  ]
  for (const [fields, name] of spelled) {
    const { status, body } = await door(fields)
    expect([status, body.error?.type, body.error?.param]).toEqual([400, 'invalid_request_error', name])
  }
  expect(fake.requests).toEqual([])
  const fields = {
    top_k: 4,
    provider: { order: ['a'] },
    service_tier: 'flex',
    tool_choice: 'auto',
    extra_body: { google: {} },
  }
  const { status } = await door({ ...fields, user: 'u', metadata: {}, store: true, User: 'u', input: null, n: null })
  expect(status).toBe(200)
  expect(fake.requests[0]!.body).toEqual({
    ...fields,
    model: 'small',
    messages: [{ role: 'user', content: 'Hi' }],
    stream: true,
    stream_options: { include_usage: true },
  })
  await door({ stream_options: null })
  expect(fake.requests[1]!.body).not.toHaveProperty('stream_options')
})

test('RUNNEL_ALLOWED_PARAMS narrows what may be given, at both doors', async () => {
  const { ask, door } = await asked({ RUNNEL_ALLOWED_PARAMS: 'temperature,model' })
  expect((await ask({ params: { temperature: 1 } })).status).toBe(200)
  expect((await door({ temperature: 1, tool_choice: 'auto' })).status).toBe(200)
  const refused = await ask({ params: { top_p: 1, [`x${'y'.repeat(1_000)}`]: 1 } })
  expect(refused.status).toBe(400)
  expect(refused.body.error.message).toContain('params.top_p')
  expect(refused.body.error.message.length).toBeLessThan(300)
  expect((await ask({ params: { model: 'large' } })).status).toBe(400)
  expect((await door({ top_p: 1 })).body.error.param).toBe('top_p')
})

test('tools that the provider runs are taken with RUNNEL_PROVIDER_TOOLS only', async () => {
  const own = { type: 'function', function: { name: 'add', parameters: {} } }
  const search = { type: 'web_search' }
  const off = await asked()
  for (const tools of [[search], [own, { type: 'mcp', server_url: 'https://mcp.example' }], [{ google_search: {} }]]) {
    expect((await off.ask({ tools })).body.error).toMatchObject({
      code: 'bad_request',
      message: expect.stringMatching(/^tools: /),
    })
    expect((await off.door({ tools })).body.error).toMatchObject({ code: 'bad_request', param: 'tools' })
  }
  expect((await off.door({ tools: [own] })).status).toBe(200)
  expect(off.fake.requests).toHaveLength(1)
  const on = await asked({ RUNNEL_PROVIDER_TOOLS: 'on' })
  expect((await on.ask({ tools: [search] })).status).toBe(200)
  expect((await on.door({ tools: [search] })).status).toBe(200)
  expect(on.fake.requests.map(({ body }) => body.tools)).toEqual([[search], [search]])
})

test('the stored message names the model that was asked, also where a filter chose it', async () => {
  const { server, fake, id, ask } = await asked({
    filters: [{ name: 'chooser', inlet: (request) => ({ ...request, model: 'chosen' }) }],
  })
  fake.enqueue(answer({ text: 'Hi.' }))
  const { body } = await ask({})
  expect([fake.requests[0]!.body.model, body.model]).toEqual(['chosen', 'chosen'])
  expect((await server.call('GET', `/api/chats/${id}/messages`)).body.items[1].model).toBe('chosen')
})
