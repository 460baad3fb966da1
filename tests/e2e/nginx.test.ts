/**
 * The example for nginx, run by Debian's nginx. A silence of 90 s is not waited
 * for: the timeouts of the example are compared with what Runnel promises, and
 * all times of both, divided by 30, are then run through.
 */
import { createServer, get, type Server, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadConfig } from '../../server/config/read-config.ts'
import { Collector, startFakeOpenAI, startRunnel, type FakeOpenAI, type StartedRunnel } from '../../testing/index.ts'
import { saysHello } from '../helpers/says-hello.ts'
import { connectionsAtMost, example, milliseconds, startNginx, type Nginx } from '../helpers/nginx.ts'
import { openSocket } from '../socket/plain-socket.ts'

const scale = 30
const silenceMs = 90_000 / scale
const defaults = loadConfig({})

let fake: FakeOpenAI
let server: StartedRunnel
let nginx: Nginx

beforeAll(async () => {
  fake = await startFakeOpenAI(saysHello)
  server = await startRunnel({
    OPENAI_API_KEY: 'key',
    OPENAI_BASE_URL: fake.url,
    RUNNEL_TRUST_PROXY: 'loopback',
    RUNNEL_MAX_SOCKETS_PER_ADDRESS: 4,
    RUNNEL_HEARTBEAT_MS: defaults.RUNNEL_HEARTBEAT_MS / scale,
    RUNNEL_HEARTBEAT_TIMEOUT_MS: Math.round(defaults.RUNNEL_HEARTBEAT_TIMEOUT_MS / scale),
  })
  nginx = await startNginx(server.url, scale)
})

afterAll(async () => {
  await nginx.close()
  await server.close()
  await fake.close()
})

/** `proxy_read_timeout` of the location whose head has this, ms. */
function readTimeout(location: string): number {
  const [, count, unit] = /proxy_read_timeout (\d+)(s|m);/.exec(example.slice(example.indexOf(`location ${location}`)))!
  return milliseconds(count!, unit!)
}

test('its timeouts leave room for what Runnel says by itself', () => {
  expect(readTimeout('~ ^/(ws$')).toBeGreaterThanOrEqual(3 * defaults.RUNNEL_HEARTBEAT_MS)
  // Comments on event streams come every 15 s.
  expect(readTimeout('~ ^/api/messages')).toBeGreaterThanOrEqual(3 * 15_000)
  expect(readTimeout('/ {')).toBeGreaterThan(defaults.RUNNEL_TASK_MAX_MS)
})

