/** Runnel as a part of another program: below a path of its Express app, on its HTTP server, with its login. */
import { once } from 'node:events'
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import helmet from 'helmet'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { connect, type Message } from '../../client/index.ts'
import { createRunnel, type Runnel } from '../../server/app/app.ts'
import type { RunnelOptions } from '../../server/app/options.ts'
import { until } from '../socket/sockets.ts'

const quiet = { DATABASE_URL: 'memory:', LOG_LEVEL: 'silent', RUNNEL_DRAIN_MS: 0 } as const

async function listen(listener: RequestListener): Promise<{ server: Server; url: string }> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  })
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** An Express app with pages of its own, a socket of its own, and Runnel below `/chat`. */
async function startHost(options: RunnelOptions = {}): Promise<{ url: string; runnel: Runnel; server: Server }> {
  const runnel = createRunnel({ ...quiet, RUNNEL_BASE_PATH: '/chat', ...options })
  const app = express()
  app.use(helmet({ contentSecurityPolicy: { directives: { 'default-src': ["'self'"] } } }))
  app.use('/chat', runnel.handler)
  app.use(express.json())
  app.get('/chatter', (_request, response) => void response.send('of the host'))
  app.get('/api/chats', (_request, response) => void response.json({ host: true }))
  app.use((_request, response) => void response.status(404).send('the 404 of the host'))
  const { server, url } = await listen(app)
  const echo = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request, socket, head) => {
    if (request.url === '/echo')
      echo.handleUpgrade(request, socket, head, (webSocket) => webSocket.on('message', (data) => webSocket.send(data)))
  })
  await runnel.attach(server)
  onTestFinished(() => runnel.close())
  return { url, runnel, server }
}

async function call(url: string, method: string, body?: object, headers: Record<string, string> = {}) {
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: { 'content-type': 'application/json', ...headers },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: text.startsWith('{') ? JSON.parse(text) : undefined,
  }
}

async function upgrade(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; socket: WebSocket }> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), { headers })
  onTestFinished(() => socket.terminate())
  return await new Promise((resolve) => {
    socket.on('error', () => {})
    socket.on('open', () => resolve({ status: 101, socket }))
    socket.on('unexpected-response', (_request, response) => {
      response.resume()
      resolve({ status: response.statusCode!, socket })
    })
  })
}

test('below a prefix of an Express app: what is ours answers, what is not goes on to the host', async () => {
  const { url } = await startHost()
  const made = await call(`${url}/chat/api/chats`, 'POST', { title: 'Inside' })
  expect(made.status).toBe(201)
  expect((await call(`${url}/chat/api/chats?limit=5`, 'GET')).body.items).toMatchObject([{ title: 'Inside' }])
  expect((await call(`${url}/chat/healthz`, 'GET')).body).toEqual({ status: 'ok' })
  const unknown = await call(`${url}/chat/nowhere`, 'GET')
  expect([unknown.status, unknown.body.error.code]).toEqual([404, 'not_found'])
  expect((await call(`${url}/chat/api/chats`, 'DELETE')).status).toBe(405)

  const host = await call(`${url}/chatter`, 'GET')
  expect([host.text, host.headers.get('content-security-policy')]).toEqual([
    'of the host',
    expect.stringContaining("default-src 'self'"),
  ])
  expect((await call(`${url}/api/chats`, 'GET')).body).toEqual({ host: true })
  expect((await call(`${url}/elsewhere`, 'GET')).text).toBe('the 404 of the host')
  expect(made.headers.get('content-security-policy')).toContain("default-src 'none'")
})

