/** What a test expects of a provider: who gets which answer, and what is said of all that was not expected. */
import { describe, expect, test } from 'vitest'
import { answer, httpError, type Matcher } from '../../testing/openai/index.ts'
import { ask, hello, post, start } from './asking.ts'

const question = (content: unknown, more: object = {}) => ({
  model: 'm',
  messages: [{ role: 'user', content }],
  ...more,
})

describe('a request that nobody expected', () => {
  test('is a 500 that says so, that no SDK tries again, and a fault', async () => {
    const fake = await start()
    fake.on({ user: /weather/, model: 'gpt' }, answer({ text: 'Sunny.' }))
    const answered = await post(`${fake.url}/chat/completions`, question('What time is it?', { model: 'gpt' }))
    expect(answered.status).toBe(500)
    expect(answered.headers.get('x-should-retry')).toBe('false')
    expect(await answered.json()).toMatchObject({
      error: {
        message:
          'Nobody expected this request: POST /v1/chat/completions, model "gpt", turn 1, user "What time is it?".\n' +
          'Expected:\n- the answer "Sunny." for { user: /weather/, model: "gpt" } (used 0 of 1)',
        code: 'unexpected_request',
      },
    })
    expect(fake.unexpected).toEqual(fake.requests)
    expect(() => fake.done()).toThrow(
      'The fake provider is not done.\n' +
        '- Nobody expected POST /v1/chat/completions, model "gpt", turn 1, user "What time is it?".\n' +
        '- Expected and not used: the answer "Sunny." for { user: /weather/, model: "gpt" } was not used.\n' +
        'It was asked:\n  POST /v1/chat/completions, model "gpt", turn 1, user "What time is it?"',
    )
  })

  test('has a wrong path: a fault, too', async () => {
    const fake = await start()
    await post(`${fake.url}/chat/completion`, hello)
    expect(() => fake.done()).toThrow('Nobody expected POST /v1/chat/completion')
  })

  test('gets the fallback, where there is one', async () => {
    const fake = await start({ fallback: ({ body }) => answer({ text: `I am ${body.model}.` }) })
    fake.enqueue(answer({ text: 'First.' }))
    expect([await ask(fake.url), await ask(fake.url)]).toEqual(['First.', 'I am m.'])
    fake.done()
  })
})

describe('how often', () => {
  test('once, some times, always; what is always comes last', async () => {
    const fake = await start()
    const always = fake.on({}, answer({ text: 'always' })).always()
    fake.on({}, answer({ text: 'once' })).once()
    const twice = fake.on({}, answer({ text: 'twice' })).times(2)
    fake.enqueue(answer({ text: 'queued' }))
    const said = []
    for (let n = 0; n < 6; n += 1) said.push(await ask(fake.url))
    expect(said).toEqual(['once', 'twice', 'twice', 'queued', 'always', 'always'])
    expect([always.used, twice.used]).toEqual([2, 2])
    fake.done()
    expect(() => fake.on({}, answer()).times(0)).toThrow('times(0)')
  })

  test('done() says how often something was used', async () => {
    const fake = await start()
    fake.on({ turn: 1 }, answer({ text: 'a' })).times(3)
    fake.on({}, httpError(429, 'No.')).always()
    await ask(fake.url)
    expect(() => fake.done()).toThrow('the answer "a" for { turn: 1 } was used 1 of 3 times')
    fake.reset()
    fake.done()
    expect(fake.requests).toEqual([])
    expect(await ask(fake.url)).toContain('500: Nobody expected')
  })

  test('a generator plays once, and says so', async () => {
    const fake = await start()
    function* steps() {
      yield { type: 'text' as const, text: 'Once.' }
    }
    fake.on({}, { kind: 'answer', steps: steps() }).times(2)
    expect(await ask(fake.url)).toBe('Once.')
    expect(await ask(fake.url)).toContain('can be played once')
    fake.reset()
    fake.on({}, () => ({ kind: 'answer', steps: steps() })).times(2)
    expect([await ask(fake.url), await ask(fake.url)]).toEqual(['Once.', 'Once.'])
  })
})

