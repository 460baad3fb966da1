/** P6 over the whole road: whatever a provider does, the run ends, the text stays, and a person can read why. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Chat, Message } from '../../shared/schema.ts'
import {
  answer,
  Collector,
  httpError,
  rateLimited,
  startFakeOpenAI,
  startRunnel,
  webPage,
  type FakeOpenAI,
  type Script,
  type StartedRunnel,
} from '../../testing/index.ts'

let fake: FakeOpenAI
let server: StartedRunnel
let viewer: Collector
beforeEach(async () => {
  fake = await startFakeOpenAI()
})
afterEach(async () => {
  await viewer.close()
  await server.close()
  await fake.close()
})

async function start(settings: Parameters<typeof startRunnel>[0] = {}): Promise<void> {
  server = await startRunnel({ OPENAI_BASE_URL: fake.url, OPENAI_API_KEY: 'key', ...settings })
  viewer = new Collector(server.url)
}

/** Asks, and sees the run through to its end, as viewers, the chat, HTTP and history give it: all the same. */
async function ask(): Promise<Message> {
  const ids = await server.ask('Hello')
  const seen = await viewer.toEnd(ids.messageId, { compared: true })
  const [chat] = await viewer.follow(ids.chatId)
  await viewer.until(
    () => (chat!.json as Chat).messages[ids.messageId]?.status === seen.message.status,
    'the chat says so',
  )
  expect(seen.checkpoints.at(-1)!.matches).toBe(true)
  expect((await server.call('GET', `/api/messages/${ids.messageId}`)).body).toEqual(seen.json)
  expect((await server.call('GET', `/api/chats/${ids.chatId}/messages`)).body.items.at(-1)).toEqual(seen.json)
  expect((await server.call('GET', '/api/tasks')).body.items).toEqual([])
  return seen.message
}

function expectFailed(message: Message, code: string, sentence: RegExp, text: string, retryable = true): void {
  expect(message).toMatchObject({ status: 'failed', error: { code, retryable }, endedAt: expect.any(Number) })
  expect(message.error!.message).toMatch(sentence)
  expect(message.output.map((block) => (block.type === 'text' ? block.text : '')).join('')).toBe(text)
  expect(message.finishReason).toBeUndefined()
  for (const block of message.output) expect(block.status).not.toBe('in_progress')
}

const half = { text: 'Half of it. The rest', after: { chunks: 3, fault: 'cut' as const } }

test.each<[string, Script, string, RegExp, string, boolean]>([
  [
    'a key that is refused',
    httpError(401, 'Incorrect API key provided.'),
    'provider_auth',
    /API key.*Incorrect API key provided/,
    '',
    false,
  ],
  ['a request that is refused', httpError(400, 'No such model.'), 'provider_rejected', /No such model/, '', false],
  ['a web page instead of a stream', webPage(), 'provider_bad_response', /web page/, '', true],
  [
    'an error in the stream',
    answer({ ...half, after: { chunks: 3, fault: { error: 'Out of memory.' } } }),
    'provider_error',
    /Out of memory/,
    'Half of it. ',
    true,
  ],
  ['a connection that breaks', answer(half), 'provider_disconnected', /closed the connection/, 'Half of it. ', true],
  [
    'an end without a finish',
    { kind: 'answer', steps: [{ type: 'text', text: 'Half' }] },
    'provider_disconnected',
    /closed the connection|before the answer was finished/,
    'Half',
    true,
  ],
  [
    'broken JSON in the stream',
    {
      kind: 'answer',
      steps: [
        { type: 'text', text: 'Half' },
        { type: 'raw', data: 'data: {"choices": [{\n\n' },
        { type: 'text', text: 'late' },
        { type: 'finish' },
      ],
    },
    'provider_bad_response',
    /\w/,
    'Half',
    true,
  ],
])('%s', async (_name, script, code, sentence, text, retryable) => {
  await start()
  fake.enqueue(script)
  expectFailed(await ask(), code, sentence, text, retryable)
  expect(fake.requests).toHaveLength(1)
})

test('nobody listens there', async () => {
  await fake.close()
  await start()
  expectFailed(await ask(), 'provider_unreachable', /cannot be reached/, '')
})

test('429 and then an answer: nobody notices', async () => {
  await start()
  fake.enqueue(rateLimited(50), answer({ text: 'There.' }))
  expect(await ask()).toMatchObject({ status: 'completed', output: [{ text: 'There.' }] })
  expect(fake.requests).toHaveLength(2)
})

