/** Several upstreams behind one server: who is asked, in whose place, by whom, and what is told of it. */
import { SignJWT } from 'jose'
import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import { openaiProvider } from '../../server/app/openai-provider.ts'
import { moderation } from '../../server/extension/moderation.ts'
import { redaction } from '../../server/extension/redaction.ts'
import type { Message } from '../../shared/schema.ts'
import { connect } from '../../client/index.ts'
import {
  answer,
  httpError,
  rateLimited,
  recorded,
  startFakeOpenAI,
  type FakeOpenAI,
  type Script,
} from '../../testing/index.ts'
import { saysHello } from '../helpers/says-hello.ts'
import { doorClient } from './door-client.ts'
import { Person, secret } from './people.ts'
import { closeAfterwards, start } from './server.ts'

const names = ['a', 'b', 'c'] as const

/** Three fakes, each of which says who it is. */
async function startThree(
  providers: (fakes: Record<(typeof names)[number], FakeOpenAI>) => object = () => ({}),
  settings: object = {},
) {
  const fakes = Object.fromEntries(
    await Promise.all(
      names.map(async (name) => {
        const fake = await startFakeOpenAI({ fallback: answer({ text: `I am ${name}.` }) })
        closeAfterwards(() => fake.close())
        return [name, fake] as const
      }),
    ),
  ) as Record<(typeof names)[number], FakeOpenAI>
  const base = (name: (typeof names)[number]) => ({
    baseUrl: fakes[name].url,
    apiKey: `sk-key-of-${name}`,
    maxRetries: 0,
  })
  const given = providers(fakes) as Record<string, object>
  const server = await start({
    providers: Object.fromEntries(
      names.map((name) => [name, { ...base(name), models: [`${name}-model`, 'shared'], ...given[name] }]),
    ),
    RUNNEL_MODEL: 'a/a-model',
    ...settings,
  })
  return { server, fakes }
}

type Started = Awaited<ReturnType<typeof startThree>>

async function ask({ server }: Pick<Started, 'server'>, fields: object = {}): Promise<Message> {
  const { id } = (await server.call('POST', '/api/chats', {})).body
  const { body } = await server.call('POST', `/api/chats/${id}/messages`, { content: 'Who?', stream: false, ...fields })
  return body.error?.details?.message ?? body
}

const textOf = ({ output }: Message) => output.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('')
const saidOf = ({ output }: Message) => output.flatMap((block) => (block.type === 'progress' ? [block.text] : []))
const asks = (fakes: Started['fakes']) => names.map((name) => fakes[name].requests.length)

test('name/model, or a plain name that one lists; each is asked in its own way, and the message says who answered', async () => {
  const started = await startThree(() => ({
    a: { headers: { 'X-Team': 'blue-secret-team' }, params: { temperature: 0.1, max_tokens: 9, top_p: 1 }, user: true },
    b: { api: 'responses', user: 'safety_identifier', userHeader: 'X-User-Id' },
  }))
  const { fakes } = started
  expect(await ask(started, { params: { temperature: 0.9, max_completion_tokens: 5 } })).toMatchObject({
    model: 'a/a-model',
    status: 'completed',
  })
  expect(textOf(await ask(started, { model: 'b-model' }))).toBe('I am b.')
  expect(await ask(started, { model: 'c/c-model' })).toMatchObject({ model: 'c/c-model' })
  expect(asks(fakes)).toEqual([1, 1, 1])

  const [a, b, c] = names.map((name) => fakes[name].requests[0]!)
  expect(a!.headers).toMatchObject({ authorization: 'Bearer sk-key-of-a', 'x-team': 'blue-secret-team' })
  expect(a!.body).toMatchObject({
    model: 'a-model',
    temperature: 0.9,
    max_completion_tokens: 5,
    top_p: 1,
    user: 'local',
  })
  expect(a!.body).not.toHaveProperty('max_tokens')
  expect(b!.path).toBe('/v1/responses')
  expect(b!.body).toMatchObject({ model: 'b-model', safety_identifier: 'local' })
  expect(b!.headers['x-user-id']).toBe('local')
  expect(c!.body).not.toHaveProperty('user')
  expect(c!.headers).not.toHaveProperty('x-user-id')
  expect(c!.headers).not.toHaveProperty('x-team')

  const { status, body } = await started.server.call('POST', '/v1/chat/completions', {
    model: 'shared',
    messages: [{ role: 'user', content: 'x' }],
  })
  expect([status, body.error]).toEqual([
    400,
    expect.objectContaining({
      param: 'model',
      message: expect.stringContaining('Name one of a/shared, b/shared, c/shared'),
    }),
  ])
})