const tool = (name: string) => ({ type: 'function', function: { name, parameters: {} } })
const called = (id: string) => ({ role: 'assistant', tool_calls: [{ id, type: 'function', function: { name: 'a' } }] })
const result = (id: string) => ({ role: 'tool', tool_call_id: id, content: '1' })
const user = (content: unknown) => ({ role: 'user', content })

test.each<[string, Matcher, object, boolean]>([
  ['a text in the question', { user: 'ell' }, hello, true],
  ['another text', { user: 'hell' }, hello, false],
  ['a pattern with a memory', { user: /hello/gi }, hello, true],
  ['the last question', { user: 'two' }, { model: 'm', messages: [user('one'), user('two')] }, true],
  ['not an earlier one', { user: 'one' }, { model: 'm', messages: [user('one'), user('two')] }, false],
  [
    'parts',
    { user: /^ab$/ },
    question([{ type: 'text', text: 'a' }, { type: 'image_url' }, { type: 'text', text: 'b' }]),
    true,
  ],
  ['a text as input', { user: 'Hel', turn: 1 }, { model: 'm', input: 'Hello' }, true],
  [
    'items as input',
    { user: 'Hel' },
    { model: 'm', input: [{ role: 'user', content: [{ type: 'input_text', text: 'Hello' }] }] },
    true,
  ],
  [
    'the system prompt',
    { system: 'kind' },
    { model: 'm', messages: [{ role: 'developer', content: 'Be kind.' }, user('x')] },
    true,
  ],
  ['instructions', { system: /^Be kind\.$/ }, { model: 'm', input: 'x', instructions: 'Be kind.' }, true],
  ['the model', { model: 'm' }, hello, true],
  ['a model as a whole', { model: 'm' }, { ...hello, model: 'mm' }, false],
  ['a pattern of a model', { model: /^gpt-/ }, { ...hello, model: 'gpt-5' }, true],
  ['a tool among others', { tools: ['b'] }, { ...hello, tools: [tool('a'), tool('b')] }, true],
  ['a tool that is not there', { tools: ['b', 'c'] }, { ...hello, tools: [tool('a'), tool('b')] }, false],
  ['no tools', { tools: [] }, { ...hello, tools: [tool('a')] }, false],
  [
    'tools of Responses',
    { tools: ['b', 'web_search'] },
    { model: 'm', input: '', tools: [{ type: 'function', name: 'b' }, { type: 'web_search' }] },
    true,
  ],
  ['a header', { headers: { 'X-Team': 'docs', authorization: /^Bearer k/ } }, hello, true],
  ['another header', { headers: { 'x-team': 'doc' } }, hello, false],
  [
    'the second question',
    { turn: 2 },
    { model: 'm', messages: [user('a'), { role: 'assistant', content: 'b' }, user('c')] },
    true,
  ],
  ['no results yet', { round: 0 }, { model: 'm', messages: [user('a'), called('1'), result('1'), user('b')] }, true],
  [
    'the first results',
    { round: 1 },
    { model: 'm', messages: [user('a'), called('1'), result('1'), result('2')] },
    true,
  ],
  [
    'the second results',
    { round: 2 },
    { model: 'm', messages: [user('a'), called('1'), result('1'), called('2'), result('2')] },
    true,
  ],
  [
    'results of Responses',
    { round: 1 },
    {
      model: 'm',
      input: [user('a'), { type: 'function_call', call_id: '1' }, { type: 'function_call_output', call_id: '1' }],
    },
    true,
  ],
  ['the path', { path: '/v1/responses' }, { model: 'm', input: 'x' }, true],
  ['another path', { path: /responses$/ }, hello, false],
  ['anything else', { where: ({ body }) => body['temperature'] === 1 }, { ...hello, temperature: 1 }, true],
  ['all of it', { user: 'Hello', model: 'n' }, hello, false],
])('a matcher knows %s', async (_name, matcher, body, fits) => {
  const fake = await start({ fallback: answer({ text: 'not mine' }) })
  fake.on(matcher, answer({ text: 'mine' }))
  expect(await ask(fake.url, body, { 'x-team': 'docs', authorization: 'Bearer key' })).toBe(fits ? 'mine' : 'not mine')
})