test('an answer passes, over HTTP and WebSocket, and survives a silence of 90 s on both', async () => {
  const stream = fake.manual()
  const post = async (path: string, body: object) =>
    (
      await fetch(nginx.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    ).json() as any
  const chat = await post('/api/chats', {})
  const waiting = post(`/api/chats/${chat.id}/messages`, { content: 'Why?', stream: false })
  await stream.request
  const {
    items: [task],
  } = (await (await fetch(`${nginx.url}/api/tasks`)).json()) as any
  const viewer = new Collector(nginx.url)
  const [seen] = await viewer.follow(task.messageId)
  stream.send('Before ')
  await viewer.until(() => seen!.text === 'Before ')
  // The silence itself is what is tested.
  await new Promise((resolve) => setTimeout(resolve, silenceMs))
  expect(viewer.closed).toBeNull()
  stream.send('and after.')
  stream.end()
  const finished = await waiting
  await viewer.until(() => seen!.ended)
  expect(seen!.text).toBe('Before and after.')
  expect(finished).toMatchObject({ status: 'completed', output: [{ text: 'Before and after.' }] })
  await viewer.close()
})

test('a caller cannot pretend another address', async () => {
  const opened = []
  for (let i = 0; i < 4; i++)
    opened.push(await openSocket(nginx.url, { from: '127.0.0.9', headers: { 'x-forwarded-for': `192.0.2.${i}` } }))
  const one = await openSocket(nginx.url, { from: '127.0.0.9', headers: { 'x-forwarded-for': '192.0.2.99' } })
  const other = await openSocket(nginx.url, { from: '127.0.0.10' })
  // The example trusts loopback, and here the callers are loopback too: written anew, the header is theirs all the same.
  expect(one).toMatchObject({ status: 429 })
  expect(other).toMatchObject({ closed: expect.any(Promise) })
  for (const socket of [...opened, other]) if ('socket' in socket) socket.socket.terminate()
  for (const socket of [...opened, other]) if ('socket' in socket) await socket.closed
})

test('a file of the largest size passes, and of a larger one Runnel says what is wrong', async () => {
  const { id } = (await (
    await fetch(`${nginx.url}/api/chats`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
  ).json()) as { id: string }
  const upload = async (bytes: number) => {
    const body = new FormData()
    body.set('chatId', id)
    body.set('file', new Blob([new Uint8Array(bytes).fill(0x61)]), 'a.txt')
    const response = await fetch(`${nginx.url}/api/files`, { method: 'POST', body })
    return [response.status, (await response.json()) as object] as const
  }
  expect(await upload(defaults.RUNNEL_MAX_FILE_BYTES)).toMatchObject([201, { size: defaults.RUNNEL_MAX_FILE_BYTES }])
  expect(await upload(defaults.RUNNEL_MAX_FILE_BYTES + 1)).toMatchObject([413, { error: { code: 'too_large' } }])
})

test('no token of a query reaches the log of nginx', async () => {
  await fetch(`${nginx.url}/yjs/msg_none?token=very-secret`).then((response) => response.text())
  await expect.poll(() => nginx.accessLog()).toContain('/yjs/msg_none')
  expect(nginx.accessLog()).not.toContain('very-secret')
})

test('events come one by one, and a silence between two comments does not end them', async () => {
  const responses: ServerResponse[] = []
  const upstream: Server = createServer((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    responses.push(response)
    response.write('data: one\n\n')
  }).listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  const proxy = await startNginx(`http://127.0.0.1:${(upstream.address() as AddressInfo).port}`, scale)
  const { body } = await fetch(`${proxy.url}/api/messages/msg_1/events`)
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader()
  expect((await reader.read()).value).toBe('data: one\n\n')
  const comments = setInterval(() => responses[0]!.write(':\n\n'), 15_000 / scale)
  let heard = ''
  for (const began = Date.now(); Date.now() - began < silenceMs;) heard += (await reader.read()).value
  clearInterval(comments)
  expect(heard).toMatch(/^(:\n\n){4,}$/)
  responses[0]!.end('data: two\n\n')
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    rest += value
  }
  expect(rest).toContain('data: two\n\n')
  await proxy.close()
  upstream.closeAllConnections()
  upstream.close()
  await once(upstream, 'close')
})

test('one address has an end to its connections, and others have theirs', async () => {
  const responses: ServerResponse[] = []
  const upstream: Server = createServer((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    responses.push(response)
    response.write('data: one\n\n')
  }).listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  const proxy = await startNginx(`http://127.0.0.1:${(upstream.address() as AddressInfo).port}`, scale)
  const ask = (localAddress: string) =>
    new Promise<{ status: number; close: () => void }>((resolve, reject) => {
      const asked = get(`${proxy.url}/api/messages/msg_1/events`, { localAddress, agent: false }, (response) => {
        response.on('error', () => {}).resume()
        resolve({ status: response.statusCode!, close: () => asked.destroy() })
      }).on('error', reject)
    })
  const open = await Promise.all(Array.from({ length: connectionsAtMost }, () => ask('127.0.0.11')))
  expect(open.map(({ status }) => status)).toEqual(Array.from({ length: connectionsAtMost }, () => 200))
  const more = [await ask('127.0.0.11'), await ask('127.0.0.12')]
  expect(more.map(({ status }) => status)).toEqual([429, 200])
  for (const { close } of [...open, ...more]) close()
  await proxy.close()
  upstream.closeAllConnections()
  upstream.close()
  await once(upstream, 'close')
})