test('what there is: for the API, for the SDK, for the client', async () => {
  const facts = { id: 'a-model', name: 'The first', images: true, tools: true, reasoning: false, contextTokens: 8192 }
  const { server, fakes } = await startThree(() => ({
    a: { models: [facts] },
    b: { models: ['org/b-model'] },
    c: { models: 'listed' },
  }))
  const { items } = (await server.call('GET', '/api/models')).body
  expect(items[0]).toEqual({ ...facts, id: 'a/a-model', provider: 'a', isDefault: true })
  await expect
    .poll(async () => (await server.call('GET', '/api/models')).body.items.map(({ id }: any) => id))
    .toEqual(['a/a-model', 'b/org/b-model', 'c/fake-model'])
  const client = connect({ url: server.url })
  closeAfterwards(async () => client.close())
  expect((await client.api.listModels({ limit: 1 })).items).toEqual(items.slice(0, 1))
  const models = doorClient(server.url).models
  expect((await models.list()).data).toEqual([
    {
      id: 'a/a-model',
      object: 'model',
      created: 0,
      owned_by: 'a',
      name: 'The first',
      context_length: 8192,
      architecture: { input_modalities: ['text', 'image'] },
      supported_parameters: ['tools', 'tool_choice'],
    },
    { id: 'b/org/b-model', object: 'model', created: 0, owned_by: 'b' },
    { id: 'c/fake-model', object: 'model', created: 0, owned_by: 'c' },
  ])
  expect((await models.retrieve('a/a-model')).owned_by).toBe('a')
  // A Runnel behind this one is a provider like others, and its list is understood.
  const outer = await start({ providers: { inner: { baseUrl: `${server.url}/v1`, models: 'listed' } } })
  expect(await ask({ server: outer }, { model: 'inner/a/a-model' })).toMatchObject({ model: 'inner/a/a-model' })
  expect((await outer.call('GET', '/api/models')).body.items[0]).toEqual({
    ...facts,
    id: 'inner/a/a-model',
    provider: 'inner',
    isDefault: true,
  })
  expect(fakes.a.requests).toHaveLength(1)
})

