/** The OpenAI door says no in OpenAI's words, and what breaks off never looks whole. */
import { connect } from 'node:net'
import OpenAI from 'openai'
import { expect, test } from 'vitest'
import { answer, httpError, rateLimited, recorded } from '../../testing/index.ts'
import { doorClient, startDoor, streamDoor, tool, user } from './door-client.ts'
import { startWithPeople } from './people.ts'

const ask = (client: OpenAI, fields: object = {}, options: OpenAI.RequestOptions = {}) =>
  client.chat.completions.create(
    { model: 'm', messages: user('Hi'), stream: false, ...fields } as OpenAI.ChatCompletionCreateParamsNonStreaming,
    options,
  )

test('who is not signed in gets 401 in its shape', async () => {
  const { server, person } = await startWithPeople()
  await expect(ask(doorClient(server.url))).rejects.toMatchObject({
    constructor: OpenAI.AuthenticationError,
    status: 401,
    code: 'unauthenticated',
    type: 'authentication_error',
    param: null,
  })
  const ann = await person('ann')
  expect((await ask(doorClient(server.url, { apiKey: ann.token! }))).choices).toHaveLength(1)
})

test('a chat of others is 404, one that may only be read is 403', async () => {
  const { server, person } = await startWithPeople()
  const [ann, bob, eve] = await Promise.all(['ann', 'bob', 'eve'].map((name) => person(name)))
  const chatId = (await ann!.call('POST', '/api/chats', {})).body.id
  await ann!.call('POST', `/api/chats/${chatId}/members`, { userId: 'bob', role: 'viewer' })
  const headers = { 'X-Runnel-Chat-Id': chatId }
  await expect(ask(doorClient(server.url, { apiKey: eve!.token! }), {}, { headers })).rejects.toMatchObject({
    status: 404,
    code: 'not_found',
  })
  await expect(ask(doorClient(server.url, { apiKey: bob!.token! }), {}, { headers })).rejects.toMatchObject({
    status: 403,
    code: 'forbidden',
    type: 'permission_error',
  })
})

test.each([
  [{ n: 2 }, 'n'],
  [{ messages: [] }, 'messages'],
  [{ messages: [{ role: 'king', content: '' }] }, 'messages.0.role'],
  [{ model: 'other' }, 'model'],
  [{ functions: [{ name: 'f' }] }, 'functions'],
  [{ stream: 'yes' }, 'stream'],
  [{ tools: [tool('a'), tool('a')] }, null],
])('400 for %j names %s', async (fields, param) => {
  const { client, server, fake } = await startDoor({ RUNNEL_MODELS: 'm' })
  await expect(ask(client, fields)).rejects.toMatchObject({
    constructor: OpenAI.BadRequestError,
    status: 400,
    code: 'bad_request',
    type: 'invalid_request_error',
    param,
  })
  expect(fake.requests).toEqual([])
  expect((await server.call('GET', '/v1/nothing')).body.error.type).toBe('invalid_request_error')
  expect((await server.call('DELETE', '/v1/models')).status).toBe(405)
})

test.each([
  [
    'a refusal',
    httpError(400, 'temperature must be below 2'),
    { status: 400, code: 'provider_rejected', message: expect.stringContaining('temperature must be below 2') },
    'false',
  ],
  ['a rate limit', rateLimited(1), { status: 429, code: 'rate_limit_exceeded', type: 'requests' }, null],
  ['a fault', httpError(500, 'oh'), { status: 500, code: 'provider_error', type: 'server_error' }, null],
  ['a wrong key', httpError(401, 'no such key'), { status: 424, code: 'provider_auth' }, 'false'],
  [
    'an error before any output',
    answer({ text: 'x', after: { chunks: 0, fault: { error: 'overloaded' } } }),
    { status: 502, code: 'provider_error' },
    null,
  ],
])('%s of the provider is a status, streamed or not', async (_name, script, expected, shouldRetry) => {
  const { client, fake } = await startDoor({}, { fallback: script })
  for (const stream of [false, true]) {
    const failure = await ask(client, { stream }).then(
      () => null,
      (error: unknown) => error as InstanceType<typeof OpenAI.APIError>,
    )
    expect(failure).toMatchObject(expected)
    expect(failure!.headers!.get('x-should-retry')).toBe(shouldRetry)
    expect(failure!.headers!.get('x-runnel-message-id')).toMatch(/^msg_/)
    if (expected.status === 429) expect(failure!.headers!.get('retry-after')).toBe('1')
  }
  expect(fake.requests.length).toBeGreaterThan(1)
})