test('429 for ever', async () => {
  await start()
  fake.enqueue(...Array.from({ length: 5 }, () => rateLimited(10)))
  expectFailed(await ask(), 'provider_rate_limited', /slow down/, '')
})

test('500 for ever', async () => {
  await start()
  fake.enqueue(...Array.from({ length: 5 }, () => httpError(500, 'Oops.', { 'retry-after-ms': '10' })))
  expectFailed(await ask(), 'provider_error', /Oops/, '')
})

test.each<[string, Script, string]>([
  ['never answers', { kind: 'silent' }, ''],
  ['falls silent', answer({ ...half, after: { chunks: 3, fault: 'stall' } }), 'Half of it. '],
])(
  'a provider that %s is given up after RUNNEL_PROVIDER_IDLE_MS, and its request is aborted',
  async (_name, script, text) => {
    await start({ RUNNEL_PROVIDER_IDLE_MS: 200 })
    fake.enqueue(script)
    const message = await ask()
    expectFailed(message, 'provider_timeout', /sent nothing for 200 ms/, text)
    expect(message.endedAt! - message.startedAt!).toBeGreaterThanOrEqual(195)
    await fake.requests[0]!.hungUp
  },
)

test('an answer over RUNNEL_MAX_MESSAGE_BYTES keeps what fits, and its request is aborted', async () => {
  await start({ RUNNEL_MAX_MESSAGE_BYTES: 100 })
  const token = 'ten bytes '
  fake.enqueue({
    kind: 'answer',
    steps: [...Array<{ type: 'text'; text: string }>(30).fill({ type: 'text', text: token }), { type: 'stall' }],
  })
  expectFailed(
    await ask(),
    'message_too_large',
    /larger than 100 bytes.*RUNNEL_MAX_MESSAGE_BYTES/,
    token.repeat(10),
    false,
  )
  await fake.requests[0]!.hungUp
})

test('a run over RUNNEL_TASK_MAX_MS ends though its provider goes on, and its request is aborted', async () => {
  await start({ RUNNEL_TASK_MAX_MS: 300 })
  const stream = fake.manual()
  const timer = setInterval(() => stream.send('.'), 20)
  const message = await ask()
  clearInterval(timer)
  expect(message).toMatchObject({
    status: 'failed',
    error: { code: 'task_timeout', message: expect.stringMatching(/300 ms.*RUNNEL_TASK_MAX_MS/), retryable: true },
  })
  expect(message.output).toMatchObject([{ type: 'text', status: 'incomplete', text: expect.stringMatching(/^\.+$/) }])
  await fake.requests[0]!.hungUp
})

test.each([
  ['throws', 'Internal detail: /etc/passwd'],
  ['sends a part of a block that it never began', null],
])("a provider of one's own that %s", async (_name, reason) => {
  server = await startRunnel({
    LOG_LEVEL: 'silent',
    provider: async function* () {
      yield { type: 'block_start', key: 'a', block: { type: 'text', status: 'in_progress' } }
      yield { type: 'delta', key: 'a', field: 'text', text: 'Half' }
      if (reason === null) yield { type: 'delta', key: 'b', field: 'text', text: 'Lost' }
      else throw new Error(reason)
    },
  })
  viewer = new Collector(server.url)
  const message = await ask()
  expectFailed(message, reason === null ? 'provider_bad_response' : 'internal', /\.$/, 'Half')
  expect(message.error!.message).not.toContain('passwd')
})

test('a graceful close interrupts what runs, and says so', async () => {
  await start()
  const stream = fake.manual()
  const ids = await server.ask('Hello')
  const [seen] = await viewer.follow(ids.messageId)
  const request = await stream.request
  stream.send('Half')
  await viewer.until(() => seen!.text === 'Half', 'the text')
  await server.close()
  await viewer.until(() => viewer.closed !== null, 'the close')
  expect(viewer.closed!.code).toBe(1012)
  expect(seen!.message).toMatchObject({
    status: 'interrupted',
    error: { code: 'interrupted', retryable: true },
    output: [{ text: 'Half', status: 'incomplete' }],
  })
  expect(seen!.checkpoints.at(-1)).toMatchObject({ final: true, matches: true })
  await request.hungUp
})
