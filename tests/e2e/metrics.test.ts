/** The page for Prometheus: what it counts, that nobody can make it grow, and that Prometheus takes it. */
import { spawnSync } from 'node:child_process'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { RunnelError } from '../../shared/errors.ts'
import { providerName } from '../../server/app/adapters.ts'
import { createRunnel, type RunnelOptions } from '../../server/app/app.ts'
import { operation } from '../../server/app/operation.ts'
import type { ConfigInput } from '../../server/config/config.ts'
import { routePattern } from '../../server/http/route-pattern.ts'
import { routes } from '../../server/http/routes.ts'
import type { Logger } from '../../server/operation/log.ts'
import type { Metrics } from '../../server/operation/metrics.ts'
import { boundedLabel } from '../../server/operation/bounded-label.ts'
import { loadConfig } from '../../server/config/read-config.ts'
import { SseReader, startFakeOpenAI, startRunnel, type StartedRunnel } from '../../testing/index.ts'
import { until } from '../socket/plain-socket.ts'

async function start(options: RunnelOptions = {}) {
  const fake = await startFakeOpenAI()
  const server = await startRunnel({
    OPENAI_API_KEY: 'key',
    OPENAI_BASE_URL: fake.url,
    RUNNEL_OPENAI_API: 'chat',
    RUNNEL_METRICS_PORT: 0,
    ...options,
  })
  onTestFinished(async () => {
    await server.close()
    await fake.close()
  })
  return { fake, server }
}

const pageOf = async ({ metricsUrl }: Pick<StartedRunnel, 'metricsUrl'>) => await (await fetch(metricsUrl!)).text()

/** The value of a sample, by its name and labels as they stand there. */
function sample(page: string, name: string): number | undefined {
  const line = page.split('\n').find((one) => one.startsWith(`${name} `))
  return line === undefined ? undefined : Number(line.slice(name.length + 1))
}