describe('a fallback', () => {
  const withFallback = (settings: object = {}, more: object = {}) =>
    startThree(
      () => ({ a: { models: [{ id: 'a-model', fallback: ['b/b-model', 'c-model'] }], idleMs: 200, ...more } }),
      settings,
    )

  test.each<[string, Script | 'gone', object]>([
    ['5xx', httpError(503, 'Overloaded, sk-key-of-a.'), {}],
    ['429 after its tries', rateLimited(1), { maxRetries: 1 }],
    ['no connection', 'gone', {}],
    ['a connection that drops', { kind: 'drop' }, {}],
    ['silence', { kind: 'silent' }, {}],
    ['a fault in the stream before the first token', answer({ after: { chunks: 0, fault: { error: 'Boom.' } } }), {}],
    ['a web page', { kind: 'reply', status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' }, {}],
  ])('%s: another answers, and the message says so', async (_name, script, more) => {
    const started = await withFallback({}, more)
    const { fakes, server } = started
    if (script === 'gone') await fakes.a.close()
    else fakes.a.enqueue(script, script)
    const message = await ask(started)
    expect(message).toMatchObject({ status: 'completed', model: 'b/b-model' })
    expect(textOf(message)).toBe('I am b.')
    expect(saidOf(message)).toEqual([
      expect.stringMatching(/^a: The model provider [^]* b\/b-model is asked instead\.$/),
    ])
    expect(JSON.stringify(message)).not.toContain('sk-key')
    expect(message.output[0]).toMatchObject({ type: 'progress', status: 'completed', done: true })
    expect(fakes.b.requests[0]!.headers.authorization).toBe('Bearer sk-key-of-b')
    expect((await server.call('GET', `/api/chats/${message.chatId}/messages`)).body.items[1].model).toBe('b/b-model')
    const page = await server.runnel.metrics()
    expect(page).toContain('runnel_provider_requests_total{provider="b",outcome="answering"} 1')
    expect(page).toMatch(/runnel_provider_requests_total\{provider="a",outcome="provider_\w+"\} 1/)
  })

  test.each<[string, Script, string]>([
    ['400', httpError(400, 'No such parameter.'), 'provider_rejected'],
    ['401', httpError(401, 'Who are you?'), 'provider_auth'],
    ['404', httpError(404, 'No such model.'), 'provider_rejected'],
    [
      'a fault behind the first token',
      answer({ text: 'Half', after: { chunks: 1, fault: { error: 'Boom.' } } }),
      'provider_error',
    ],
  ])('%s: nobody else is asked', async (_name, script, code) => {
    const started = await withFallback()
    started.fakes.a.enqueue(script)
    const message = await ask(started)
    expect(message).toMatchObject({
      status: 'failed',
      model: 'a/a-model',
      error: { code, message: expect.stringMatching(/^a: /) },
    })
    expect(asks(started.fakes)).toEqual([1, 0, 0])
  })

  test('what filters look at is the answer of whoever gave it', async () => {
    const started = await withFallback({
      filters: [
        redaction({ patterns: [{ pattern: /I am/, replacement: 'It is' }] }),
        moderation({ check: async () => null }),
      ],
    })
    started.fakes.a.enqueue(httpError(503, 'No.'))
    const message = await ask(started)
    expect(message).toMatchObject({ status: 'completed', model: 'b/b-model' })
    expect(saidOf(message)).toHaveLength(1)
    expect(textOf(message)).not.toContain('I am')
  })

  test('goes on to the third; where none answers, all are named', async () => {
    const started = await withFallback()
    const { fakes, server } = started
    fakes.a.enqueue(httpError(500, 'First.'))
    fakes.b.enqueue(httpError(502, 'Second.'))
    const message = await ask(started)
    expect(message).toMatchObject({ status: 'completed', model: 'c/c-model' })
    expect(saidOf(message)[0]).toMatch(
      /First\. b\/b-model is asked instead\.\nb: [^]*Second\. c\/c-model is asked instead\.$/,
    )
    for (const name of names) fakes[name].enqueue(httpError(500, `Not ${name}.`))
    const failed = await ask(started)
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'provider_error', retryable: true } })
    expect(failed.error!.message).toMatch(/^a: .*Not a\. b: .*Not b\. c: .*Not c\.$/)
    expect(await server.runnel.metrics()).toMatch(
      /runnel_run_failures_total\{code="provider_error",model="a\/a-model",provider="a"\} 1/,
    )
  })

  test('a stop while the second is asked ends it there', async () => {
    const started = await withFallback()
    const { server, fakes } = started
    fakes.a.enqueue(httpError(503, 'No.'))
    fakes.b.enqueue({ kind: 'silent' })
    const { messageId } = await server.ask('Who?')
    const asked = await fakes.b.received(1)
    expect((await server.call('POST', `/api/messages/${messageId}/stop`)).body.status).toBe('stopped')
    await asked.hungUp
    expect(asks(fakes)).toEqual([1, 1, 0])
  })

  test('at the door: the answer names who answered, and a stream breaks nowhere', async () => {
    const { server, fakes } = await withFallback()
    fakes.a.enqueue(httpError(503, 'No.'), httpError(503, 'No.'))
    const client = doorClient(server.url)
    const request = { model: 'a-model', messages: [{ role: 'user' as const, content: 'Who?' }] }
    const whole = await client.chat.completions.create(request)
    expect([whole.model, whole.choices[0]!.message.content]).toEqual(['b/b-model', 'I am b.'])
    let text = ''
    const models = new Set<string>()
    for await (const { model, choices } of await client.chat.completions.create({ ...request, stream: true })) {
      models.add(model)
      text += choices[0]?.delta.content ?? ''
    }
    expect([text, [...models]]).toEqual(['I am b.', ['b/b-model']])
  })

  test('whoever began an answer goes on with it, also behind its calls', async () => {
    const started = await withFallback()
    const { fakes, server } = started
    fakes.a.enqueue(httpError(503, 'No.'))
    fakes.b.enqueue(answer({ toolCalls: [{ id: 'c1', name: 'look', arguments: '{}' }] }))
    const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: {} } } }]
    const waiting = await ask(started, { tools })
    expect(waiting).toMatchObject({ status: 'waiting', model: 'b/b-model' })
    await server.call('POST', `/api/messages/${waiting.id}/tool-calls/c1`, { output: 'seen' })
    await expect
      .poll(async () => (await server.call('GET', `/api/messages/${waiting.id}`)).body.status)
      .toBe('completed')
    expect(asks(fakes)).toEqual([1, 2, 0])
    // Continue, too; those who were asked before stand in for it now.
    fakes.b.enqueue(httpError(503, 'No.'))
    const { body } = await server.call('POST', `/api/messages/${waiting.id}/continue`, { stream: false })
    expect(body).toMatchObject({ status: 'completed', model: 'a/a-model' })
    expect(asks(fakes)).toEqual([2, 3, 0])
  })

  test('an inlet filter that chooses another model is not answered for by those that stood in for the first', async () => {
    const started = await withFallback({
      filters: [{ name: 'cheap', inlet: (request: object) => ({ ...request, model: 'c/c-model' }) }],
    })
    started.fakes.c.enqueue(httpError(503, 'No.'))
    expect(await ask(started)).toMatchObject({
      status: 'failed',
      model: 'c/c-model',
      error: { message: expect.stringMatching(/^c: /) },
    })
    expect(asks(started.fakes)).toEqual([0, 0, 1])
  })
})