test('addresses that are handed out are below the prefix', async () => {
  const { url } = await startHost()
  const {
    body: { id: chatId },
  } = await call(`${url}/chat/api/chats`, 'POST', {})
  const invite = (await call(`${url}/chat/api/chats/${chatId}/invites`, 'POST', {})).body
  expect(invite.url).toMatch(/^\/chat\/#invite=inv_/)
  expect((await call(`${url}/chat/openapi.json`, 'GET')).body.servers).toEqual([{ url: '/chat' }])

  const form = new FormData()
  form.set('chatId', chatId)
  form.set('file', new File(['What is in it'], 'notes.txt', { type: 'text/plain' }))
  const file = (await (await fetch(`${url}/chat/api/files`, { method: 'POST', body: form })).json()) as {
    id: string
    url: string
  }
  expect(file.url).toBe(`/chat/api/files/${file.id}`)
  expect(await (await fetch(url + file.url)).text()).toBe('What is in it')
  const { userMessageId } = (
    await call(`${url}/chat/api/chats/${chatId}/messages`, 'POST', { content: 'Read it', files: [file.id] })
  ).body
  const question = (await call(`${url}/chat/api/messages/${userMessageId}`, 'GET')).body as Message
  expect(question.output[1]).toMatchObject({ type: 'file', url: file.url })

  const page = await call(`${url}/chat?from=mail`, 'GET')
  expect([page.status, page.headers.get('location')]).toEqual([301, '/chat/?from=mail'])
  const html = await (await fetch(`${url}/chat/`)).text()
  for (const [, asset] of html.matchAll(/(?:src|href)="(\.[^"]+)"/g)) {
    const response = await fetch(new URL(asset!, `${url}/chat/`))
    expect(response.status).toBe(200)
    // Unread it would keep its connection open until it is collected.
    expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(0)
  }
})

test('the model gets a file that is below a prefix', async () => {
  const prompts: string[] = []
  const { url } = await startHost({
    provider: async function* (request) {
      prompts.push(JSON.stringify(request.prompt))
      yield { type: 'finish', reason: 'stop' }
    },
  })
  const {
    body: { id: chatId },
  } = await call(`${url}/chat/api/chats`, 'POST', {})
  const form = new FormData()
  form.set('chatId', chatId)
  form.set('file', new File(['What is in it'], 'notes.txt', { type: 'text/plain' }))
  const file = (await (await fetch(`${url}/chat/api/files`, { method: 'POST', body: form })).json()) as { id: string }
  expect(
    (
      await call(`${url}/chat/api/chats/${chatId}/messages`, 'POST', {
        content: 'Read it',
        files: [file.id],
        stream: false,
      })
    ).status,
  ).toBe(200)
  expect(prompts[0]).toContain('What is in it')
})

test("sockets and event streams below the prefix; other sockets of the same server are the host's", async () => {
  const { url } = await startHost()
  const client = connect({ url: `${url}/chat/` })
  onTestFinished(() => client.close())
  const chat = await client.api.createChat()
  const { messageId } = await client.api.send(chat.id, { content: 'an error please' })
  const live = client.message(messageId)
  onTestFinished(live.subscribe(() => {}))
  await until(() => live.getSnapshot().message?.status === 'failed', 'the end')
  expect((await call(`${url}/chat/api/messages/${messageId}/events`, 'GET')).text).toContain('event: snapshot')

  expect((await upgrade(`${url}/chat/yjs/${messageId}`)).status).toBe(101)
  expect((await upgrade(`${url}/chat/elsewhere`)).status).toBe(404)
  const { status, socket } = await upgrade(`${url}/echo`)
  expect(status).toBe(101)
  socket.send('hello')
  expect(String((await once(socket, 'message'))[0])).toBe('hello')
})

test('close() detaches: viewers are told to come again, the host serves on', async () => {
  const { url, runnel, server } = await startHost()
  const { socket } = await upgrade(`${url}/chat/ws`)
  const closed = once(socket, 'close')
  const before = server.listenerCount('upgrade')
  await runnel.close()
  expect((await closed)[0]).toBe(1012)
  expect(server.listenerCount('upgrade')).toBe(before - 1)
  expect((await call(`${url}/chatter`, 'GET')).text).toBe('of the host')
  const ours = await call(`${url}/chat/api/chats`, 'GET')
  expect([ours.status, ours.headers.get('retry-after'), ours.body.error.code]).toEqual([503, '1', 'restarting'])
  await expect(runnel.attach(server)).rejects.toMatchObject({ code: 'restarting' })
})

