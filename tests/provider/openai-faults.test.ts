import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Provider, ProviderEvent } from '../../server/provider/events.ts'
import { openaiProvider, type OpenAIOptions } from '../../server/provider/openai.ts'
import { createSseReader } from '../../server/provider/sse.ts'
import { RunnelError } from '../../shared/errors.ts'
import {
  answer,
  httpError,
  rateLimited,
  recorded,
  startFakeOpenAI,
  webPage,
  type FakeOpenAI,
  type ManualStream,
  type Script,
} from '../../testing/openai/index.ts'
import { collect, foldEvents, type Collected, type FoldedMessage } from '../helpers/fold-events.ts'

const request = { model: 'any', prompt: [{ role: 'user' as const, text: 'Hello' }] }

let fake: FakeOpenAI
beforeEach(async () => {
  fake = await startFakeOpenAI()
})
afterEach(() => fake.close())

function provider(options: Partial<OpenAIOptions> = {}): Provider {
  return openaiProvider({ apiKey: 'key', baseURL: fake.url, api: 'chat', idleMs: 5000, ...options })
}

async function read(script: Script, options: Partial<OpenAIOptions> = {}): Promise<Collected> {
  fake.enqueue(script)
  return collect(provider(options)(request, new AbortController().signal))
}

function textOf(message: FoldedMessage): string {
  return message.blocks.map((block) => (block.type === 'text' ? block.text : '')).join('')
}

function errorOf(collected: Collected): RunnelError {
  expect(collected.error).toBeInstanceOf(RunnelError)
  return collected.error as RunnelError
}

describe('before the first token', () => {
  test('a refused connection is provider_unreachable', async () => {
    await fake.close()
    const error = errorOf(await collect(provider({ maxRetries: 0 })(request, new AbortController().signal)))
    expect(error).toMatchObject({ code: 'provider_unreachable', retryable: true })
  })

  test('a dropped connection is tried again', async () => {
    fake.enqueue({ kind: 'drop' })
    expect(foldEvents(await read(answer({ text: 'Second try.' })))).toMatchObject({ status: 'completed' })
    expect(fake.requests).toHaveLength(2)
  })

  test.each([
    [401, 'provider_auth'],
    [403, 'provider_auth'],
    [400, 'provider_rejected'],
    [404, 'provider_rejected'],
    [422, 'provider_rejected'],
  ])('%i is %s, is not tried again, and says what the provider said', async (status, code) => {
    const error = errorOf(await read(httpError(status, 'No such model: any.')))
    expect(error.code).toBe(code)
    expect(error.message).toContain('No such model: any.')
    expect(error.details).toMatchObject({ status })
    expect(fake.requests).toHaveLength(1)
  })

  test('an API key in the sentence of the provider is not repeated', async () => {
    const error = errorOf(await read(httpError(401, 'Incorrect API key provided: sk-proj-abcdef123456.')))
    expect(error.message).not.toContain('abcdef')
  })

  test('429 is tried again after the time that it asks for', async () => {
    fake.enqueue(rateLimited(60), rateLimited(60))
    expect(foldEvents(await read(answer({ text: 'At last.' })))).toMatchObject({ status: 'completed' })
    const [first, second, third] = fake.requests.map(({ receivedAt }) => receivedAt)
    expect(second! - first!).toBeGreaterThanOrEqual(55)
    expect(third! - second!).toBeGreaterThanOrEqual(55)
  })

  test('Retry-After in seconds is heeded', async () => {
    fake.enqueue(rateLimited(1000))
    expect(foldEvents(await read(answer({ text: 'At last.' })))).toMatchObject({ status: 'completed' })
    expect(fake.requests[1]!.receivedAt - fake.requests[0]!.receivedAt).toBeGreaterThanOrEqual(990)
  })

  test('a wait that the provider asks for is said, and that it is over', async () => {
    fake.enqueue(rateLimited(600))
    const { events } = await read(answer({ text: 'At last.' }))
    expect(events.slice(0, 3)).toMatchObject([
      { type: 'waiting', words: 'The model provider asks to wait 600 ms before the next try (HTTP 429).' },
      { type: 'waiting', words: null },
      { type: 'block_start' },
    ])
  })

  test('the sentence of an error that is a list, or FastAPI’s', async () => {
    const listed = errorOf(
      await read({ kind: 'reply', status: 400, body: '[{"error":{"code":400,"message":"Unknown name."}}]' }),
    )
    expect(listed).toMatchObject({ code: 'provider_rejected', details: { status: 400, code: 400 } })
    expect(listed.message).toContain('Unknown name.')
    const placed = errorOf(
      await read({ kind: 'reply', status: 422, body: '{"detail":[{"loc":["body","n"],"msg":"must be 1"}]}' }),
    )
    expect(placed.message).toContain('body.n: must be 1')
    const words = errorOf(await read({ kind: 'reply', status: 400, body: 'no such path' }))
    expect(words.message).toContain('no such path')
  })

  test('429 for good is provider_rate_limited', async () => {
    fake.enqueue(rateLimited(1), rateLimited(1))
    expect(errorOf(await read(rateLimited(1)))).toMatchObject({ code: 'provider_rate_limited' })
    expect(fake.requests).toHaveLength(3)
  })

  test('5xx is tried again, and for good is provider_error', async () => {
    const failing = httpError(500, 'Out of order.', { 'retry-after-ms': '1' })
    fake.enqueue(failing, failing)
    const error = errorOf(await read(failing))
    expect(error.code).toBe('provider_error')
    expect(error.message).toContain('Out of order.')
    expect(fake.requests).toHaveLength(3)
  })

  test('a provider that never answers is provider_timeout, and is not asked again', async () => {
    expect(errorOf(await read({ kind: 'silent' }, { idleMs: 300 }))).toMatchObject({ code: 'provider_timeout' })
    await fake.requests[0]!.hungUp
    expect(fake.requests).toHaveLength(1)
  })
})