/** What `promtool check metrics` says, where it is not to hand: its rules, in its order. */
function complaints(page: string): string[] {
  const types = new Map([...page.matchAll(/^# TYPE (\S+) (\w+)$/gm)].map(([, name, type]) => [name!, type!]))
  const helps = new Map([...page.matchAll(/^# HELP (\S+) (.+)$/gm)].map(([, name, help]) => [name!, help!]))
  const found: string[] = []
  for (const [name, type] of types) {
    const say = (words: string) => found.push(`${name} ${words}`)
    if (!helps.has(name)) say('has no help text')
    if (type === 'counter' && !name.endsWith('_total')) say('is a counter that does not end in _total')
    if (type !== 'counter' && name.endsWith('_total')) say('is no counter and ends in _total')
    if (type !== 'histogram' && name.endsWith('_bucket')) say('ends as a histogram')
    if (!['histogram', 'summary'].includes(type) && /_(count|sum)$/.test(name)) say('ends as a summary')
    if (/_(milliseconds|ms|minutes|hours|days|kilobytes|kb|megabytes|mb|bits|percent)(_total)?$/.test(name))
      say('has no base unit')
    if (/[A-Z]|:/.test(name)) say('is in camel case, or has a colon')
    if (new RegExp(`_${type}(_|$)`).test(name)) say('has its type in its name')
  }
  for (const [, name, labels = ''] of page.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    const base = name!.replace(/_(bucket|sum|count)$/, '')
    const type = types.get(name!) ?? types.get(base)
    if (type === undefined) found.push(`${name} has no type`)
    if (/(^|,)quantile="/.test(labels) && type !== 'summary') found.push(`${name} has a quantile and is no summary`)
    if (/(^|,)le="/.test(labels) && type !== 'histogram') found.push(`${name} has le and is no histogram`)
    if (labels.split('",').some((label) => /^\w*[A-Z]\w*=/.test(label))) found.push(`${name} has a label in camel case`)
  }
  return found
}

test('Prometheus takes the page, with all that can be on it', async () => {
  const { server, fake } = await start()
  const stream = fake.manual()
  await server.ask('Why?')
  stream.send('Because.')
  stream.end()
  await fetch(`${server.url}/nowhere`)
  const page = await pageOf(server)
  expect(page.length).toBeGreaterThan(5_000)
  expect(complaints(page)).toEqual([])
  const promtool = process.env['RUNNEL_TEST_PROMTOOL'] ?? 'promtool'
  const { error, status, stdout, stderr } = spawnSync(promtool, ['check', 'metrics'], { input: page, encoding: 'utf8' })
  if (error === undefined) expect([status, stdout, stderr]).toEqual([0, '', ''])
  for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_heap_size_used_bytes'])
    expect(sample(page, name)).toBeGreaterThan(0)
  expect(page).toMatch(/^runnel_build_info\{version="\d+\.\d+\.\d+"\} 1$/m)
  expect(page).toMatch(/^nodejs_version_info\{/m)
})

test('the rules find what Prometheus would find', () => {
  expect(complaints('# TYPE a_total gauge\na_total 1\n# HELP b x\n# TYPE b counter\nb{quantile="1"} 2\n')).toHaveLength(
    4,
  )
})

test('requests are counted by the pattern of their path and by status, refused ones too', async () => {
  const { server } = await start({ RUNNEL_MAX_REQUESTS_PER_MINUTE: 4 })
  await server.call('GET', '/api/chats?query=very-secret')
  await server.call('GET', '/api/chats/chat_very-secret')
  await server.call('PATCH', '/api/tasks')
  await server.call('GET', '/very-secret')
  await server.call('POST', '/api/chats', {})
  await server.call('GET', '/api/messages/msg_very-secret')
  await server.call('GET', '/healthz')
  const count = (page: string, method: string, route: string, status: number) =>
    sample(page, `runnel_http_requests_total{method="${method}",route="${route}",status="${status}"}`)
  const expected = [
    ['GET', '/api/chats', 200],
    ['GET', '/api/chats/:chatId', 404],
    ['PATCH', '/api/tasks', 405],
    ['GET', 'none', 404],
    ['GET', '/api/messages/:messageId', 429],
    ['GET', '/healthz', 200],
  ] as const
  let page = ''
  await expect
    .poll(async () => {
      page = await pageOf(server)
      return expected.filter(([method, route, status]) => count(page, method, route, status) !== 1)
    })
    .toEqual([])
  expect(page).not.toContain('very-secret')
})

test('each route of the table is found by a path of its own, and nothing else is', () => {
  for (const { path } of routes()) expect(routePattern(path.replaceAll(/:\w+/g, 'some-id'))).toBe(path)
  for (const path of ['/', '/api', '/api/chats/', '/api/chats/a/b/c/d', '/v1', '//', '/api//messages'])
    expect(routePattern(path)).toBeUndefined()
})

test('an embedded server counts the same, for a route of its host and on a port of its own', async () => {
  const runnel = createRunnel({
    DATABASE_URL: 'memory:',
    RUNNEL_BASE_PATH: '/assistant',
    LOG_LEVEL: 'error',
    RUNNEL_METRICS_PORT: 0,
    RUNNEL_DRAIN_MS: 0,
  })
  const host = createServer((request, response) => {
    runnel.handler(request, response, () => response.writeHead(418).end())
  })
  host.listen(0, '127.0.0.1')
  await once(host, 'listening')
  onTestFinished(async () => {
    await runnel.close()
    await new Promise((resolve) => {
      host.close(resolve)
      host.closeAllConnections()
    })
  })
  const { metricsUrl } = await runnel.attach(host)
  const url = `http://127.0.0.1:${(host.address() as AddressInfo).port}`
  expect((await fetch(`${url}/assistant/api/chats`)).status).toBe(200)
  expect((await fetch(`${url}/of-the-host`)).status).toBe(418)
  const requests = /^runnel_http_requests_total\{(.*)\} (\d+)$/gm
  await expect
    .poll(async () => [...(await runnel.metrics()).matchAll(requests)].map(([, ...row]) => row))
    .toEqual([['method="GET",route="/api/chats",status="200"', '1']])
  expect((await pageOf({ metricsUrl: metricsUrl! })).match(/^# TYPE \S+/gm)).toEqual(
    (await runnel.metrics()).match(/^# TYPE \S+/gm),
  )
})

test('without a port nothing listens, and the program has the page', async () => {
  const server = await startRunnel()
  onTestFinished(() => server.close())
  expect(server.metricsUrl).toBeUndefined()
  expect(sample(await server.runnel.metrics(), 'runnel_up{part="store"}')).toBe(1)
})

test('failures are told by code, model and provider; models that callers make up are not', async () => {
  const { server } = await start({
    RUNNEL_MODEL: 'the-usual',
    provider: () => {
      throw new RunnelError('provider_auth', 'No.')
    },
  })
  await server.ask('Why?')
  for (let i = 0; i < 60; i++) await server.ask('Why?', { model: `made-up-${i}` })
  await until(() => Object.values(server.runnel.stats().runs).every((count) => count === 0), 'the ends')
  const page = await pageOf(server)
  const rows = [...page.matchAll(/^runnel_run_failures_total\{code="(.*)",model="(.*)",provider="(.*)"\} (\d+)$/gm)]
  const models = rows.map(([, , model]) => model)
  expect(new Set(rows.map(([, code, , provider]) => `${code} ${provider}`))).toEqual(new Set(['provider_auth custom']))
  expect(models).toContain('the-usual')
  expect(models).toContain('other')
  expect(models).toHaveLength(51)
  expect(rows.reduce((sum, [, , , , count]) => sum + Number(count), 0)).toBe(61)
})

test('the provider is named by its host, without what else stands in its address', () => {
  const name = (input: ConfigInput) => providerName(loadConfig({ DATABASE_URL: 'memory:', ...input }))
  expect(name({})).toBe('demo')
  expect(name({ OPENAI_API_KEY: 'key' })).toBe('api.openai.com')
  expect(name({ OPENAI_BASE_URL: 'https://me:word@models.example:8443/v1?a=b' })).toBe('models.example')
})

test('what a provider says and nobody understands counts by its path, and is named once in the log', async () => {
  const { server, fake } = await start()
  const stream = fake.manual()
  const { messageId } = await server.ask('Well?')
  await stream.request
  for (let i = 0; i < 60; i++) stream.raw(`data: {"choices":[{"delta":{"mood ${i}":"blue"}}]}\n\n`)
  stream.raw('data: {"choices":[{"delta":{"content":"x","mood 1":"red"},"finish_reason":"stop"}]}\n\n')
  stream.end()
  await new SseReader(server.url, messageId).toEnd()
  const page = await pageOf(server)
  const count = (path: string) => sample(page, `runnel_unknown_provider_events_total{path="${path}"}`)
  expect([count('choices.delta.mood_0'), count('choices.delta.mood_1'), count('choices.delta.mood_49')]).toEqual([
    1, 2, 1,
  ])
  expect(count('other')).toBe(10)

  const lines: unknown[] = []
  const log = { warn: (fields: unknown) => lines.push(fields) } as unknown as Logger
  const metrics = { unknownFromProvider: boundedLabel(2) } as unknown as Metrics
  const { onUnknownEvent } = operation(log, { mayBeSaid: () => true, sweep: () => {} }, metrics, Date.now)
  for (const path of ['a', 'b', 'a', 'c d', 'e', 'b']) onUnknownEvent(path)
  expect(lines).toEqual([{ path: 'a' }, { path: 'b' }, { path: 'other' }])
})

test('a label has an end', () => {
  const label = boundedLabel(3, ['known'])
  expect(['a', 'b', 'c', 'known', 'a', 'x'.repeat(1_000)].map(label)).toEqual([
    'a',
    'b',
    'other',
    'known',
    'a',
    'other',
  ])
  expect(boundedLabel(3)('x'.repeat(1_000))).toHaveLength(100)
})

test('the wait for a place and for the first word are measured when they are over', async () => {
  const { server, fake } = await start({ RUNNEL_MAX_TASKS: 1 })
  const first = fake.manual()
  const second = fake.manual()
  await server.ask('One?')
  await first.request
  await server.ask('Two?')
  let page = await pageOf(server)
  expect(sample(page, 'runnel_queue_wait_seconds_count')).toBe(1)
  expect(sample(page, 'runnel_time_to_first_token_seconds_count')).toBe(0)
  first.send('A')
  first.send('word')
  await expect.poll(async () => sample(await pageOf(server), 'runnel_time_to_first_token_seconds_count')).toBe(1)
  first.end()
  await second.request
  second.send('B')
  await expect
    .poll(async () => sample((page = await pageOf(server)), 'runnel_time_to_first_token_seconds_count'))
    .toBe(2)
  expect(sample(page, 'runnel_queue_wait_seconds_count')).toBe(2)
  expect(sample(page, 'runnel_queue_wait_seconds_sum')).toBeGreaterThan(0)
  expect(sample(page, 'runnel_time_to_first_token_seconds_sum')).toBeLessThan(5)
  second.end()
})
