/** What a fake provider must not do to its users: hang, stream to whoever did not ask for it, swallow what went wrong. */
import OpenAI from 'openai'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { answer, rateLimited, startFakeOpenAI, type FakeOpenAI, type Script, type Step } from '../../testing/index.ts'

let fake: FakeOpenAI
beforeEach(async () => {
  fake = await startFakeOpenAI()
})
afterEach(() => fake.close())

const within = (ms = 3_000) => AbortSignal.timeout(ms)
const hello = { model: 'm', messages: [{ role: 'user', content: 'Hello' }] }

function post(path: string, body: unknown, url = fake.url): Promise<Response> {
  return fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: within(),
  })
}

function sdk(url = fake.url): OpenAI {
  return new OpenAI({ baseURL: url, apiKey: 'key', timeout: 3_000 })
}

const chunksOf = (sse: string) =>
  sse
    .split('\n\n')
    .filter((frame) => frame.startsWith('data: {'))
    .map((frame) => JSON.parse(frame.slice(6)) as Record<string, unknown>)

describe('what a test throws', () => {
  test('in a function that answers: the request gets a 500 that says it, and done() throws it', async () => {
    const failing = await startFakeOpenAI({
      fallback: () => {
        throw new Error('expected 1 to be 2')
      },
    })
    try {
      const answered = await post('/chat/completions', hello, failing.url)
      expect(answered.status).toBe(500)
      expect(await answered.text()).toContain('expected 1 to be 2')
      expect(() => failing.done()).toThrow('expected 1 to be 2')
    } finally {
      await failing.close()
    }
  })

  test('in a matcher, of an answer or of a part of the fake: the same', async () => {
    const where = (): boolean => {
      throw new Error('no such field')
    }
    fake.on({ where }, answer({}))
    expect(await (await post('/chat/completions', hello)).text()).toContain('no such field')
    expect(() => fake.done()).toThrow('no such field')
    fake.reset()
    fake.scope({ where })
    expect(await (await post('/chat/completions', hello)).text()).toContain('no such field')
    expect(() => fake.done()).toThrow('no such field')
  })

  test('before the first step of a script: the same', async () => {
    // oxlint-disable-next-line require-yield -- it fails before its first step
    async function* steps(): AsyncGenerator<Step> {
      throw new Error('no first step')
    }
    fake.enqueue({ kind: 'answer', steps: steps() })
    const answered = await post('/chat/completions', { ...hello, stream: true })
    expect(answered.status).toBe(500)
    expect(await answered.text()).toContain('no first step')
    expect(() => fake.done()).toThrow('no first step')
  })

  test('in the middle of a script: the stream breaks off, and done() throws it', async () => {
    async function* steps(): AsyncGenerator<Step> {
      yield { type: 'text', text: 'One' }
      throw new Error('no second step')
    }
    fake.enqueue({ kind: 'answer', steps: steps() })
    const answered = await post('/chat/completions', { ...hello, stream: true })
    await expect(answered.text()).rejects.toThrow()
    expect(() => fake.done()).toThrow('no second step')
  })
})

describe('without stream: true', () => {
  test('a chat completion is one JSON document', async () => {
    fake.enqueue(answer({ text: 'Two words.', reasoning: 'Hm.', usage: { inputTokens: 3, outputTokens: 4 } }))
    const answered = await post('/chat/completions', hello)
    expect(answered.headers.get('content-type')).toBe('application/json')
    expect(await answered.json()).toMatchObject({
      object: 'chat.completion',
      model: 'm',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Two words.', reasoning_content: 'Hm.' },
          finish_reason: 'stop',
        },
      ],
      usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
    })
  })

  test('a response is one JSON document', async () => {
    fake.enqueue(answer({ text: 'Two words.', toolCalls: [{ id: 'c1', name: 'now', arguments: ['{', '}'] }] }))
    const answered = await post('/responses', { model: 'm', input: 'Hello' })
    expect(answered.headers.get('content-type')).toBe('application/json')
    expect(await answered.json()).toMatchObject({
      object: 'response',
      status: 'completed',
      output: [
        { type: 'message', content: [{ type: 'output_text', text: 'Two words.' }] },
        { type: 'function_call', call_id: 'c1', name: 'now', arguments: '{}' },
      ],
    })
  })

  test('an error in the answer is an HTTP error', async () => {
    fake.enqueue(answer({ text: 'a b c', after: { chunks: 1, fault: { error: 'Out of order.' } } }))
    const answered = await post('/chat/completions', hello)
    expect([answered.status, await answered.json()]).toMatchObject([500, { error: { message: 'Out of order.' } }])
  })
})

test('a path that the API does not have is 404, in its words', async () => {
  const base = fake.url.replace('/v1', '')
  for (const [path, said] of [
    [`${base}/chat/completions`, 'Invalid URL (POST /chat/completions)'],
    [`${base}/v2/chat/completions`, 'Invalid URL (POST /v2/chat/completions)'],
    [`${base}/v1/v1/chat/completions`, 'Invalid URL (POST /v1/v1/chat/completions)'],
    [`${base}/v1/audio/speech`, 'Invalid URL (POST /v1/audio/speech)'],
  ] as const) {
    const answered = await post('', hello, path)
    expect([path, answered.status, await answered.json()]).toMatchObject([
      path,
      404,
      { error: { message: said, type: 'invalid_request_error', param: null, code: null } },
    ])
  }
  const wrong = await fetch(`${fake.url}/chat/completions`, { signal: within() })
  expect(wrong.status).toBe(405)
})