describe('an answer that is no stream', () => {
  test('a web page', async () => {
    const error = errorOf(await read(webPage()))
    expect(error).toMatchObject({ code: 'provider_bad_response' })
    expect(error.message).toContain('a web page instead of a stream')
  })

  test('a JSON error with status 200', async () => {
    const error = errorOf(
      await read({ kind: 'reply', status: 200, body: '{"error":{"message":"Model is loading.","code":1}}' }),
    )
    expect(error).toMatchObject({ code: 'provider_error' })
    expect(error.message).toContain('Model is loading.')
  })

  test('a whole completion', async () => {
    const body = JSON.stringify({ object: 'chat.completion', choices: [{ message: { content: 'Hi' } }] }, null, 2)
    expect(foldEvents(await read({ kind: 'reply', status: 200, body }))).toMatchObject({
      status: 'completed',
      finishReason: 'unknown',
      blocks: [{ text: 'Hi' }],
    })
  })

  test('JSON that is no answer', async () => {
    const error = errorOf(await read({ kind: 'reply', status: 200, body: '{"status":"ok","models":[]}' }))
    expect(error).toMatchObject({ code: 'provider_bad_response' })
    expect(error.message).toContain('one JSON document instead of a stream')
  })

  test('plain text', async () => {
    expect(errorOf(await read({ kind: 'reply', status: 200, body: 'It works!' }))).toMatchObject({
      code: 'provider_bad_response',
    })
  })

  test('an empty stream is a broken one', async () => {
    expect(errorOf(await read(recorded('')))).toMatchObject({ code: 'provider_disconnected' })
  })
})

