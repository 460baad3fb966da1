import type { IncomingHttpHeaders } from 'node:http'
import { expect, test } from 'vitest'
import { RunnelError } from '../../client/index.ts'
import type { FakeServer } from './fake-server.ts'
import { startClient, startServer } from './fixtures.ts'

interface Call {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: unknown
}

/** Every call is answered alike and written down. */
function answering(server: FakeServer, status: number, answer: unknown): Call[] {
  const calls: Call[] = []
  server.onRequest = (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString()
      calls.push({
        method: request.method!,
        path: request.url!,
        headers: request.headers,
        body: text && JSON.parse(text),
      })
      response.writeHead(status).end(typeof answer === 'string' ? answer : JSON.stringify(answer))
    })
  }
  return calls
}

test('each call has its method, path and body', async () => {
  const server = await startServer()
  const calls = answering(server, 200, {})
  const { api } = startClient(server)
  await api.createChat({ title: 'T' })
  await api.listChats({ cursor: 'a&b' })
  await api.getChat('c')
  await api.renameChat('c', 'New')
  await api.getMessages('c', { limit: 2 })
  await api.send('c', { content: 'Hi' })
  await api.getMessage('m')
  await api.deleteMessage('m')
  await api.regenerate('m', { model: 'other' })
  await api.continue('m')
  await api.edit('m', { content: 'Hello', files: [] })
  await api.decide('m', 'call/1', 'approve')
  await api.decide('m', 'c', 'deny', { reason: 'No.' })
  await api.answerCall('m', 'c', { sunny: true })
  await api.answerCall('m', 'c', null)
  await api.stop('m', 't')
  await api.stop('m')
  await api.stopTask('t')
  await api.listTasks()
  await api.listTools()
  await api.searchChats('moon & sea', { limit: 3 })
  await api.markRead('c')
  await api.markRead('c', 5)
  await api.getMessages('c', { order: 'desc', leaf: 'm' })
  await api.getMessageState('m')
  await api.getChatState('c')
  await api.exportChat('c', { format: 'html', leaf: 'm' })
  await api.send('c', { content: 'Hi', whenBusy: 'queue' })
  await api.listWaiting('c', { limit: 5 })
  await api.changeWaiting('c', 'w', { content: 'New', before: 'v' })
  await api.removeWaiting('c', 'w')
  await api.sendWaiting('c', 'w')
  expect(calls.map(({ method, path, body }) => [method, path, body])).toEqual([
    ['POST', '/api/chats', { title: 'T' }],
    ['GET', '/api/chats?cursor=a%26b', ''],
    ['GET', '/api/chats/c', ''],
    ['PATCH', '/api/chats/c', { title: 'New' }],
    ['GET', '/api/chats/c/messages?limit=2', ''],
    ['POST', '/api/chats/c/messages', { content: 'Hi' }],
    ['GET', '/api/messages/m', ''],
    ['DELETE', '/api/messages/m', ''],
    ['POST', '/api/messages/m/regenerate', { model: 'other' }],
    ['POST', '/api/messages/m/continue', {}],
    ['PATCH', '/api/messages/m', { content: 'Hello', files: [] }],
    ['POST', '/api/messages/m/tool-calls/call%2F1', { decision: 'approve' }],
    ['POST', '/api/messages/m/tool-calls/c', { decision: 'deny', reason: 'No.' }],
    ['POST', '/api/messages/m/tool-calls/c', { output: { sunny: true } }],
    ['POST', '/api/messages/m/tool-calls/c', { output: null }],
    ['POST', '/api/messages/m/stop', { taskId: 't' }],
    ['POST', '/api/messages/m/stop', {}],
    ['POST', '/api/tasks/t/stop', {}],
    ['GET', '/api/tasks', ''],
    ['GET', '/api/tools', ''],
    ['GET', '/api/chats?query=moon+%26+sea&limit=3', ''],
    ['POST', '/api/chats/c/read', {}],
    ['POST', '/api/chats/c/read', { at: 5 }],
    ['GET', '/api/chats/c/messages?order=desc&leaf=m', ''],
    ['GET', '/api/messages/m/state', ''],
    ['GET', '/api/chats/c/state', ''],
    ['GET', '/api/chats/c/export?format=html&leaf=m', ''],
    ['POST', '/api/chats/c/messages', { content: 'Hi', whenBusy: 'queue' }],
    ['GET', '/api/chats/c/waiting?limit=5', ''],
    ['PATCH', '/api/chats/c/waiting/w', { content: 'New', before: 'v' }],
    ['DELETE', '/api/chats/c/waiting/w', ''],
    ['POST', '/api/chats/c/waiting/w/send', {}],
  ])
})