test('on a plain HTTP server, at its root or below a path; what nobody else listens for is refused', async () => {
  const runnel = createRunnel({ ...quiet, RUNNEL_BASE_PATH: '/chat/' })
  onTestFinished(() => runnel.close())
  const { url, server } = await listen(runnel.handler)
  // Before `attach` it recovers with the first request.
  expect((await call(`${url}/chat/api/chats`, 'POST', {})).status).toBe(201)
  await runnel.attach(server)
  const outside = await call(`${url}/healthz`, 'GET')
  expect([outside.status, outside.body.error.code]).toEqual([404, 'not_found'])
  expect((await call(`${url}/chatter`, 'GET')).status).toBe(404)
  expect((await upgrade(`${url}/ws`)).status).toBe(404)
  expect((await upgrade(`${url}/chat/ws`)).status).toBe(101)
})

test("two on one server: each has its sockets, and an upgrade that is nobody's is refused, unless the host listens", async () => {
  const runnels = ['/one', '/one/two', '/'].map((RUNNEL_BASE_PATH) => createRunnel({ ...quiet, RUNNEL_BASE_PATH }))
  onTestFinished(async () => {
    for (const runnel of runnels) await runnel.close()
  })
  for (const order of [runnels.slice(0, 2), runnels, runnels.toReversed()]) {
    const { url, server } = await listen((_request, response) => void response.writeHead(404).end())
    for (const runnel of order) await runnel.attach(server)
    const status = async (path: string) => (await upgrade(url + path)).status
    for (const path of ['/one/ws', '/one/two/ws']) expect([path, await status(path)]).toEqual([path, 101])
    expect(await status('/ws')).toBe(order.length === 3 ? 101 : 404)
    for (const path of ['/nobody', '/', '/one/else', '/one/two/else', '/on', '/yjs'])
      expect([path, await status(path)]).toEqual([path, 404])
    const echo = new WebSocketServer({ noServer: true })
    server.on('upgrade', (request, socket, head) => {
      if (request.url === '/nobody') echo.handleUpgrade(request, socket, head, () => {})
    })
    for (const path of ['/nobody', '/one/ws', '/one/two/ws']) expect([path, await status(path)]).toEqual([path, 101])
    expect(await status('/one/two/else')).toBe(404)
  }
})

test('behind a router that strips the prefix and has read query and body by its own rules', async () => {
  const runnel = createRunnel({ ...quiet, RUNNEL_BASE_PATH: '/chat' })
  onTestFinished(() => runnel.close())
  // As Express 4 does it.
  const { url } = await listen((request, response) => {
    const { url: fullUrl = '' } = request
    let text = ''
    request.on('data', (chunk: Buffer) => {
      text += String(chunk)
    })
    request.on('end', () => {
      Object.assign(request, {
        originalUrl: fullUrl,
        baseUrl: '/chat',
        url: fullUrl.slice('/chat'.length),
        query: { limit: { deep: 'object' } },
        ...(text !== '' && { body: JSON.parse(text), _body: true }),
      })
      runnel.handler(request, response, () => response.writeHead(418).end())
    })
  })
  expect((await call(`${url}/chat/api/chats`, 'POST', { title: 'Read before' })).body.title).toBe('Read before')
  expect((await call(`${url}/chat/api/chats?limit=1`, 'GET')).body.items).toHaveLength(1)
  expect((await call(`${url}/else`, 'GET')).status).toBe(418)
})

test('a server of its own below a prefix says so in its address', async () => {
  const runnel = createRunnel({ ...quiet, PORT: 0, RUNNEL_BASE_PATH: '/chat' })
  onTestFinished(() => runnel.close())
  const { url } = await runnel.listen()
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/chat$/)
  expect((await call(`${url}/api/chats`, 'GET')).status).toBe(200)
})

const sessions: Record<string, string> = { s1: 'ada', s2: 'bob' }
const byCookie = (_token: string | undefined, { headers }: IncomingMessage) => {
  const id = sessions[/session=(\w+)/.exec(headers.cookie ?? '')?.[1] ?? '']
  return id === undefined ? null : { id, name: id }
}