describe.each(['chat', 'responses'] as const)('in the middle of a %s stream', (api) => {
  const text = ['One', ' two', ' three']

  test('a cut connection is provider_disconnected, and the text is kept', async () => {
    const message = foldEvents(await read(answer({ text, after: { chunks: 2, fault: 'cut' } }), { api }))
    expect(message).toMatchObject({ status: 'failed', errorCode: 'provider_disconnected' })
    expect(textOf(message)).toBe('One two')
    expect(message.blocks.at(-1)!.status).toBe('incomplete')
  })

  test('an error of the provider is provider_error, and the text is kept', async () => {
    const collected = await read(answer({ text, after: { chunks: 2, fault: { error: 'Engine overheated.' } } }), {
      api,
    })
    expect(textOf(foldEvents(collected))).toBe('One two')
    expect(errorOf(collected)).toMatchObject({ code: 'provider_error' })
    expect(errorOf(collected).message).toContain('Engine overheated.')
  })

  test('a stall is provider_timeout, and the request is aborted', async () => {
    const message = foldEvents(await read(answer({ text, after: { chunks: 2, fault: 'stall' } }), { api, idleMs: 300 }))
    expect(message).toMatchObject({ status: 'failed', errorCode: 'provider_timeout' })
    expect(textOf(message)).toBe('One two')
    await fake.requests[0]!.hungUp
  })

  test('a call that was not known to be whole is cancelled', async () => {
    const stream = fake.manual()
    stream.raw(
      api === 'chat'
        ? 'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","function":{"name":"add","arguments":"{"}}]}}]}\n\n'
        : 'data: {"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","call_id":"call_1","name":"add"}}\n\n',
    )
    stream.raw('data: {"half')
    stream.cut()
    const message = foldEvents(await collect(provider({ api })(request, new AbortController().signal)))
    expect(message.blocks).toMatchObject([{ type: 'tool_call', callId: 'call_1', status: 'cancelled' }])
    expect(message.errorCode).toBe('provider_disconnected')
  })

  test('a frame that is no JSON is provider_bad_response', async () => {
    const stream = fake.manual()
    stream.send('One')
    stream.raw('data: {oops}\n\n')
    const message = foldEvents(await collect(provider({ api })(request, new AbortController().signal)))
    expect(message).toMatchObject({ errorCode: 'provider_bad_response', blocks: [{ text: 'One' }] })
  })

  test('comments count as a sign of life', async () => {
    const stream = fake.manual()
    const events = provider({ api, idleMs: 400 })(request, new AbortController().signal)[Symbol.asyncIterator]()
    const first = events.next()
    await stream.request
    for (let i = 0; i < 12; i++) {
      stream.raw(': keep-alive\n\n')
      await new Promise((resolve) => setTimeout(resolve, 40))
    }
    stream.send('Still here.')
    stream.end()
    expect((await first).value).toMatchObject({ type: 'block_start' })
    await events.return!()
  })

  test('a slow reader is no silent provider', async () => {
    fake.enqueue(answer({ text, intervalMs: 5 }))
    const seen: ProviderEvent[] = []
    for await (const event of provider({ api, idleMs: 250 })(request, new AbortController().signal)) {
      seen.push(event)
      if (event.type === 'block_start') await new Promise((resolve) => setTimeout(resolve, 500))
    }
    expect(seen.at(-1)).toMatchObject({ type: 'finish', reason: 'stop' })
  })

  test('events of an unknown type are told and ignored', async () => {
    const unknown: string[] = []
    const stream = fake.manual()
    stream.raw('event: novelty\ndata: {"type":"novelty","shine":1}\n\n')
    stream.send('Fine.')
    stream.end()
    const message = foldEvents(
      await collect(
        provider({ api, onUnknownEvent: (type) => unknown.push(type) })(request, new AbortController().signal),
      ),
    )
    expect(message.status).toBe('completed')
    expect(unknown).toEqual(['novelty'])
  })
})

test('a finish reason makes the answer whole, even if the connection dies before [DONE]', async () => {
  const stream = fake.manual()
  stream.send('Whole.')
  stream.raw('data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n')
  stream.cut()
  const message = foldEvents(await collect(provider()(request, new AbortController().signal)))
  expect(message).toMatchObject({
    status: 'completed',
    finishReason: 'stop',
    blocks: [{ text: 'Whole.', status: 'completed' }],
  })
})