test('strictTurns is of one provider: its neighbours of one role are one message', async () => {
  const started = await startThree(() => ({ a: { strictTurns: true } }))
  const { fakes, server } = started
  for (const name of ['a', 'b'] as const) {
    const { id } = (await server.call('POST', '/api/chats', {})).body
    const say = async (content: string) =>
      await server.call('POST', `/api/chats/${id}/messages`, { content, model: `${name}-model`, stream: false })
    fakes[name].enqueue(httpError(400, 'No.'))
    await say('One')
    await say('Two')
  }
  const turns = (['a', 'b'] as const).map((name) => fakes[name].requests[1]!.body.messages!.length)
  expect(turns).toEqual([1, 2])
})

test('what one provider has signed goes to no other: neither in a later turn nor where another stands in', async () => {
  const started = await startThree(() => ({ a: { models: [{ id: 'a-model', fallback: ['b/b-model'] }] } }))
  const { fakes, server } = started
  const signed = (word: string) =>
    recorded(
      [
        { delta: { reasoning_details: [{ type: 'reasoning.encrypted', data: word, format: 'f', index: 0 }] } },
        { delta: { content: 'Well.' } },
        { delta: {}, finish_reason: 'stop' },
      ]
        .map((choice) => `data: ${JSON.stringify({ choices: [{ index: 0, ...choice }] })}\n\n`)
        .join('') + 'data: [DONE]\n\n',
    )
  const { id } = (await server.call('POST', '/api/chats', {})).body
  const say = async (model: string) =>
    (await server.call('POST', `/api/chats/${id}/messages`, { content: 'Who?', model, stream: false })).body as Message
  const lastBody = (name: (typeof names)[number]) => JSON.stringify(fakes[name].requests.at(-1)!.body)
  fakes.a.enqueue(signed('SIGNED-BY-A'))
  fakes.b.enqueue(signed('SIGNED-BY-B'))
  expect(await say('a-model')).toMatchObject({ status: 'completed' })
  await say('b-model')
  expect(lastBody('b')).not.toContain('SIGNED-BY-A')
  await say('a-model')
  expect(lastBody('a')).toContain('SIGNED-BY-A')
  expect(lastBody('a')).not.toContain('SIGNED-BY-B')
  fakes.a.enqueue(httpError(503, 'No.'))
  expect(await say('a-model')).toMatchObject({ model: 'b/b-model' })
  expect(lastBody('b')).toContain('SIGNED-BY-B')
  expect(lastBody('b')).not.toContain('SIGNED-BY-A')
})

