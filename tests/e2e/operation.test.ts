/** What an operator sees: numbers that can be scraped during a run, log lines without text or tokens. */
import { afterEach, expect, test } from 'vitest'
import { RunnelError } from '../../shared/errors.ts'
import { createLogger, describeError } from '../../server/operation/log.ts'
import type { RunnelOptions } from '../../server/app/app.ts'
import { Collector, startFakeOpenAI, startRunnel, type FakeOpenAI, type StartedRunnel } from '../../testing/index.ts'
import { end, open, openSocket, say, until } from '../socket/plain-socket.ts'

let fake: FakeOpenAI
let server: StartedRunnel

async function start(options: RunnelOptions = {}): Promise<void> {
  fake = await startFakeOpenAI()
  server = await startRunnel({
    OPENAI_API_KEY: 'sk-very-secret-key',
    OPENAI_BASE_URL: fake.url,
    RUNNEL_METRICS_PORT: 0,
    ...options,
  })
}

afterEach(async () => {
  await server.close()
  await fake.close()
})

/** Samples by name with labels, as a scraper reads them. Throws for a line that is none. */
async function scrape(url = server.metricsUrl!): Promise<Map<string, number>> {
  const response = await fetch(url)
  expect(response.headers.get('content-type')).toContain('text/plain')
  const samples = new Map<string, number>()
  for (const line of (await response.text()).trim().split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const [, name, value] = /^([a-z_]+(?:\{[^}]*\})?) ([-+\d.eE]+|NaN|\+Inf)$/.exec(line) ?? []
    if (name === undefined) throw new Error(`not a sample: ${line}`)
    samples.set(name, Number(value))
  }
  return samples
}

test('metrics tell of a run while it goes on and when it has ended', async () => {
  await start()
  const stream = fake.manual()
  const { messageId } = await server.ask('Why?')
  const viewer = new Collector(server.url)
  const [seen] = await viewer.follow(messageId)
  await viewer.until(() => seen!.subscribed !== null && seen!.message.status === 'streaming')
  stream.send('Ten bytes.')
  await viewer.until(() => seen!.text === 'Ten bytes.')
  const during = await scrape()
  expect(
    Object.fromEntries(
      [
        'runnel_runs{status="streaming"}',
        'runnel_runs{status="queued"}',
        'runnel_connections',
        'runnel_viewers',
        'runnel_lagging_viewers',
        'runnel_output_bytes_total',
        'runnel_tick_seconds',
        'runnel_runs_ended_total{status="completed"}',
      ].map((name) => [name, during.get(name)]),
    ),
  ).toEqual({
    'runnel_runs{status="streaming"}': 1,
    'runnel_runs{status="queued"}': 0,
    runnel_connections: 1,
    runnel_viewers: 1,
    runnel_lagging_viewers: 0,
    runnel_output_bytes_total: 10,
    runnel_tick_seconds: 0.04,
    'runnel_runs_ended_total{status="completed"}': 0,
  })
  expect(during.get('runnel_chunk_to_viewer_seconds_count')).toBeGreaterThan(0)
  expect(during.get('runnel_chunk_to_viewer_seconds_sum')).toBeLessThan(1)
  expect(during.get('runnel_sent_bytes_total')).toBeGreaterThan(100)
  expect(during.get('runnel_logged_bytes_total')).toBeGreaterThan(10)
  expect(during.get('runnel_log_append_seconds_count')).toBeGreaterThan(0)
  expect([during.get('runnel_up{part="store"}'), during.get('runnel_up{part="redis"}')]).toEqual([1, undefined])
  expect(during.get('runnel_event_loop_lag_seconds{quantile="0.99"}')).toBeGreaterThan(0)
  stream.end()
  await viewer.until(() => seen!.ended)
  await viewer.close()
  await until(() => server.runnel.stats().connections === 0, 'the close')
  const after = await scrape()
  expect(after.get('runnel_runs_ended_total{status="completed"}')).toBe(1)
  expect(after.get('runnel_runs{status="streaming"}')).toBe(0)
  expect(after.get('runnel_output_bytes_total')).toBe(10)
  expect(after.get('runnel_run_seconds_count')).toBe(1)
  expect(after.get('runnel_store_save_seconds_count')).toBe(1)
  // What a socket that is gone was sent still counts.
  expect(after.get('runnel_sent_bytes_total')).toBeGreaterThan(during.get('runnel_sent_bytes_total')!)
})

test('metrics count what is refused, by place and reason; two servers in one process count apart', async () => {
  await start({ RUNNEL_MAX_SOCKETS_PER_ADDRESS: 1 })
  const other = await startRunnel({ RUNNEL_METRICS_PORT: 0 })
  const socket = await open(server.url)
  await openSocket(server.url)
  await openSocket(server.url)
  say(socket, { type: 'nonsense' })
  await socket.closed
  const samples = await scrape()
  expect(samples.get('runnel_refused_total{place="upgrade",reason="rate_limited"}')).toBe(2)
  expect(samples.get('runnel_refused_total{place="frame",reason="bad_request"}')).toBe(1)
  expect([...(await scrape(other.metricsUrl)).keys()].filter((name) => name.startsWith('runnel_refused'))).toEqual([])
  await other.close()
})