test('behind a finish reason the answer ends two seconds after the last word, whatever else the connection does', async () => {
  const streams: Record<string, { stream: ManualStream; answer: Promise<Collected>; endedAt: number }> = {}
  for (const name of ['comments', 'silence', 'late words', 'repeated reasons']) {
    const stream = fake.manual()
    const answer = collect(provider()(request, new AbortController().signal))
    await stream.request
    streams[name] = { stream, answer, endedAt: 0 }
    void answer.then(() => (streams[name]!.endedAt = performance.now()))
  }
  const reason = 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
  const startedAt = performance.now()
  for (const { stream } of Object.values(streams)) {
    stream.send('Whole.')
    stream.raw(reason)
  }
  const alive = setInterval(() => {
    streams.comments!.stream.raw(': keepalive\n\n')
    streams['repeated reasons']!.stream.raw(reason)
  }, 100)
  const late = streams['late words']!.stream
  setTimeout(() => late.send(' Late.'), 1_000)
  setTimeout(() => late.raw('data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n'), 2_500)
  const messages = await Promise.all(Object.values(streams).map(({ answer }) => answer.then(foldEvents)))
  clearInterval(alive)
  const [comments, silence, lateWords] = messages
  for (const message of messages) expect(message).toMatchObject({ status: 'completed', finishReason: 'stop' })
  expect([comments, silence].map((message) => textOf(message!))).toEqual(['Whole.', 'Whole.'])
  expect(textOf(lateWords!)).toBe('Whole. Late.')
  expect(lateWords!.usage).toMatchObject({ inputTokens: 1, outputTokens: 2 })
  for (const [name, { endedAt, stream }] of Object.entries(streams)) {
    const ms = endedAt - startedAt - (name === 'late words' ? 1_000 : 0)
    expect(ms, name).toBeGreaterThan(1_900)
    expect(ms, name).toBeLessThan(6_000)
    await (
      await stream.request
    ).hungUp
  }
})

test('a connection that goes on behind the end of the answer is left', async () => {
  const stream = fake.manual()
  const answered = collect(provider()(request, new AbortController().signal))
  await stream.request
  stream.send('Whole.')
  stream.raw('data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')
  const alive = setInterval(() => stream.raw(': keepalive\n\n'), 20)
  expect(foldEvents(await answered)).toMatchObject({ status: 'completed', finishReason: 'stop' })
  await (
    await stream.request
  ).hungUp
  clearInterval(alive)
})

test('comments alone count as life for a while, and a frame of the answer starts it anew', async () => {
  const stream = fake.manual()
  const answered = collect(provider({ commentMs: 1_000 })(request, new AbortController().signal))
  await stream.request
  const startedAt = performance.now()
  const alive = setInterval(() => stream.raw(': keepalive\n\ndata: {"type":"ping"}\n\n'), 20)
  setTimeout(() => stream.send('Here.'), 400)
  const collected = await answered
  clearInterval(alive)
  expect(performance.now() - startedAt).toBeGreaterThan(1_300)
  expect(errorOf(collected)).toMatchObject({ code: 'provider_timeout', retryable: true })
  expect(errorOf(collected).message).toContain('RUNNEL_PROVIDER_COMMENT_MS')
  expect(textOf(foldEvents(collected))).toBe('Here.')
})

test('what comes behind the finish is not read', async () => {
  const stream = fake.manual()
  stream.send('Whole.')
  stream.end()
  stream.send(' Late.')
  const message = foldEvents(await collect(provider()(request, new AbortController().signal)))
  expect(message.blocks).toMatchObject([{ text: 'Whole.' }])
})

test('a frame beyond the bound is provider_bad_response', () => {
  const sse = createSseReader({ onFrame: () => {}, maxChars: 1000 })
  const bytes = new TextEncoder().encode(`data: ${'x'.repeat(400)}`)
  const push = (): void => {
    for (let i = 0; i < 3; i++) sse.push(bytes)
  }
  expect(push).toThrowError(expect.objectContaining({ code: 'provider_bad_response' }))
})
