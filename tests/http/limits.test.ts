/** The limits of HTTP at their edges, and what the page is allowed to do. */
import { once } from 'node:events'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterEach, expect, onTestFinished, test } from 'vitest'
import { RunnelError } from '../../shared/errors.ts'
import type { RunnelOptions } from '../../server/app/app.ts'
import { startFakeOpenAI, startRunnel, type StartedRunnel } from '../../testing/index.ts'
import { end as endSockets, open as openSocket, signIn } from '../socket/plain-socket.ts'

let server: StartedRunnel | undefined

async function start(options: RunnelOptions): Promise<StartedRunnel> {
  return (server = await startRunnel({
    authenticate: async (token) => {
      if (token === undefined || token === 'bad') throw new RunnelError('unauthenticated', 'Sign in.')
      return { id: token, name: token }
    },
    LOG_LEVEL: 'silent',
    ...options,
  }))
}

afterEach(async () => {
  await server?.close()
  server = undefined
})

async function get(
  url: string,
  {
    token,
    from = '127.0.0.1',
    forwarded,
    path = '/api/tasks',
  }: { token?: string; from?: string; forwarded?: string; path?: string } = {},
) {
  const call = request(url + path, {
    localAddress: from,
    agent: false,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(forwarded !== undefined && { 'x-forwarded-for': forwarded }),
    },
  })
  call.end()
  const [response] = await once(call, 'response')
  const body = await text(response)
  return {
    status: response.statusCode as number,
    retryAfter: response.headers['retry-after'] as string | undefined,
    headers: response.headers,
    body,
  }
}

test('L10 requests of one user in a minute: one more is 429 in the shape of every error, with Retry-After', async () => {
  const { url } = await start({ RUNNEL_MAX_REQUESTS_PER_MINUTE: 3 })
  for (let i = 0; i < 3; i++) expect((await get(url, { token: 'ann' })).status).toBe(200)
  const over = await get(url, { token: 'ann' })
  expect(over.status).toBe(429)
  expect(JSON.parse(over.body)).toEqual({
    error: { code: 'rate_limited', message: expect.stringContaining('RUNNEL_MAX_REQUESTS_PER_MINUTE') },
  })
  expect(Number(over.retryAfter)).toBeGreaterThan(0)
  expect(Number(over.retryAfter)).toBeLessThanOrEqual(60)
  // From elsewhere the same user is no other; another user at the same address is.
  expect((await get(url, { token: 'ann', from: '127.0.0.2' })).status).toBe(429)
  for (const token of ['bob', 'cid', 'dan']) expect((await get(url, { token })).status).toBe(200)
})

test('L10 before sign-in the address counts, bad tokens too; probes do not', async () => {
  const { url } = await start({ RUNNEL_MAX_REQUESTS_PER_MINUTE: 3 })
  expect((await get(url)).status).toBe(401)
  expect((await get(url, { token: 'bad' })).status).toBe(401)
  expect((await get(url, { path: '/nothing' })).status).toBe(404)
  expect((await get(url)).status).toBe(429)
  expect((await get(url, { path: '/healthz' })).status).toBe(200)
  expect((await get(url, { path: '/readyz' })).status).toBe(200)
  expect((await get(url, { from: '127.0.0.2' })).status).toBe(401)
})

test('L10 X-Forwarded-For moves nobody, unless a trusted proxy wrote it', async () => {
  const { url } = await start({ RUNNEL_MAX_REQUESTS_PER_MINUTE: 1, RUNNEL_TRUST_PROXY: '127.0.0.2' })
  expect((await get(url, { forwarded: '192.0.2.1' })).status).toBe(401)
  expect((await get(url, { forwarded: '192.0.2.2' })).status).toBe(429)
  expect((await get(url, { from: '127.0.0.2', forwarded: '192.0.2.1' })).status).toBe(401)
  expect((await get(url, { from: '127.0.0.2', forwarded: '192.0.2.2' })).status).toBe(401)
  expect((await get(url, { from: '127.0.0.2', forwarded: '192.0.2.77, 192.0.2.2' })).status).toBe(429)
})

test('L11 bodies: one byte more than the limit is 413 too_large', async () => {
  const { call } = await start({ RUNNEL_MAX_BODY_BYTES: 1_024 })
  const headers = { authorization: 'Bearer ann' }
  const body = (bytes: number) => ({
    title: 'x',
    system: 's'.repeat(bytes - JSON.stringify({ title: 'x', system: '' }).length),
  })
  expect((await call('POST', '/api/chats', body(1_024), headers)).status).toBe(201)
  expect(await call('POST', '/api/chats', body(1_025), headers)).toMatchObject({
    status: 413,
    body: { error: { code: 'too_large', message: expect.stringContaining('1024 bytes') } },
  })
})