test('Retry-After is a whole number of seconds, and what is finer stands in the header for it', async () => {
  fake.enqueue(rateLimited(1_500), rateLimited(2_000), rateLimited(20))
  const seen = []
  for (let n = 0; n < 3; n += 1) {
    const { headers } = await post('/chat/completions', hello)
    seen.push([headers.get('retry-after'), headers.get('retry-after-ms')])
  }
  expect(seen).toEqual([
    ['2', '1500'],
    ['2', null],
    ['1', '20'],
  ])
})

test('usage comes where it is asked for', async () => {
  const usages = async (options: object) => {
    fake.enqueue(answer({ text: 'Hi', usage: { inputTokens: 1, outputTokens: 2 } }))
    const text = await (await post('/chat/completions', { ...hello, stream: true, ...options })).text()
    return chunksOf(text).map(({ usage }) => usage)
  }
  expect(await usages({})).toEqual([undefined, undefined, undefined])
  expect(await usages({ stream_options: { include_usage: true } })).toEqual([
    null,
    null,
    null,
    { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
  ])
})

describe('hungUpAt', () => {
  test.each<[string, Script]>([
    ['cut', answer({ text: 'a b c', after: { chunks: 1, fault: 'cut' } })],
    [
      'cut after some bytes',
      { ...(answer({ text: 'a b c' }) as Extract<Script, { kind: 'answer' }>), cutAfterBytes: 9 },
    ],
    ['dropped', { kind: 'drop' }],
  ])('says nothing of an answer that the fake itself has %s', async (_name, script) => {
    fake.enqueue(script)
    await post('/chat/completions', { ...hello, stream: true })
      .then((answered) => answered.text())
      .catch(() => {})
    fake.enqueue(answer({ text: 'Behind it.' }))
    await (await post('/chat/completions', { ...hello, stream: true })).text()
    expect(fake.requests.map(({ hungUpAt }) => hungUpAt)).toEqual([undefined, undefined])
  })

  test('says when the client has left', async () => {
    fake.enqueue({ kind: 'silent' })
    const controller = new AbortController()
    const asked = fetch(`${fake.url}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(hello),
      signal: controller.signal,
    }).catch(() => {})
    const request = await fake.received(1)
    controller.abort()
    expect(await request.hungUp).toBe(request.hungUpAt)
    await asked
  })
})

test("the SDK's own responses.stream() takes every answer", async () => {
  fake.enqueue(
    answer({
      reasoning: ['I ', 'think.'],
      text: ['Two ', 'words.'],
      toolCalls: [{ id: 'c1', name: 'now', arguments: ['{"a"', ':1}'] }],
    }),
    answer({ refusal: ['I ', 'cannot.'] }),
  )
  const types = new Set<string>()
  const first = sdk().responses.stream({ model: 'm', input: 'Hello' })
  first.on('event', ({ type }) => types.add(type))
  expect((await first.finalResponse()).output).toMatchObject([
    { type: 'reasoning', summary: [{ text: 'I think.' }] },
    { type: 'message', content: [{ type: 'output_text', text: 'Two words.' }] },
    { type: 'function_call', name: 'now', arguments: '{"a":1}' },
  ])
  const second = sdk().responses.stream({ model: 'm', input: 'Hello' })
  second.on('event', ({ type }) => types.add(type))
  expect((await second.finalResponse()).output).toMatchObject([
    { content: [{ type: 'refusal', refusal: 'I cannot.' }] },
  ])
  expect([...types].sort()).toEqual(
    [
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.reasoning_summary_part.added',
      'response.reasoning_summary_text.delta',
      'response.reasoning_summary_text.done',
      'response.reasoning_summary_part.done',
      'response.output_item.done',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.refusal.delta',
      'response.refusal.done',
      'response.function_call_arguments.delta',
      'response.function_call_arguments.done',
      'response.completed',
    ].sort(),
  )
})

test('a setting that is misspelt is refused where it is given', async () => {
  await expect(startFakeOpenAI({ falback: answer({}) } as never)).rejects.toThrow('falback')
  expect(() => answer({ txt: 'Hello' } as never)).toThrow('txt')
  expect(() => fake.enqueue({ kind: 'anser', steps: [] } as never)).toThrow('anser')
  expect(() => fake.enqueue({ kind: 'reply', status: 200, bodi: '' } as never)).toThrow('bodi')
  expect(() => fake.on({ usr: 'x' } as never, answer({}))).toThrow('usr')
  fake.enqueue({ kind: 'answer', steps: [{ type: 'txt', text: 'x' } as never] })
  expect(await (await post('/chat/completions', { ...hello, stream: true })).text()).toContain('txt')
})