/** An upstream answer, and what the caller gets: its status, code, type, param. */
const refusals: [status: number, body: object, ...expected: [number, string | number, string, string | null]][] = [
  [
    400,
    {
      error: {
        message: 'Too long.',
        type: 'invalid_request_error',
        param: 'messages',
        code: 'context_length_exceeded',
      },
    },
    400,
    'context_length_exceeded',
    'invalid_request_error',
    'messages',
  ],
  [
    401,
    { error: { message: 'Incorrect API key.', type: 'invalid_request_error', param: null, code: 'invalid_api_key' } },
    424,
    'provider_auth',
    'invalid_request_error',
    null,
  ],
  [
    403,
    { error: { message: 'Not in your region.', type: 'request_forbidden', param: null, code: 'unsupported_country' } },
    424,
    'provider_auth',
    'invalid_request_error',
    null,
  ],
  [402, { error: { message: 'Pay.', code: 402 } }, 402, 402, 'invalid_request_error', null],
  [
    404,
    { error: { message: 'No such model.', type: 'invalid_request_error', param: 'model', code: 'model_not_found' } },
    404,
    'model_not_found',
    'invalid_request_error',
    'model',
  ],
  [408, { error: { message: 'Slow.' } }, 408, 'provider_rejected', 'invalid_request_error', null],
  [409, { error: { message: 'Again.', type: 'conflict' } }, 409, 'provider_rejected', 'conflict', null],
  [413, { error: { message: 'Too large.' } }, 413, 'provider_rejected', 'invalid_request_error', null],
  [422, { detail: 'Field required' }, 422, 'provider_rejected', 'invalid_request_error', null],
  [
    429,
    { error: { message: 'No money.', type: 'insufficient_quota', param: null, code: 'insufficient_quota' } },
    429,
    'insufficient_quota',
    'insufficient_quota',
    null,
  ],
  [
    503,
    { error: { message: 'Overloaded.', type: 'overloaded_error' } },
    503,
    'provider_error',
    'overloaded_error',
    null,
  ],
  // The provider's own, about no key.
  [
    424,
    { error: { message: 'Generation failed.', code: 'generation' } },
    424,
    'generation',
    'invalid_request_error',
    null,
  ],
  [307, {}, 424, 'provider_bad_response', 'invalid_request_error', null],
  // A stream that is nothing but its error.
  [
    200,
    {
      error: {
        message: 'Too long.',
        type: 'invalid_request_error',
        param: 'messages',
        code: 'context_length_exceeded',
      },
    },
    400,
    'context_length_exceeded',
    'invalid_request_error',
    'messages',
  ],
  [
    200,
    { error: { message: 'Key.', type: 'authentication_error' } },
    424,
    'provider_error',
    'invalid_request_error',
    null,
  ],
  [200, { error: { message: 'Slow down.', code: 429 } }, 429, 429, 'rate_limit_error', null],
  // An event of this name: the name is no kind of error.
  [
    200,
    { type: 'error', code: 'context_length_exceeded', message: 'Too long.', param: 'input' },
    400,
    'context_length_exceeded',
    'invalid_request_error',
    'input',
  ],
  [200, { error: { message: 'Slow down.', code: '429' } }, 429, '429', 'rate_limit_error', null],
  [200, { error: { message: 'Upstream is away.', code: 502 } }, 502, 502, 'server_error', null],
]

test('what the provider calls a failure is kept, with a status by which nobody asks again in vain', async () => {
  const { client, fake } = await startDoor()
  for (const [status, body, ...expected] of refusals) {
    const text = JSON.stringify(body)
    // The server itself asks once.
    const headers = {
      'content-type': 'application/json',
      'x-should-retry': 'false',
      'retry-after': '7',
      location: '/elsewhere',
    }
    for (const stream of [false, true]) {
      fake.enqueue(status === 200 ? recorded(`data: ${text}\n\n`) : { kind: 'reply', status, headers, body: text })
      const failure: any = await ask(client, { stream }).catch((error: unknown) => error)
      expect([failure.status, failure.code, failure.type, failure.param], text).toEqual(expected)
      const asksAgain = [408, 409, 429].includes(expected[0]) || expected[0] >= 500
      expect(failure.headers.get('x-should-retry'), text).toBe(asksAgain ? null : 'false')
      expect(failure.headers.get('retry-after')).toBe(
        status === 200 ? (expected[0] === 429 ? '1' : null) : asksAgain ? '7' : null,
      )
      expect(failure.headers.get('x-request-id')).toMatch(/./)
    }
  }
})

test.each([
  ['cut', 'cut' as const, 'provider_disconnected'],
  ['an error', { error: 'overloaded' }, 'provider_error'],
])('%s in the middle is no end: the SDK throws behind what came', async (_name, fault, code) => {
  const { client, server } = await startDoor(
    {},
    { fallback: answer({ text: 'This breaks off.', after: { chunks: 2, fault } }) },
  )
  let text = ''
  let thrown: unknown
  const { data, response } = await client.chat.completions
    .create({ model: 'm', messages: user('Hi'), stream: true })
    .withResponse()
  try {
    for await (const chunk of data) text += chunk.choices[0]?.delta.content ?? ''
  } catch (error) {
    thrown = error
  }
  expect(text).toBe('This breaks ')
  expect(thrown).toMatchObject({ code, type: 'server_error' })
  expect((await server.call('GET', `/api/messages/${response.headers.get('x-runnel-message-id')}`)).body.status).toBe(
    'failed',
  )
  await expect(ask(client)).rejects.toMatchObject({ status: 502, code })

  // On the wire: no [DONE], and a body without its last chunk.
  const raw = await rawAnswer(server.url, { messages: user('Hi'), stream: true })
  expect(raw).toContain('data: {"error":')
  expect(raw).not.toContain('[DONE]')
  expect(raw.endsWith('0\r\n\r\n')).toBe(false)
})

