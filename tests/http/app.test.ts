/** What holds for every route: errors, bodies, health. */
import { expect, test } from 'vitest'
import { start } from './server.ts'

test('health and readiness', async () => {
  const server = await start()
  expect(await server.call('GET', '/healthz')).toEqual({ status: 200, body: { status: 'ok' } })
  expect(await server.call('GET', '/readyz')).toEqual({ status: 200, body: { status: 'ready' } })
})

test('what does not exist is 404 in the shape of every error', async () => {
  const server = await start()
  for (const [method, path] of [
    ['GET', '/api'],
    ['GET', '/api/nothing'],
    ['GET', '/nothing'],
  ] as const) {
    expect(await server.call(method, path), path).toEqual({
      status: 404,
      body: { error: { code: 'not_found', message: expect.stringMatching(/\.$/) } },
    })
  }
})

test.each([
  ['broken JSON', '{"title": ', 'application/json', 400],
  ['a JSON string', '"title"', 'application/json', 400],
  ['a JSON array', '[]', 'application/json', 400],
  ['an unknown charset', '{}', 'application/json; charset=klingon', 400],
  ['a body over 1 MB', JSON.stringify({ system: 'x'.repeat(1_000_000) }), 'application/json', 413],
])('%s is refused', async (_name, body, type, status) => {
  const server = await start()
  const response = await fetch(`${server.url}/api/chats`, { method: 'POST', body, headers: { 'content-type': type } })
  expect(response.status).toBe(status)
  expect(await response.json()).toEqual({
    error: {
      code: status === 413 ? 'too_large' : 'bad_request',
      message: expect.any(String),
      ...(body === '[]' && { details: expect.anything() }),
    },
  })
  expect((await server.call('GET', '/api/chats')).body.items).toEqual([])
})

test('a path that cannot be decoded is 400', async () => {
  const server = await start()
  expect((await server.call('GET', '/api/chats/%ff')).status).toBe(400)
})

test('a body of just under 1 MB is taken', async () => {
  const server = await start()
  const chat = (await server.call('POST', '/api/chats')).body
  const content = 'ö'.repeat(490_000)
  const { status, body } = await server.call('POST', `/api/chats/${chat.id}/messages`, { content })
  expect(status).toBe(202)
  expect((await server.call('GET', `/api/messages/${body.userMessageId}`)).body.output[0].text).toBe(content)
})

test('nothing tells what the server is made of, and pages may not frame it', async () => {
  const server = await start()
  const { headers } = await fetch(`${server.url}/healthz`)
  expect(headers.get('x-powered-by')).toBeNull()
  expect(headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(headers.get('x-content-type-options')).toBe('nosniff')
})
