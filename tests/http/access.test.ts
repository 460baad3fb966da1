/** Host and Origin: a page must not be able to drive a server that runs on its reader's machine. */
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { start } from './server.ts'

/** `fetch` does not let a program choose Host and Origin. */
async function ask(
  url: string,
  headers: Record<string, string>,
  method = 'GET',
  body?: string,
): Promise<{ status: number; body: any }> {
  return await new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers }, (response) => {
      let text = ''
      response
        .setEncoding('utf8')
        .on('data', (part) => {
          text += part
        })
        .on('end', () => resolve({ status: response.statusCode!, body: text === '' ? null : JSON.parse(text) }))
    })
    request.on('error', reject)
    request.end(body)
  })
}

/** The HTTP status of an upgrade; 101 for one that was accepted. */
async function upgrade(url: string, headers: Record<string, string>): Promise<number> {
  return await new Promise((resolve, reject) => {
    const { host, ...others } = headers
    const socket = new WebSocket(url.replace(/^http/, 'ws'), {
      headers: { ...others, ...(host !== undefined && { host }) },
    })
    socket.on('open', () => {
      socket.terminate()
      resolve(101)
    })
    socket.on('unexpected-response', (request, response) => {
      resolve(response.statusCode!)
      request.destroy()
    })
    socket.on('error', (error) => {
      if (!/closed before/.test(error.message)) reject(error)
    })
  })
}

const own = (url: string) => new URL(url).host

const foreign = (url: string): Record<string, string>[] => [
  { host: 'evil.example' },
  { host: `evil.example:${new URL(url).port}` },
  { host: `127.0.0.1.evil.example:${new URL(url).port}` },
  { host: own(url), origin: 'https://evil.example' },
  { host: own(url), origin: 'http://127.0.0.1:1' },
  { host: own(url), origin: 'null' },
  { host: own(url), origin: `http://${own(url)}.evil.example` },
  { host: own(url), origin: `https://${own(url)}` },
  { host: own(url), origin: 'http://127.0.0.1' },
  // Nobody has said that a proxy is to be believed.
  { host: own(url), origin: `https://${own(url)}`, 'x-forwarded-proto': 'https' },
  { host: `user@${own(url)}` },
  { host: `evil.example@${own(url)}` },
  { host: `user:word@${own(url)}` },
  { host: `${own(url)}/` },
  { host: `${own(url)}?x` },
  { host: `${own(url)}#x` },
  { host: `evil.example\\@${own(url)}` },
  { host: 'localhost:x' },
  { host: 'localhost:999999' },
  { host: 'localhost.' },
  { host: '[::1' },
]
const welcome = (url: string): Record<string, string>[] => [
  { host: own(url) },
  { host: `localhost:${new URL(url).port}` },
  { host: own(url), origin: `http://${own(url)}` },
  { host: 'localhost:3000', origin: 'http://localhost:3000' },
  { host: 'localhost', origin: 'http://localhost' },
  { host: 'LOCALHOST:80', origin: 'http://localhost' },
  { host: '[::1]:3000', origin: 'http://[::1]:3000' },
]

test('foreign hosts and origins get 403 on HTTP, before the body is looked at', async () => {
  const server = await start()
  for (const headers of foreign(server.url)) {
    const answer = await ask(
      `${server.url}/api/chats`,
      { ...headers, 'content-type': 'application/json' },
      'POST',
      '{broken',
    )
    expect(answer, JSON.stringify(headers)).toEqual({
      status: 403,
      body: { error: { code: 'forbidden', message: expect.any(String) } },
    })
  }
  for (const headers of welcome(server.url)) expect((await ask(`${server.url}/api/chats`, headers)).status).toBe(200)
  expect((await server.call('GET', '/api/chats')).body.items).toEqual([])
})

test.each(['/ws', '/yjs/msg_any00000000'])('foreign hosts and origins get 403 at the upgrade of %s', async (path) => {
  const server = await start()
  for (const headers of foreign(server.url))
    expect(await upgrade(server.url + path, headers), JSON.stringify(headers)).toBe(403)
  for (const headers of welcome(server.url))
    expect(await upgrade(server.url + path, headers), JSON.stringify(headers)).toBe(101)
})

test('RUNNEL_ALLOWED_ORIGINS lets pages of those origins in, and their host names', async () => {
  const server = await start({ RUNNEL_ALLOWED_ORIGINS: 'https://chat.example, http://localhost:5173' })
  for (const headers of [
    { host: own(server.url), origin: 'https://chat.example' },
    { host: 'chat.example', origin: 'https://chat.example' },
    { host: own(server.url), origin: 'http://localhost:5173' },
    { host: 'chat.example:443', origin: 'https://chat.example' },
  ]) {
    expect((await ask(`${server.url}/api/chats`, headers)).status).toBe(200)
    expect(await upgrade(`${server.url}/ws`, headers)).toBe(101)
  }
  const others: Record<string, string>[] = [
    { host: own(server.url), origin: 'http://chat.example' },
    { host: 'other.example', origin: 'https://chat.example' },
    // The scheme and the port are of the origin: nobody has allowed these.
    { host: 'chat.example', origin: 'http://chat.example' },
    { host: 'chat.example', origin: 'http://chat.example', 'x-forwarded-proto': 'http' },
    { host: 'chat.example', origin: 'https://chat.example:8443' },
    { host: 'chat.example:8443' },
    { host: 'chat.example:80' },
    { host: 'user@chat.example' },
  ]
  for (const headers of others) {
    expect((await ask(`${server.url}/api/chats`, headers)).status).toBe(403)
    expect(await upgrade(`${server.url}/ws`, headers)).toBe(403)
  }
})

test('behind a proxy that is trusted X-Forwarded-Proto says the scheme', async () => {
  const server = await start({ RUNNEL_TRUST_PROXY: 'loopback' })
  const host = own(server.url)
  for (const [proto, origin, status] of [
    ['https', `https://${host}`, 200],
    ['https', `http://${host}`, 403],
    ['http', `http://${host}`, 200],
    ['http', `https://${host}`, 403],
    ['rubbish', `http://${host}`, 200],
  ] as const) {
    const headers = { host, origin, 'x-forwarded-proto': proto }
    expect((await ask(`${server.url}/api/chats`, headers)).status, `${proto} ${origin}`).toBe(status)
    expect(await upgrade(`${server.url}/ws`, headers)).toBe(status === 200 ? 101 : 403)
  }
})

test('an upgrade of another path is 404', async () => {
  const server = await start()
  for (const path of [
    '/',
    '/wss',
    '/ws/',
    '/yjs',
    '/yjs/',
    '/yjs/a/b',
    '/yjs/../ws2',
    '/api/chats',
    '//ws',
    '/yjs/%2e',
  ])
    expect(await upgrade(server.url + path, {}), path).toBe(404)
})

test('a refused upgrade whose client never hangs up does not hold the server', async () => {
  const server = await start()
  const socket = connect({ port: Number(new URL(server.url).port), host: '127.0.0.1', allowHalfOpen: true })
  const answered = new Promise<string>((resolve) => socket.on('data', (data) => resolve(data.toString())))
  const gone = new Promise((resolve) => socket.on('close', resolve))
  socket.on('error', () => {})
  socket.write('GET /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  expect(await answered).toMatch(/^HTTP\/1\.1 404 /)
  const patience = new AbortController()
  const late = sleep(3_000, 'late', { signal: patience.signal }).catch(() => undefined)
  expect(await Promise.race([server.close(), late])).toBeUndefined()
  patience.abort()
  socket.destroy()
  await gone
})