test('a body that is too large, and one that is no JSON, are refused in its shape', async () => {
  const { client, server } = await startDoor({ RUNNEL_MAX_DOOR_BODY_BYTES: 2_000 })
  await expect(ask(client, { messages: user('x'.repeat(3_000)) })).rejects.toMatchObject({
    status: 413,
    code: 'too_large',
    type: 'invalid_request_error',
  })
  const response = await fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{',
  })
  expect([response.status, Object.keys(((await response.json()) as any).error)]).toEqual([
    400,
    ['message', 'type', 'param', 'code'],
  ])
})

test('who has too many answers in line gets 429, and no chat is left of it', async () => {
  const { client, server, fake } = await startDoor({
    RUNNEL_MAX_TASKS_PER_USER: 1,
    RUNNEL_MAX_QUEUED_TASKS_PER_USER: 1,
  })
  fake.manual()
  await server.ask('Runs')
  await fake.received(1)
  await server.ask('Waits')
  const rooms = server.runnel.stats().rooms
  await expect(ask(client)).rejects.toMatchObject({
    constructor: OpenAI.RateLimitError,
    status: 429,
    code: 'rate_limited',
  })
  expect(server.runnel.stats().rooms).toBe(rooms)
})

test('an answer that somebody stops is no whole one, and is not asked for again', async () => {
  const { client, server, fake } = await startDoor()
  for (const stream of [true, false]) {
    const script = fake.manual()
    const asked = (stream ? streamDoor(client, {}, { maxRetries: 2 }) : ask(client, {}, { maxRetries: 2 })).then(
      () => null,
      (error: unknown) => error,
    )
    await script.request
    if (stream) script.send('Partial')
    const [run] = (await server.call('GET', '/api/tasks')).body.items
    await server.call('POST', `/api/tasks/${run.taskId}/stop`)
    expect(await asked).toMatchObject({ code: 'stopped', ...(!stream && { status: 410 }) })
  }
  expect(fake.requests).toHaveLength(2)
})

test('a filter that ends the run is a reason, not a failure', async () => {
  const filter = {
    name: 'moderation',
    stream: (context: { end(words: string): void }) => (event: any) => {
      if (event.type === 'delta' && event.text.includes('bad')) context.end('Not here.')
      return event
    },
  }
  const { client } = await startDoor({ filters: [filter] }, { fallback: answer({ text: 'Good, then bad.' }) })
  const { chunks } = await streamDoor(client)
  expect(chunks.at(-1)!.choices[0]!.finish_reason).toBe('content_filter')
  expect((await ask(client)).choices[0]).toMatchObject({
    finish_reason: 'content_filter',
    message: { content: 'Good, then ' },
  })
})

test('with a Responses upstream messages become input items, and stop sequences are refused', async () => {
  const { client, fake } = await startDoor({ RUNNEL_OPENAI_API: 'responses' }, { fallback: answer({ text: 'Yes.' }) })
  expect((await ask(client, { max_tokens: 9, tools: [tool('add')] })).choices[0]!.message.content).toBe('Yes.')
  expect(fake.requests[0]!.body).toMatchObject({
    input: user('Hi'),
    max_output_tokens: 9,
    tools: [{ type: 'function', name: 'add' }],
  })
  for (const stream of [false, true])
    await expect(ask(client, { stop: 'END', stream })).rejects.toMatchObject({
      status: 400,
      code: 'bad_request',
      message: expect.stringContaining('stop'),
    })
  expect(fake.requests).toHaveLength(1)
})

test('silence is spoken into once it is long: the head goes out, then comments', async () => {
  const { server, fake } = await startDoor({ RUNNEL_HEARTBEAT_MS: 60, RUNNEL_HEARTBEAT_TIMEOUT_MS: 80 })
  const script = fake.manual()
  const asked = rawAnswer(server.url, { messages: user('Hi'), stream: true }, (text) => {
    if (text.split('\n:\n\n').length === 3 || text.match(/^:$/gm)?.length === 2) script.end()
  })
  await script.request
  const raw = await asked
  expect(raw.indexOf('HTTP/1.1 200')).toBe(0)
  expect(raw.indexOf('"role":"assistant"')).toBeLessThan(raw.indexOf('\n:\n'))
  expect(raw).toContain('data: [DONE]')
})

/** The bytes of an answer, until the server ends the connection or the body. */
async function rawAnswer(url: string, body: object, onText: (text: string) => void = () => {}): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const sent = JSON.stringify(body)
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(sent)}\r\n\r\n${sent}`,
  )
  let text = ''
  return await new Promise((resolve) => {
    socket
      .setEncoding('utf8')
      .on('data', (part: string) => {
        onText((text += part))
      })
      .on('error', () => {})
      .on('close', () => resolve(text))
  })
}