test('nothing but /metrics is served on the port of the metrics', async () => {
  await start()
  const { origin } = new URL(server.metricsUrl!)
  expect((await fetch(`${origin}/api/tasks`)).status).toBe(404)
  expect((await fetch(server.metricsUrl!, { method: 'POST' })).status).toBe(404)
})

test('the log has the ids of a run, and neither its text nor any token or header', async () => {
  const lines: string[] = []
  const logger = createLogger('trace', { write: (line) => void lines.push(line) })
  const authenticate: RunnelOptions['authenticate'] = async (token) => {
    if (token !== 'very-secret-token') throw new RunnelError('unauthenticated', 'Sign in.')
    return { id: 'user-ann', name: 'Ann Secretname' }
  }
  await start({ logger, authenticate })
  const headers = { authorization: 'Bearer very-secret-token', 'x-probe': 'very-secret-header' }
  const { body: chat } = await server.call(
    'POST',
    '/api/chats?token=very-secret-token',
    { title: 'very-secret-title', system: 'very-secret-system' },
    headers,
  )
  const good = fake.manual()
  const { body: started } = await server.call(
    'POST',
    `/api/chats/${chat.id}/messages`,
    { content: 'very-secret-question' },
    headers,
  )
  const viewer = new Collector(server.url, { token: 'very-secret-token' })
  await viewer.follow(started.messageId)
  good.send('very-secret-answer')
  good.raw('data: {"type":"very.odd","choices":[{"delta":{"odd":"very-secret-odd"}}]}\n\n')
  good.end()
  await viewer.toEnd(started.messageId)
  const bad = fake.manual()
  const { body: failed } = await server.call(
    'POST',
    `/api/chats/${chat.id}/messages`,
    { content: 'very-secret-second' },
    headers,
  )
  await bad.request
  bad.error('You said: very-secret-second')
  await viewer.toEnd(failed.messageId)
  await server.call('POST', `/api/chats/${chat.id}/messages`, 'very-secret-nonsense', headers)
  await fetch(`${server.url}/api/chats`, {
    method: 'POST',
    body: '{"title": very-secret-json',
    headers: { ...headers, 'content-type': 'application/json' },
  })
  await openSocket(server.url, { path: '/nowhere?token=very-secret-token' })
  const wrong = await open(server.url)
  say(wrong, { type: 'hello', v: 1, token: 'very-secret-wrong-token' })
  await wrong.closed
  await end(wrong)
  await viewer.close()

  const log = lines.join('')
  expect(log).not.toMatch(/very-secret|Secretname/)
  const entries = lines.map((line) => JSON.parse(line))
  const ids = { chatId: chat.id, messageId: started.messageId, taskId: started.taskId, userId: 'user-ann' }
  expect(entries.find(({ msg, messageId }) => msg === 'run begun' && messageId === started.messageId)).toMatchObject({
    level: 30,
    ...ids,
  })
  expect(entries.find(({ msg, messageId }) => msg === 'run ended' && messageId === started.messageId)).toMatchObject({
    level: 30,
    ...ids,
    status: 'completed',
    outputBytes: 18,
    ms: expect.any(Number),
  })
  expect(entries.find(({ msg, messageId }) => msg === 'run ended' && messageId === failed.messageId)).toMatchObject({
    status: 'failed',
    code: expect.stringMatching(/^provider_/),
  })
  expect(entries.find(({ path }) => path === '/api/chats')).toMatchObject({
    level: 20,
    method: 'POST',
    status: 201,
    userId: 'user-ann',
  })
  expect(entries.find(({ place }) => place === 'upgrade')).toMatchObject({
    level: 40,
    reason: 'not_found',
    address: '127.0.0.1',
  })
  expect(entries.find(({ place, reason }) => place === 'frame' && reason === 'unauthenticated')).toMatchObject({
    level: 40,
  })
})

test('a thousand refusals are one line', async () => {
  const lines: string[] = []
  await start({
    logger: createLogger('warn', { write: (line) => void lines.push(line) }),
    RUNNEL_MAX_SOCKETS_PER_ADDRESS: 1,
  })
  const socket = await open(server.url)
  for (let i = 0; i < 20; i++) await Promise.all(Array.from({ length: 50 }, () => openSocket(server.url)))
  expect(lines).toHaveLength(1)
  await end(socket)
})

test('an error is described without what libraries hang on it', () => {
  const fetched = Object.assign(new Error('401: your prompt was "very-secret"'), {
    headers: { authorization: 'very-secret' },
    request: { body: 'very-secret' },
  })
  const described = describeError(
    new RunnelError('provider_auth', 'The provider says: very-secret', { cause: fetched }),
  )
  expect(JSON.stringify(described)).not.toContain('very-secret')
  expect(described).toMatchObject({
    name: 'RunnelError',
    code: 'provider_auth',
    stack: expect.stringContaining('operation.test.ts'),
    cause: { name: 'Error' },
  })
  expect(describeError(new RunnelError('store_unavailable', 'The disk is full.'))).toMatchObject({
    message: 'The disk is full.',
  })
})