describe('sign-in', () => {
  const token = async (user: string, models?: unknown) =>
    await new SignJWT({ ...(models !== undefined && { 'https://runnel.example/models': models }) })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(user)
      .setExpirationTime('1h')
      .sign(new TextEncoder().encode(secret))

  async function signedIn(providers?: Parameters<typeof startThree>[0]) {
    const started = await startThree(providers, {
      RUNNEL_AUTH_SECRET: secret,
      RUNNEL_AUTH_MODELS_CLAIM: 'https://runnel.example/models',
      RUNNEL_PROVIDER_TOOLS: 'on',
    })
    const person = async (user: string, models?: unknown) => new Person(started.server, await token(user, models))
    return { ...started, person }
  }

  test('claims narrow the models on every road', async () => {
    const { server, fakes, person } = await signedIn(() => ({
      a: { models: [{ id: 'a-model', fallback: ['c/c-model', 'b/b-model'] }] },
    }))
    const [all, some] = await Promise.all([person('all'), person('some', ['b/*', 'a-model'])])
    const chatId = (await all.call('POST', '/api/chats', {})).body.id as string
    await all.call('POST', `/api/chats/${chatId}/members`, { userId: 'some', role: 'editor' })
    const path = `/api/chats/${chatId}/messages`
    const finished = async (by: Person, fields: object) =>
      (await by.call('POST', path, { content: 'Who?', stream: false, ...fields })).body as Message
    const ofC = await finished(all, { model: 'c-model' })
    expect(ofC).toMatchObject({ status: 'completed', model: 'c/c-model' })

    const question = { content: 'Who?', model: 'c/c-model' }
    const roads: [string, string, object][] = [
      ['POST', path, question],
      ['POST', `/api/messages/${ofC.id}/regenerate`, {}],
      ['POST', `/api/messages/${ofC.id}/regenerate`, { model: 'c-model' }],
      ['POST', `/api/messages/${ofC.id}/continue`, {}],
      ['PATCH', `/api/messages/${ofC.parentId}`, question],
    ]
    const before = fakes.c.requests.length
    for (const [method, road, body] of roads) {
      const refused = await some.call(method, road, body)
      expect([road, refused.status, refused.body.error]).toEqual([
        road,
        403,
        {
          code: 'forbidden',
          message: expect.stringMatching(
            /^model: "c(\/c)?-model" is not for you\. You may ask a\/a-model, b\/b-model, b\/shared\.$/,
          ),
          details: { fields: [{ field: 'model', message: 'is not allowed' }] },
        },
      ])
    }
    const door = await some.call('POST', '/v1/chat/completions', {
      model: 'c-model',
      messages: [{ role: 'user', content: 'x' }],
    })
    expect([door.status, door.body.error.code, door.body.error.param]).toEqual([403, 'forbidden', 'model'])
    expect(fakes.c.requests).toHaveLength(before)

    // What is narrowed is so for the models that stand in, too.
    fakes.a.enqueue(httpError(503, 'No.'))
    expect(await finished(some, { model: 'a-model' })).toMatchObject({ status: 'completed', model: 'b/b-model' })
    fakes.a.enqueue(httpError(503, 'No.'))
    expect(await finished(all, { model: 'a-model' })).toMatchObject({ status: 'completed', model: 'c/c-model' })
    // One who may goes on with it, and is answered by whom they may ask.
    expect((await all.call('POST', `/api/messages/${ofC.id}/continue`, { stream: false })).body).toMatchObject({
      status: 'completed',
      model: 'c/c-model',
    })

    const listOf = async (by: Person) =>
      (await by.call('GET', '/api/models')).body.items.map(({ id, isDefault }: any) => (isDefault ? `${id} *` : id))
    expect(await listOf(some)).toEqual(['a/a-model *', 'b/b-model', 'b/shared'])
    expect((await some.call('GET', '/v1/models')).body.data).toHaveLength(3)
    expect((await some.call('GET', '/v1/models/c%2Fc-model')).status).toBe(404)
    // The default is the first that this person may ask.
    const [last, none, odd] = await Promise.all([person('last', 'c/* b/b-model'), person('none', []), person('odd', 7)])
    expect(await listOf(last)).toEqual(['b/b-model *', 'c/c-model', 'c/shared'])
    expect(
      (await last.call('POST', '/v1/chat/completions', { messages: [{ role: 'user', content: 'x' }] })).body.model,
    ).toBe('b/b-model')
    for (const nobody of [none, odd]) {
      expect(await listOf(nobody)).toEqual([])
      const { id } = (await nobody.call('POST', '/api/chats', {})).body
      expect((await nobody.call('POST', `/api/chats/${id}/messages`, { content: 'x' })).body.error).toMatchObject({
        code: 'forbidden',
      })
    }
    // A link opens no model that its maker may not ask.
    const { id } = (await last.call('POST', '/api/chats', {})).body
    const invite = (await last.call('POST', `/api/chats/${id}/invites`, { role: 'editor' })).body
    const guest = new Person(server, invite.token)
    expect(await listOf(guest)).toEqual(['a/a-model *'])
    expect((await guest.call('POST', `/api/chats/${id}/messages`, { content: 'x', model: 'c-model' })).status).toBe(403)
  })

  test('who may not ask a model does not make it go on by an approval, either', async () => {
    const { fakes, person, server } = await signedIn(() => ({ c: { api: 'responses' } }))
    const [all, some] = await Promise.all([person('all'), person('some', ['b/*'])])
    const item = { id: 'mcpr_1', type: 'mcp_approval_request', name: 'link', arguments: '{}', server_label: 'links' }
    const events = [
      { type: 'response.output_item.added', output_index: 0, item },
      { type: 'response.output_item.done', output_index: 0, item },
      { type: 'response.completed', response: { status: 'completed', output: [] } },
    ]
    fakes.c.enqueue(recorded(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')))
    const { id } = (await all.call('POST', '/api/chats', {})).body
    await all.call('POST', `/api/chats/${id}/members`, { userId: 'some', role: 'editor' })
    const tools = [
      { type: 'mcp', server_label: 'links', server_url: 'https://mcp.example', require_approval: 'always' },
    ]
    const { body } = await all.call('POST', `/api/chats/${id}/messages`, {
      content: 'x',
      model: 'c-model',
      tools,
      stream: false,
    })
    const call = body.output.find(({ type }: any) => type === 'tool_call')
    expect(call).toMatchObject({ status: 'awaiting_approval', executor: 'provider' })
    const decide = (by: Person) =>
      by.call('POST', `/api/messages/${body.id}/tool-calls/${call.callId}`, { decision: 'approve' })
    expect((await decide(some)).body.error).toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('"c/c-model" is not for you'),
    })
    expect(fakes.c.requests).toHaveLength(1)
    expect((await decide(all)).status).toBe(200)
    await fakes.c.received(2)
    expect(server.runnel.stats().runs.queued).toBe(0)
  })

  test('a login of a program narrows them, too; what is no list is its fault', async () => {
    const users: Record<string, object> = { ada: { models: ['b/*'] }, bob: {}, eve: { models: 'b/*' } }
    const { server } = await startThree(undefined, {
      authenticate: (id?: string) => (id === undefined ? null : { id, name: id, ...users[id] }),
      RUNNEL_GUEST_MODELS: 'c/c-model',
    })
    const [ada, bob, eve] = ['ada', 'bob', 'eve'].map((id) => new Person(server, id))
    expect((await ada!.call('GET', '/api/models')).body.items.map(({ id }: any) => id)).toEqual([
      'b/b-model',
      'b/shared',
    ])
    expect((await bob!.call('GET', '/api/models')).body.items).toHaveLength(6)
    expect((await eve!.call('GET', '/api/models')).status).toBe(500)
    const { id } = (await bob!.call('POST', '/api/chats', {})).body
    const invite = (await bob!.call('POST', `/api/chats/${id}/invites`, { role: 'editor' })).body
    expect((await new Person(server, invite.token).call('GET', '/api/models')).body.items).toMatchObject([
      { id: 'c/c-model' },
    ])
  })
})

