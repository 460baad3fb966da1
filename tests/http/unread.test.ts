/** L15 to L17: callers who do not read their answers, or say their requests slowly. Real sockets that do not read. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { answer } from '../../testing/index.ts'
import { raw } from './raw.ts'
import { start, startWithFake } from './server.ts'

const stallMs = 250

/** A connection that sends what it is given and reads nothing until it is told to. */
async function deaf(url: string, head: string, from = '127.0.0.1'): Promise<{ socket: Socket; closed: Promise<void> }> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), localAddress: from })
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  await once(socket, 'connect')
  socket.pause()
  socket.write(head)
  return { socket, closed }
}

const get = (path: string, headers = '') => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers}\r\n`

async function startBig(settings: Parameters<typeof start>[0] = {}) {
  const server = await start({ RUNNEL_VIEWER_STALL_MS: stallMs, RUNNEL_MAX_BODY_BYTES: 20_000_000, ...settings })
  const chatId = (await server.call('POST', '/api/chats', {})).body.id as string
  const { body } = await server.call('POST', `/api/chats/${chatId}/messages`, {
    content: 'many words '.repeat(900_000),
  })
  return { server, chatId, messageId: body.userMessageId as string }
}

/** What an operator sees of answers that are under way. */
const open = (server: Awaited<ReturnType<typeof start>>) => server.runnel.stats().answers

test('L16 whatever is asked: an answer of which nothing is taken ends after the stall limit', async () => {
  const { server, chatId, messageId } = await startBig({ RUNNEL_METRICS_PORT: 0 })
  const form =
    '--b\r\ncontent-disposition: form-data; name="chatId"\r\n\r\n' +
    `${chatId}\r\n--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n${'f'.repeat(12_000_000)}\r\n--b--\r\n`
  const uploaded = await fetch(`${server.url}/api/files`, {
    method: 'POST',
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
    body: form,
  })
  const { id: fileId } = (await uploaded.json()) as { id: string }
  const asset = /src="([^"]+\.js)"/.exec(await (await fetch(server.url)).text())![1]!
  /** More of it than the system takes in for one that does not read. */
  const many = async (url: string, path: string) =>
    get(path).repeat(Math.ceil(12_000_000 / (await (await fetch(new URL(path, url))).text()).length))
  const asked = [
    get(`/api/chats/${chatId}/messages`),
    ...['json', 'markdown', 'text'].map((format) => get(`/api/messages/${messageId}?format=${format}`)),
    get(`/api/files/${fileId}`),
    await many(server.url, '/openapi.json'),
    await many(server.url, new URL(asset, server.url).pathname),
  ]
  const callers = asked.map((head) => [server.url, head] as const)
  for (const [url, head] of [...callers, [server.metricsUrl!, await many(server.metricsUrl!, '/metrics')] as const]) {
    const { socket, closed } = await deaf(url, head)
    await expect.poll(() => open(server)).toBe(1)
    await expect.poll(() => open(server)).toBe(0)
    // One that is paused learns of its end when it reads: there is no more than the system had taken.
    socket.resume()
    await closed
    expect(socket.bytesRead, head.slice(0, 60)).toBeLessThan(9_000_000)
  }
  expect(server.runnel.stats().pendingAnswerBytes).toBe(0)
})

test('L16 a slow reader who takes something within each stall limit gets the whole answer', async () => {
  const { server, chatId } = await startBig({ RUNNEL_VIEWER_STALL_MS: 1_000 })
  const { socket, closed } = await deaf(server.url, get(`/api/chats/${chatId}/messages`, 'Connection: close\r\n'))
  let bytes = 0
  socket.on('data', (data) => {
    bytes += data.length
    socket.pause()
  })
  const startedAt = performance.now()
  const slowly = setInterval(() => socket.resume(), 12)
  await closed
  clearInterval(slowly)
  expect(bytes).toBeGreaterThan(9_900_000)
  expect(performance.now() - startedAt).toBeGreaterThan(1_000)
})

test('L16 requests behind an answer that is not read wait: a connection has one answer at a time', async () => {
  const { server, chatId } = await startBig({ RUNNEL_VIEWER_STALL_MS: 60_000 })
  const { socket } = await deaf(server.url, get(`/api/chats/${chatId}/messages`).repeat(50))
  await expect.poll(() => server.runnel.stats().pendingAnswerBytes).toBeGreaterThan(9_000_000)
  await server.call('GET', '/healthz')
  const { answers, pendingAnswerBytes } = server.runnel.stats()
  expect([answers, pendingAnswerBytes < 11_000_000]).toEqual([1, true])
  socket.destroy()
  await expect.poll(() => open(server)).toBe(0)
})

test('L16 pipelined requests are all answered, in their order', async () => {
  const server = await start()
  const { socket } = await deaf(server.url, get('/api/tasks') + get('/nothing') + get('/healthz') + get('/api/chats'))
  let text = ''
  socket.on('data', (data) => (text += String(data)))
  socket.resume()
  await expect
    .poll(() => [...text.matchAll(/HTTP\/1.1 (\d+)/g)].map((match) => match[1]))
    .toEqual(['200', '404', '200', '200'])
})

test('L17 answers that nobody takes are capped in all and for an address: one more is 503 with Retry-After', async () => {
  const { server, chatId } = await startBig({
    RUNNEL_VIEWER_STALL_MS: 60_000,
    RUNNEL_MAX_PENDING_ANSWER_BYTES: 44_000_000,
  })
  const path = `/api/chats/${chatId}/messages`
  const ask = (from: string) => deaf(server.url, get(path), from)
  const first = await ask('127.0.0.1')
  await expect.poll(() => open(server)).toBe(1)
  const over = await fetch(server.url + path)
  expect([over.status, over.headers.get('retry-after'), await over.json()]).toEqual([
    503,
    '1',
    { error: { code: 'overloaded', message: expect.stringContaining('RUNNEL_MAX_PENDING_ANSWER_BYTES') } },
  ])
  // Small answers go on, and so do others until all together are too much.
  expect((await server.call('GET', '/api/tasks')).status).toBe(200)
  for (const host of [2, 3, 4]) await ask(`127.0.0.${host}`)
  await expect.poll(() => open(server)).toBe(4)
  const fifth = await ask('127.0.0.5')
  fifth.socket.resume()
  expect(String((await once(fifth.socket, 'data'))[0])).toContain('503 Service Unavailable')
  first.socket.destroy()
  await expect.poll(() => open(server)).toBe(3)
  expect((await server.call('GET', path)).status).toBe(200)
})

test('L17 such a refusal says nothing of the answer in whose place it came', async () => {
  const { server, fake } = await startWithFake({
    RUNNEL_VIEWER_STALL_MS: 60_000,
    RUNNEL_MAX_BODY_BYTES: 20_000_000,
    RUNNEL_MAX_PENDING_ANSWER_BYTES: 39_000_000,
  })
  fake.enqueue(answer({ text: randomBytes(40_000).toString('hex') }))
  const { chatId, messageId } = await server.ask('many words '.repeat(900_000))
  await expect
    .poll(async () => (await server.call('GET', `/api/messages/${messageId}`)).body.status, { timeout: 10_000 })
    .toBe('completed')
  await deaf(server.url, get(`/api/chats/${chatId}/messages`))
  await expect.poll(() => server.runnel.stats().pendingAnswerBytes).toBeGreaterThan(9_000_000)
  for (const path of [`/api/messages/${messageId}/state`, '/openapi.json']) {
    const { status, headers, body } = await raw(server.url + path, { 'accept-encoding': 'br' })
    expect([status, JSON.parse(String(body)).error.code], path).toEqual([503, 'overloaded'])
    for (const name of ['content-encoding', 'etag', 'cache-control', 'x-runnel-lineage'])
      expect(headers, path).not.toHaveProperty(name)
    expect(headers['vary'] ?? '').not.toContain('Accept-Encoding')
    expect(headers['content-type']).toMatch('application/json')
  }
})

test('L15 connections of one address that are no sockets: one more is closed unanswered, elsewhere not', async () => {
  const server = await start({ RUNNEL_MAX_CONNECTIONS_PER_ADDRESS: 3 })
  const idle = await Promise.all([1, 2, 3].map(() => deaf(server.url, '', '127.0.0.2')))
  const fourth = await deaf(server.url, get('/healthz'), '127.0.0.2')
  fourth.socket.resume()
  await fourth.closed
  expect(fourth.socket.bytesRead).toBe(0)
  expect((await server.call('GET', '/healthz')).status).toBe(200)
  // One that becomes a socket has its place among those.
  const { port } = new URL(server.url)
  idle[0]!.socket.write(
    `GET /ws HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  )
  await expect.poll(() => server.runnel.stats().connections).toBe(1)
  await deaf(server.url, '', '127.0.0.2')
  idle[1]!.socket.destroy()
  await expect
    .poll(async () => {
      const next = await deaf(server.url, get('/healthz', 'Connection: close\r\n'), '127.0.0.2')
      next.socket.resume()
      await next.closed
      return next.socket.bytesRead > 0
    })
    .toBe(true)
})

