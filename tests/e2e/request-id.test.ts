/** One id for a request: taken or made, echoed, in every line of its run's log, and upstream. */
import { createServer } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { defineFilter, mcpServer } from '../../server/index.ts'
import { createLogger } from '../../server/operation/log.ts'
import { answer, httpError, startRunnel } from '../../testing/index.ts'
import { closeAfterwards, startWithFake } from '../http/server.ts'

const made = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

test('it is echoed on every answer, and made where none, or none that is sane, was given', async () => {
  const { server, fake } = await startWithFake()
  const idOf = async (path: string, init: RequestInit = {}, given?: string) => {
    const response = await fetch(server.url + path, {
      ...init,
      headers: { ...(init.headers as Record<string, string>), ...(given && { 'x-request-id': given }) },
    })
    await response.text()
    return [response.status, response.headers.get('x-request-id')]
  }
  const json = (body: string): RequestInit => ({
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
  })
  const { chatId, messageId } = await server.ask('Hi')
  const completion = json(JSON.stringify({ messages: [{ role: 'user', content: 'Hi' }] }))
  for (const [path, init, status] of [
    ['/healthz', {}, 200],
    ['/api/chats', json('{}'), 201],
    ['/api/chats', json('{'), 400],
    ['/api/chats', { method: 'DELETE' }, 405],
    ['/api/chats/chat_none', {}, 404],
    ['/nothing', {}, 404],
    [`/api/messages/${messageId}/events`, {}, 200],
    [`/api/chats/${chatId}/messages`, json('{"content": "Hi", "stream": false}'), 200],
    ['/v1/models', {}, 200],
    ['/v1/nothing', {}, 404],
    ['/v1/chat/completions', json('{}'), 400],
    ['/v1/chat/completions', completion, 200],
    ['/v1/chat/completions', json(JSON.stringify({ messages: [{ role: 'user', content: 'Hi' }], stream: true })), 200],
  ] as [string, RequestInit, number][]) {
    expect([path, ...(await idOf(path, init, 'Root=1-67891233:abc/d+e'))]).toEqual([
      path,
      status,
      'Root=1-67891233:abc/d+e',
    ])
    expect([path, ...(await idOf(path, init))]).toEqual([path, status, expect.stringMatching(made)])
  }
  for (const odd of ['a b', 'a"b', '<b>', '-a', 'é', 'x'.repeat(129), 'a, b'])
    expect(await idOf('/healthz', {}, odd)).toEqual([200, expect.stringMatching(made)])
  fake.enqueue(httpError(400, 'No.'))
  expect(await idOf('/v1/chat/completions', completion, 'refused-1')).toEqual([400, 'refused-1'])
})

test('also on upgrades, refused or not', async () => {
  const { server } = await startWithFake()
  const { hostname, port, host } = new URL(server.url)
  const head = async (path: string) => {
    const socket = connect(Number(port), hostname)
    const { promise, resolve } = Promise.withResolvers<string>()
    let text = ''
    socket.on('data', (piece) => {
      text += piece.toString('latin1')
      if (text.includes('\r\n\r\n')) resolve(text)
    })
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
        `Sec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\nX-Request-Id: upgrade-1\r\n\r\n`,
    )
    const answered = await promise
    socket.destroy()
    return answered
  }
  expect(await head('/nothing')).toMatch(/^HTTP\/1.1 404 [^]*\r\nX-Request-Id: upgrade-1\r\n/)
  expect(await head('/ws')).toMatch(/^HTTP\/1.1 101 [^]*\r\nX-Request-Id: upgrade-1\r\n/)
})