test('L12 runs: what is over waits as queued with its place, and one more than may wait is 429', async () => {
  const fake = await startFakeOpenAI()
  const { call } = await start({
    OPENAI_API_KEY: 'key',
    OPENAI_BASE_URL: fake.url,
    RUNNEL_MAX_TASKS_PER_USER: 1,
    RUNNEL_MAX_QUEUED_TASKS_PER_USER: 2,
  })
  const stream = fake.manual()
  const headers = { authorization: 'Bearer ann' }
  const ask = async (who = headers) => {
    const { body: chat } = await call('POST', '/api/chats', {}, who)
    return await call('POST', `/api/chats/${chat.id}/messages`, { content: 'go' }, who)
  }
  const first = await ask()
  await stream.request
  for (;;) {
    const { body } = await call('GET', '/api/tasks', undefined, headers)
    if (body.items[0].status === 'streaming') break
  }
  const [second, third] = [await ask(), await ask()]
  expect([first, second, third].map(({ status }) => status)).toEqual([202, 202, 202])
  expect(await ask()).toMatchObject({ status: 429, body: { error: { code: 'rate_limited' } } })
  const places = async () =>
    (await call('GET', '/api/tasks', undefined, headers)).body.items.map(({ taskId, place }: any) => [taskId, place])
  expect(await places()).toEqual([
    [first.body.taskId, undefined],
    [second.body.taskId, 1],
    [third.body.taskId, 2],
  ])
  await call('POST', `/api/tasks/${second.body.taskId}/stop`, undefined, headers)
  await expect.poll(places).toEqual([
    [first.body.taskId, undefined],
    [third.body.taskId, 1],
  ])
  await call('POST', `/api/tasks/${third.body.taskId}/stop`, undefined, headers)
  await call('POST', `/api/tasks/${first.body.taskId}/stop`, undefined, headers)
  await expect.poll(places).toEqual([])
  await server!.close()
  await fake.close()
})

/** An event stream that is held open; `ended` when it is over. */
async function openStream(url: string, messageId: string, token: string, from = '127.0.0.1') {
  const call = request(`${url}/api/messages/${messageId}/events`, {
    localAddress: from,
    agent: false,
    headers: { authorization: `Bearer ${token}` },
  })
  call.on('error', () => {})
  call.end()
  const [response] = await once(call, 'response')
  const body = text(response).catch(() => 'cut off')
  return {
    status: response.statusCode as number,
    retryAfter: response.headers['retry-after'] as string | undefined,
    body,
    hangUp: () => call.destroy(),
  }
}

test('L1 L2 event streams take the places of sockets: one more is 429, and a place is free however its stream ends', async () => {
  const fake = await startFakeOpenAI()
  const { url, call, runnel } = await start({
    OPENAI_API_KEY: 'key',
    OPENAI_BASE_URL: fake.url,
    RUNNEL_MAX_SOCKETS_PER_USER: 2,
    RUNNEL_MAX_SOCKETS_PER_ADDRESS: 3,
  })
  onTestFinished(() => fake.close())
  const stream = fake.manual()
  const ann = { authorization: 'Bearer ann' }
  const { body: chat } = await call('POST', '/api/chats', {}, ann)
  for (const userId of ['bob', 'cid'])
    await call('POST', `/api/chats/${chat.id}/members`, { userId, role: 'viewer' }, ann)
  const {
    body: { messageId, userMessageId, taskId },
  } = await call('POST', `/api/chats/${chat.id}/messages`, { content: 'go' }, ann)
  await stream.request
  const streams = (count: number) => expect.poll(() => runnel.stats().eventStreams).toBe(count)
  const open = async (token: string, from?: string, id = messageId) => await openStream(url, id, token, from)
  const refused = async (token: string, limit: string, from?: string) => {
    const { status, retryAfter, body } = await open(token, from)
    expect([status, retryAfter, JSON.parse(await body)]).toEqual([
      429,
      '1',
      { error: { code: 'rate_limited', message: expect.stringContaining(limit) } },
    ])
  }

  const socket = await signIn(await openSocket(url))
  const first = await open('ann')
  await refused('ann', 'RUNNEL_MAX_SOCKETS_PER_USER')
  const second = await signIn(await openSocket(url))
  expect((await second.closed).code).toBe(1013)
  const bobs = await open('bob')
  await refused('cid', 'RUNNEL_MAX_SOCKETS_PER_ADDRESS')
  const cids = await open('cid', '127.0.0.2')
  expect([first, bobs, cids].map(({ status }) => status)).toEqual([200, 200, 200])

  // The reader hangs up; a member is removed; the message has ended; it is a user's.
  first.hangUp()
  await streams(2)
  const again = await open('ann')
  await refused('cid', 'RUNNEL_MAX_SOCKETS_PER_ADDRESS')
  await call('DELETE', `/api/chats/${chat.id}/members/bob`, undefined, ann)
  await bobs.body
  await streams(2)
  const free = await open('cid')
  await call('POST', `/api/tasks/${taskId}/stop`, undefined, ann)
  for (const { body } of [again, free, cids]) expect(await body).toContain('event: end')
  await streams(0)
  for (let i = 0; i < 5; i++) {
    for (const id of [messageId, userMessageId]) {
      const whole = await open('ann', undefined, id)
      expect(whole.status).toBe(200)
      expect(await whole.body).toContain('event: end')
    }
  }
  await endSockets(socket)
})

test('the page may load its own scripts and styles, and nothing inline; no page may frame it', async () => {
  const { url } = await start({})
  const { headers } = await get(url, { path: '/' })
  const policy = Object.fromEntries(
    String(headers['content-security-policy'])
      .split(';')
      .map((part) => {
        const [name = '', ...sources] = part.trim().split(' ')
        return [name, sources.join(' ')]
      }),
  )
  expect(policy).toEqual({
    'default-src': "'none'",
    'script-src': "'self'",
    'style-src': "'self'",
    'img-src': "'self' data:",
    'connect-src': "'self'",
    'font-src': "'self'",
    'worker-src': "'self'",
    'manifest-src': "'self'",
    'frame-src': "'self' https: http:",
    'base-uri': "'none'",
    'form-action': "'none'",
    'frame-ancestors': "'none'",
  })
  expect(headers['x-content-type-options']).toBe('nosniff')
  expect(headers['referrer-policy']).toBe('no-referrer')
})