describe('beside each other', () => {
  test('OPENAI_… and providers: the first is called openai, and takes any name behind its own', async () => {
    const short = await startFakeOpenAI({ fallback: answer({ text: 'I am the short way.' }) })
    closeAfterwards(() => short.close())
    const started = await startThree(undefined, {
      OPENAI_BASE_URL: short.url,
      OPENAI_API_KEY: 'sk-short',
      RUNNEL_MODEL: 'house',
    })
    expect(await ask(started)).toMatchObject({ model: 'openai/house' })
    expect(await ask(started, { model: 'openai/any/other' })).toMatchObject({ model: 'openai/any/other' })
    expect(await ask(started, { model: 'a-model' })).toMatchObject({ model: 'a/a-model' })
    expect(short.requests.map(({ body }) => body.model)).toEqual(['house', 'any/other'])
  })

  test('an entry openai takes from OPENAI_… what it does not say', async () => {
    const fake = await startFakeOpenAI(saysHello)
    closeAfterwards(() => fake.close())
    const server = await start({
      OPENAI_API_KEY: 'sk-of-settings',
      providers: { openai: { baseUrl: fake.url, api: 'chat', models: ['m'] } },
    })
    expect(await ask({ server }, { model: 'm' })).toMatchObject({ status: 'completed', model: 'openai/m' })
    expect(fake.requests[0]!.headers.authorization).toBe('Bearer sk-of-settings')
  })

  test('providers of a program, and openaiProvider among them; the demo where there is none', async () => {
    const fake = await startFakeOpenAI({ fallback: httpError(500, 'It quotes sk-of-program.') })
    closeAfterwards(() => fake.close())
    const lines: unknown[] = []
    const log = (...line: unknown[]) => lines.push(line)
    const server = await start({
      logger: { debug: log, info: log, warn: log, error: log },
      providers: {
        mine: async function* () {
          yield { type: 'block_start', key: 't', block: { type: 'text', status: 'in_progress' } } as const
          yield { type: 'delta', key: 't', field: 'text', text: 'Mine.' } as const
          yield { type: 'block_end', key: 't', status: 'completed' } as const
          yield { type: 'finish', reason: 'stop' } as const
        },
        made: {
          provider: openaiProvider({ baseUrl: fake.url, apiKey: 'sk-of-program', maxRetries: 0 }),
          models: 'listed',
          fallback: ['mine/x'],
        },
      },
    })
    expect(await ask({ server }, { model: 'mine/any' })).toMatchObject({ status: 'completed', model: 'mine/any' })
    const message = await ask({ server }, { model: 'fake-model' })
    expect(message).toMatchObject({ status: 'completed', model: 'mine/x' })
    expect(saidOf(message)[0]).toMatch(/^made: .* mine\/x is asked instead\.$/)
    expect(JSON.stringify([message, lines])).not.toContain('sk-of-program')
    expect(JSON.stringify(lines)).toContain('a provider did not answer')
    const demo = await start()
    expect((await demo.call('GET', '/api/models')).body.items).toEqual([
      { id: 'gpt-5-mini', provider: 'demo', isDefault: true },
    ])
  })

  test('keys and headers of all are hidden wherever others quote them', async () => {
    const started = await startThree(() => ({ b: { headers: { 'api-key': 'Scheme hidden-header-key' } } }))
    started.fakes.a.enqueue(httpError(400, 'You sent sk-key-of-a, sk-key-of-b, hidden-header-key and c2stLWtleQ.'))
    const { error } = await ask(started)
    expect(error!.message).toMatch(/^a: /)
    for (const key of ['sk-key-of-a', 'sk-key-of-b', 'hidden-header-key']) expect(error!.message).not.toContain(key)
    await expect(doorClient(started.server.url).models.retrieve('a/nothing')).rejects.toBeInstanceOf(
      OpenAI.NotFoundError,
    )
  })
})