test.each(['chat', 'responses'] as const)(
  'it goes upstream (%s) with every request of its run, and is in every line of it',
  async (api) => {
    const lines: string[] = []
    const { server, fake } = await startWithFake({
      RUNNEL_OPENAI_API: api,
      logger: createLogger('debug', { write: (line) => void lines.push(line) }),
      filters: [
        defineFilter({
          name: 'broken',
          outlet: () => {
            throw new Error('No.')
          },
        }),
      ],
    })
    const { id } = (await server.call('POST', '/api/chats', {})).body
    const headers = (name: string) => ({ 'x-request-id': name })
    const asked = (
      await server.call('POST', `/api/chats/${id}/messages`, { content: 'Q', stream: false }, headers('ask-1'))
    ).body
    const { id: messageId, taskId } = asked.error.details.message
    expect(fake.requests.at(-1)!.headers['x-request-id']).toBe('ask-1')
    const ofRun = () =>
      lines.map((line) => JSON.parse(line)).filter((line) => line.taskId === taskId || line.messageId === messageId)
    expect(ofRun().map(({ msg, requestId }) => [msg, requestId])).toEqual([
      ['run begun', 'ask-1'],
      ['run ended', 'ask-1'],
      ['a run met an error', 'ask-1'],
    ])
    expect(
      lines
        .map((line) => JSON.parse(line))
        .filter(({ msg }) => msg === 'request')
        .at(-1),
    ).toMatchObject({ requestId: 'ask-1' })
    lines.length = 0
    await server.call('POST', `/api/messages/${messageId}/continue`, { stream: false }, headers('go-on-1'))
    expect(fake.requests.at(-1)!.headers['x-request-id']).toBe('go-on-1')
    expect(ofRun().map(({ requestId }) => requestId)).toEqual(['go-on-1', 'go-on-1', 'go-on-1'])
    await server.call('POST', `/api/messages/${messageId}/regenerate`, { stream: false }, headers('again-1'))
    expect(fake.requests.at(-1)!.headers['x-request-id']).toBe('again-1')
    await server.call('POST', '/v1/chat/completions', { messages: [{ role: 'user', content: 'Q' }] }, headers('door-1'))
    expect(fake.requests.at(-1)!.headers['x-request-id']).toBe('door-1')
  },
)

test('a run that waits in line keeps it, also over a restart', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-request-id-'))
  closeAfterwards(() => rm(folder, { recursive: true }))
  const database = { DATABASE_URL: `sqlite:${join(folder, 'a.db')}`, RUNNEL_MAX_TASKS: 1 }
  const { server, fake } = await startWithFake(database)
  fake.manual()
  const first = await server.ask('Q')
  await fake.received(1)
  const { id } = (await server.call('POST', '/api/chats', {})).body
  await server.call('POST', `/api/chats/${id}/messages`, { content: 'Q' }, { 'x-request-id': 'queued-1' })
  await server.close()
  expect(first.taskId).not.toBe('')
  fake.enqueue(answer({ text: 'A.' }))
  const lines: string[] = []
  const next = await startRunnel({
    ...database,
    OPENAI_BASE_URL: fake.url,
    OPENAI_API_KEY: 'key',
    logger: createLogger('info', { write: (line) => void lines.push(line) }),
  })
  closeAfterwards(() => next.close())
  expect((await fake.received(2)).headers['x-request-id']).toBe('queued-1')
  await expect
    .poll(() => lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'run ended'))
    .toMatchObject([{ requestId: 'queued-1' }])
})

test('an MCP server gets it with the calls of the run', async () => {
  const seen: [string, unknown][] = []
  const http = createServer((request, response) => {
    let text = ''
    request.on('data', (piece) => (text += piece))
    request.on('end', () => {
      if (request.method !== 'POST') return response.writeHead(405).end()
      const { id, method } = JSON.parse(text)
      seen.push([method, request.headers['x-request-id']])
      if (id === undefined) return response.writeHead(202).end()
      const results: Record<string, object> = {
        initialize: {
          protocolVersion: '2025-06-18',
          capabilities: { tools: {} },
          serverInfo: { name: 'a', version: '1' },
        },
        'tools/list': { tools: [{ name: 'look', inputSchema: { type: 'object' } }] },
      }
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(
        JSON.stringify({ jsonrpc: '2.0', id, result: results[method] ?? { content: [{ type: 'text', text: 'So.' }] } }),
      )
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  closeAfterwards(async () => void http.close())
  const { server, fake } = await startWithFake({
    tools: [
      mcpServer({
        name: 'far',
        url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
        headers: { 'x-own': 'a' },
      }),
    ],
  })
  const { id } = (await server.call('POST', '/api/chats', {})).body
  for (const name of ['call-1', 'call-2']) {
    fake.enqueue(answer({ toolCalls: [{ id: name, name: 'far_look', arguments: '{}' }] }), answer({ text: 'Yes.' }))
    await server.call('POST', `/api/chats/${id}/messages`, { content: 'Q', stream: false }, { 'x-request-id': name })
  }
  expect(seen.filter(([method]) => method === 'tools/call')).toEqual([
    ['tools/call', 'call-1'],
    ['tools/call', 'call-2'],
  ])
})
