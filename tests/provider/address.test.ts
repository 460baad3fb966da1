/** Addresses with user and password in them: of a provider, its list of models, and a tool server. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { McpFetch } from '../../server/extension/mcp-http.ts'
import { openaiProvider } from '../../server/provider/openai.ts'
import { collect, foldEvents } from '../helpers/fold-events.ts'
import { done, ends, text } from '../helpers/frames.ts'

/** Path and `Authorization` of each request. */
let seen: [path: string, authorization: string | undefined][] = []
let url = ''
const server = createServer((request, response) => {
  seen.push([request.url!, request.headers.authorization])
  if (request.url === '/v1/models') return void response.end(JSON.stringify({ data: [{ id: 'm' }] }))
  response.setHeader('content-type', 'text/event-stream')
  response.end(text('Hi.') + ends() + done)
})

beforeEach(async () => {
  seen = []
  await new Promise<void>((listens) => server.listen(0, '127.0.0.1', listens))
  url = `http://ada:p%40ss%3A%E2%98%82@127.0.0.1:${(server.address() as AddressInfo).port}/v1`
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

const basic = `Basic ${Buffer.from('ada:p@ss:☂').toString('base64')}`
const { signal } = new AbortController()

test.each<[string, object, string]>([
  ['user and password', {}, basic],
  ['a key, which goes before them', { apiKey: 'key' }, 'Bearer key'],
  ['a header of its own', { headers: { Authorization: 'Token t' } }, 'Token t'],
])('a provider is asked with %s', async (_, options, authorization) => {
  const provider = openaiProvider({ baseURL: url, api: 'chat', idleMs: 5_000, maxRetries: 0, ...options })
  const request = { model: 'm', prompt: [{ role: 'user' as const, text: 'Hello' }] }
  expect(foldEvents(await collect(provider(request, signal)))).toMatchObject({ status: 'completed' })
  expect(await provider.list!(signal)).toMatchObject([{ id: 'm' }])
  expect(seen).toEqual([
    ['/v1/chat/completions', authorization],
    ['/v1/models', authorization],
  ])
})

test('a tool server is asked with them, too', async () => {
  const response = await new McpFetch(1_000).fetch(url, { headers: { accept: 'text/event-stream' } })
  await response.body?.cancel()
  expect(seen).toEqual([['/v1', basic]])
})