test('what starts something carries an idempotency key: a new one each time, or the one given', async () => {
  const server = await startServer()
  const calls = answering(server, 202, {})
  const { api } = startClient(server)
  await api.send('c', { content: 'Hi' })
  await api.send('c', { content: 'Hi' })
  const options = { idempotencyKey: 'mine' }
  await api.send('c', { content: 'Hi' }, options)
  await api.regenerate('m', {}, options)
  await api.continue('m', options)
  await api.edit('m', { content: 'Hi' }, options)
  await api.decide('m', 'c', 'deny', options)
  await api.answerCall('m', 'c', 1, options)
  const [first, second, ...others] = calls.map(({ headers }) => headers['idempotency-key'])
  expect(first).toMatch(/^[0-9a-f-]{36}$/)
  expect(second).not.toBe(first)
  expect(others).toEqual(Array(6).fill('mine'))
})

test('the token goes along', async () => {
  const server = await startServer()
  const calls = answering(server, 200, {})
  await startClient(server, { token: async () => 'secret' }).api.listTasks()
  expect(calls[0]!.headers.authorization).toBe('Bearer secret')
})

test('an error comes as RunnelError with code, sentence and details', async () => {
  const server = await startServer()
  const { api } = startClient(server)
  answering(server, 409, { error: { code: 'busy', message: 'A run is live.', details: { taskId: 't' } } })
  const error = await api.send('c', { content: 'Hi' }).catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(RunnelError)
  expect(error).toMatchObject({ code: 'busy', message: 'A run is live.', details: { taskId: 't' }, retryable: true })
})

test.each([
  [502, '<html>Bad gateway</html>', 'internal'],
  [404, '', 'not_found'],
  [503, '{}', 'overloaded'],
  [200, '<html>', 'internal'],
  [418, '{"error":{"code":"of tomorrow","message":"New."}}', 'internal'],
  [500, 'null', 'internal'],
])('an answer %i %j that is none of ours is an error all the same', async (status, answer, code) => {
  const server = await startServer()
  const { api } = startClient(server)
  answering(server, status, answer)
  await expect(api.listTasks()).rejects.toMatchObject({ name: 'RunnelError', code })
})

test("a server that is away is an error that may pass; an abort is the caller's own reason", async () => {
  const server = await startServer()
  const { api } = startClient(server)
  const reason = new Error('not wanted')
  await expect(api.listTasks({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  await server.close()
  await expect(api.listTasks()).rejects.toMatchObject({ code: 'internal', retryable: true })
})

test('a 401 is tried again once with a fresh token, with the same key and body', async () => {
  const server = await startServer()
  const calls: [string | undefined, string | undefined, string][] = []
  server.onRequest = (request, response) => {
    let body = ''
    request
      .on('data', (part) => {
        body += part
      })
      .on('end', () => {
        calls.push([request.headers.authorization, request.headers['idempotency-key'] as string, body])
        response.writeHead(request.headers.authorization === 'Bearer fresh' ? 200 : 401).end('{}')
      })
  }
  const tokens = ['stale', 'fresh']
  const { api } = startClient(server, { token: () => tokens.shift() ?? 'stale' })
  // The socket asks for a token, too: it takes what comes last.
  tokens.unshift('stale')
  await api.send('c', { content: 'Hi' })
  expect(calls.map(([authorization]) => authorization)).toEqual(['Bearer stale', 'Bearer fresh'])
  expect(calls[1]!.slice(1)).toEqual(calls[0]!.slice(1))
  await expect(api.getChat('c')).rejects.toMatchObject({ code: 'unauthenticated' })
  expect(calls).toHaveLength(4)
})

test('a fixed token that is refused is not tried again', async () => {
  const server = await startServer()
  const calls = answering(server, 401, { error: { code: 'unauthenticated', message: 'Sign in again.' } })
  await expect(startClient(server, { token: 'fixed' }).api.getChat('c')).rejects.toMatchObject({
    code: 'unauthenticated',
    message: 'Sign in again.',
  })
  expect(calls).toHaveLength(1)
})

test('an answer without a body is one', async () => {
  const server = await startServer()
  answering(server, 204, '')
  expect(await startClient(server).api.deleteChat('c')).toBeUndefined()
})

test('a file comes as its bytes, or as the error that the server says', async () => {
  const server = await startServer()
  const calls = answering(server, 200, 'bytes')
  const { api } = startClient(server, { token: 'secret' })
  expect(await (await api.getFile('file_1')).text()).toBe('bytes')
  expect(calls[0]).toMatchObject({ path: '/api/files/file_1', headers: { authorization: 'Bearer secret' } })
  answering(server, 404, { error: { code: 'not_found', message: 'There is no such file.' } })
  await expect(api.getFile('file_2')).rejects.toMatchObject({ code: 'not_found', message: 'There is no such file.' })
})