test('L15 a trusted proxy may hold as many as it likes; what it forwards is counted by the address it names', async () => {
  const { server, chatId } = await startBig({
    RUNNEL_VIEWER_STALL_MS: 60_000,
    RUNNEL_MAX_CONNECTIONS_PER_ADDRESS: 2,
    RUNNEL_TRUST_PROXY: '127.0.0.1',
  })
  const ask = (client: string) =>
    deaf(server.url, get(`/api/chats/${chatId}/messages`, `X-Forwarded-For: ${client}\r\n`))
  for (const client of ['192.0.2.1', '192.0.2.1', '192.0.2.2']) await ask(client)
  await expect.poll(() => open(server)).toBe(3)
  const over = await ask('192.0.2.1')
  over.socket.resume()
  expect(String((await once(over.socket, 'data'))[0])).toMatch(/429 Too Many[^]*RUNNEL_MAX_CONNECTIONS_PER_ADDRESS/)
})

test('L18 who says nothing, a head slowly, a body slowly, or nothing more is let go', async () => {
  const server = await start({ RUNNEL_REQUEST_HEAD_MS: 300, RUNNEL_REQUEST_MS: 700 })
  const trickle = async (head: string, drops: string) => {
    const caller = await deaf(server.url, head)
    caller.socket.resume()
    const timer = setInterval(() => caller.socket.write(drops), 50)
    onTestFinished(() => clearInterval(timer))
    const startedAt = performance.now()
    await caller.closed
    return performance.now() - startedAt
  }
  const [silent, slowHead, slowBody, secondHead] = await Promise.all([
    trickle('', ''),
    trickle('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n', 'X-A: b\r\n'),
    trickle(
      'POST /api/chats HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 10000\r\n\r\n',
      ' ',
    ),
    trickle(`${get('/healthz')}GET / HTTP/1.1\r\n`, 'X-A: b\r\n'),
  ])
  expect(Math.max(silent!, slowHead!, secondHead!)).toBeLessThan(3_000)
  expect(slowBody).toBeGreaterThan(600)
  expect(slowBody).toBeLessThan(4_000)
})