test('a path of its own can be answered, whether the API has it or not', async () => {
  const fake = await start()
  fake.on({ path: '/v1/audio/speech' }, { kind: 'reply', status: 200, body: 'sound' })
  fake.on({ path: '/v1/models' }, httpError(503, 'Models are out.'))
  fake.on({ path: '/v1/embeddings' }, httpError(429, 'Slow down.'))
  expect(await (await post(`${fake.url}/audio/speech`, {})).text()).toBe('sound')
  expect((await fetch(`${fake.url}/models`)).status).toBe(503)
  expect((await post(`${fake.url}/embeddings`, {})).status).toBe(429)
  fake.done()
})

describe('tests that share a fake', () => {
  test('get no script of each other by an address of their own', async () => {
    const fake = await start()
    const scopes = Array.from({ length: 20 }, () => fake.scope())
    for (const [index, scope] of scopes.entries())
      scope.enqueue(answer({ text: `a${index}` }), answer({ text: `b${index}` }))
    fake.enqueue(answer({ text: 'root' }))
    const said = await Promise.all(scopes.map(async ({ url }) => [await ask(url), await ask(url)]))
    expect(said).toEqual(scopes.map((_, index) => [`a${index}`, `b${index}`]))
    expect(await ask(fake.url)).toBe('root')
    expect([fake.requests.length, scopes[7]!.requests.length, scopes[7]!.requests[0]!.path]).toEqual([
      1,
      2,
      '/v1/chat/completions',
    ])
    for (const scope of [fake, ...scopes]) scope.done()
    expect(await ask(scopes[3]!.url)).toContain('500: Nobody expected')
    expect(() => scopes[3]!.done()).toThrow('Nobody expected')
    fake.done()
    scopes[4]!.done()
  })

  test('get no script of each other behind one server, by what they ask', async () => {
    const fake = await start({ fallback: answer({ text: 'root' }) })
    const ada = fake.scope({ model: 'ada' })
    const ben = fake.scope({ headers: { 'x-user': 'ben' } }, { fallback: answer({ text: 'for ben' }) })
    ada.enqueue(answer({ text: 'for ada' }))
    expect([
      await ask(fake.url),
      await ask(fake.url, hello, { 'x-user': 'ben' }),
      await ask(fake.url, { ...hello, model: 'ada' }),
    ]).toEqual(['root', 'for ben', 'for ada'])
    // What is its own, but not expected, gets nothing of the others.
    expect(await ask(fake.url, { ...hello, model: 'ada' })).toContain('500: Nobody expected')
    expect([fake.requests.length, ada.requests.length, ben.requests.length]).toEqual([1, 2, 1])
    fake.done()
  })
})

describe('a stream by hand', () => {
  test('says when no request has come, and when nobody goes on', async () => {
    const fake = await start()
    const idle = fake.manual({ deadlineMs: 50 })
    await expect(idle.request).rejects.toThrow('No request came for a stream by hand within 50 ms.')
    const asked = post(`${fake.url}/chat/completions`, { ...hello, stream: true })
    const broken = await asked
    idle.send('One')
    await expect(broken.text()).rejects.toThrow()
    expect(() => fake.done()).toThrow(/waited for (its first step|the step behind the first 1) for 50 ms/)
  })

  test('is for a request that fits, streams or not', async () => {
    const fake = await start()
    const stream = fake.manual({ on: { model: 'by-hand' } })
    fake.enqueue(answer({ text: 'Other.' }))
    stream.send('By ')
    const whole = ask(fake.url, { ...hello, model: 'by-hand' })
    expect((await stream.request).body.model).toBe('by-hand')
    expect(await ask(fake.url)).toBe('Other.')
    stream.send('hand.')
    stream.end()
    expect(await whole).toBe('By hand.')
    fake.done()
    const never = fake.manual()
    expect(() => fake.done()).toThrow('an answer step by step for any request was not used')
    never.close()
  })

  test('waiting for requests has a deadline that says what came', async () => {
    const fake = await start({ fallback: answer({ text: 'x' }) })
    await ask(fake.url)
    await expect(fake.received(2, 30)).rejects.toThrow(
      '2 requests were waited for, for 30 ms. There came:\n- POST /v1/chat/completions, model "m", turn 1, user "Hello"',
    )
  })
})