test('the login of the host, by its session cookie: HTTP, event streams and both sockets', async () => {
  const { url } = await startHost({ authenticate: byCookie })
  const ada = { cookie: 'session=s1' }
  expect((await call(`${url}/chat/api/chats`, 'POST', {})).status).toBe(401)
  const {
    body: { id: chatId },
  } = await call(`${url}/chat/api/chats`, 'POST', {}, ada)
  const {
    body: { messageId },
  } = await call(`${url}/chat/api/chats/${chatId}/messages`, 'POST', { content: 'an error please' }, ada)
  expect((await call(`${url}/chat/api/messages/${messageId}`, 'GET', undefined, { cookie: 'session=s2' })).status).toBe(
    404,
  )
  expect((await call(`${url}/chat/api/messages/${messageId}/events`, 'GET', undefined, ada)).text).toContain(
    'event: snapshot',
  )

  const { socket } = await upgrade(`${url}/chat/ws`, ada)
  socket.send(JSON.stringify({ type: 'hello', v: 1 }))
  expect(JSON.parse(String((await once(socket, 'message'))[0]))).toMatchObject({ type: 'welcome', user: { id: 'ada' } })
  const stranger = (await upgrade(`${url}/chat/ws`)).socket
  stranger.send(JSON.stringify({ type: 'hello', v: 1 }))
  expect((await once(stranger, 'close'))[0]).toBe(4401)
  const stock = (await upgrade(`${url}/chat/yjs/${messageId}`, ada)).socket
  // SyncStep1 with an empty state vector; what comes is SyncStep2.
  stock.send(Uint8Array.of(0, 0, 1, 0))
  expect([...((await once(stock, 'message'))[0] as Buffer).subarray(0, 2)]).toEqual([0, 1])
})

test('a cookie that a foreign page makes the browser send opens nothing', async () => {
  const { url } = await startHost({ authenticate: byCookie })
  const foreign = { cookie: 'session=s1', origin: 'https://evil.example' }
  for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1']) {
    expect((await call(`${url}/chat/api/chats`, 'POST', {}, { ...foreign, origin })).status).toBe(403)
    expect((await call(`${url}/chat/api/chats`, 'GET', undefined, { ...foreign, origin })).status).toBe(403)
    expect((await upgrade(`${url}/chat/ws`, { ...foreign, origin })).status).toBe(403)
  }
  // A name that was rebound to this address.
  const rebound = await new Promise<number>((resolve) => {
    httpRequest(`${url}/chat/api/chats`, { headers: { cookie: 'session=s1', host: 'evil.example' } }, (response) => {
      response.resume()
      resolve(response.statusCode!)
    }).end()
  })
  expect(rebound).toBe(403)
  expect((await call(`${url}/chat/api/chats`, 'POST', {}, { cookie: 'session=s1', origin: url })).status).toBe(201)
})

test('without any login only this machine is served, wherever the host listens', async () => {
  const runnel = createRunnel({ ...quiet })
  onTestFinished(() => runnel.close())
  const from = (address: string) => (request: IncomingMessage) =>
    void Object.defineProperty(request.socket, 'remoteAddress', { value: address, configurable: true })
  let pretend = from('192.0.2.7')
  const { url, server } = await listen((request, response) => {
    pretend(request)
    runnel.handler(request, response)
  })
  server.prependListener('upgrade', (request: IncomingMessage) => pretend(request))
  await runnel.attach(server)
  const refused = await call(`${url}/api/chats`, 'GET')
  expect([refused.status, refused.body.error.message]).toEqual([403, expect.stringContaining('Without sign-in')])
  expect((await upgrade(`${url}/ws`)).status).toBe(403)
  pretend = from('::ffff:127.0.0.1')
  expect((await call(`${url}/api/chats`, 'GET')).status).toBe(200)
  expect((await upgrade(`${url}/ws`)).status).toBe(101)
})
