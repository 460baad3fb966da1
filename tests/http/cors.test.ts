/** Pages of other origins: those of RUNNEL_ALLOWED_ORIGINS may call, no others. */
import { expect, test } from 'vitest'
import { start } from './server.ts'

const friend = 'https://chat.example'
const preflight = (origin: string) => ({
  method: 'OPTIONS',
  headers: {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type,idempotency-key',
  },
})

test('an allowed page is answered before it calls, when it calls, and when it is refused', async () => {
  const server = await start({
    RUNNEL_ALLOWED_ORIGINS: `${friend},http://localhost:5173`,
    authenticate: async (token) => {
      if (token !== 'ann') throw Object.assign(new Error('no'), { status: 401 })
      return { id: token, name: token }
    },
  })
  const asked = await fetch(`${server.url}/api/chats`, preflight(friend))
  expect(asked.status).toBe(204)
  expect(Object.fromEntries(asked.headers)).toMatchObject({
    'access-control-allow-origin': friend,
    'access-control-allow-methods': 'GET,HEAD,POST,PATCH,DELETE',
    vary: 'Origin',
    'access-control-allow-headers': 'Authorization,Content-Type,Idempotency-Key,Last-Event-ID',
    'access-control-max-age': '600',
  })
  expect(asked.headers.has('access-control-allow-credentials')).toBe(false)
  const called = await fetch(`${server.url}/api/chats`, { headers: { origin: friend, authorization: 'Bearer ann' } })
  expect(called.status).toBe(200)
  expect(called.headers.get('access-control-allow-origin')).toBe(friend)
  expect(called.headers.get('access-control-expose-headers')).toBe(
    'X-Runnel-Message-Id,X-Runnel-Chat-Id,X-Runnel-Task-Id,Retry-After',
  )
  const refused = await fetch(`${server.url}/api/chats`, { headers: { origin: friend } })
  expect(refused.status).toBeGreaterThanOrEqual(400)
  expect(refused.headers.get('access-control-allow-origin')).toBe(friend)
})

test('at the OpenAI door a page may send whatever headers its SDK does', async () => {
  const server = await start({ RUNNEL_ALLOWED_ORIGINS: friend })
  const asked = await fetch(`${server.url}/v1/chat/completions`, {
    method: 'OPTIONS',
    headers: {
      origin: friend,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,x-stainless-os,x-runnel-chat-id',
    },
  })
  expect([
    asked.status,
    asked.headers.get('access-control-allow-origin'),
    asked.headers.get('access-control-allow-headers'),
  ]).toEqual([204, friend, 'authorization,x-stainless-os,x-runnel-chat-id'])
  const called = await fetch(`${server.url}/v1/models`, { headers: { origin: friend } })
  expect(called.headers.get('access-control-expose-headers')).toBe(
    'X-Runnel-Message-Id,X-Runnel-Chat-Id,X-Runnel-Task-Id,Retry-After',
  )
  const foreign = await fetch(`${server.url}/v1/models`, { headers: { origin: 'https://evil.example' } })
  expect([foreign.status, ((await foreign.json()) as any).error.type]).toEqual([403, 'permission_error'])
})

test('a foreign page gets 403 and no leave, at the preflight already', async () => {
  const server = await start({ RUNNEL_ALLOWED_ORIGINS: friend })
  for (const origin of ['https://evil.example', 'http://chat.example', 'https://chat.example.evil.example', 'null']) {
    for (const init of [preflight(origin), { headers: { origin } }]) {
      const answer = await fetch(`${server.url}/api/chats`, init)
      expect(answer.status, origin).toBe(403)
      expect(
        [...answer.headers.keys()].filter((name) => name.startsWith('access-control-')),
        origin,
      ).toEqual([])
    }
  }
})

test('without allowed origins nobody but the own page is let in', async () => {
  const server = await start()
  const own = await fetch(`${server.url}/api/chats`, { headers: { origin: server.url } })
  expect(own.status).toBe(200)
  expect(own.headers.has('access-control-allow-origin')).toBe(false)
})

test('a wrong method on a path that is there is 405 with what is possible', async () => {
  const server = await start()
  const { messageId } = await server.ask('Hello')
  for (const [method, path, allow] of [
    ['PUT', '/api/chats', 'POST, GET, HEAD'],
    ['DELETE', '/api/tasks', 'GET, HEAD'],
    ['PUT', `/api/messages/${messageId}`, 'GET, HEAD, DELETE, PATCH'],
    ['GET', '/api/invites/redeem', 'POST'],
    ['POST', '/healthz', 'GET, HEAD'],
    ['OPTIONS', '/api/chats', 'POST, GET, HEAD'],
    ['GET', '/api/tasks/x/stop', 'POST'],
  ] as const) {
    const response = await fetch(server.url + path, { method })
    expect(response.status, `${method} ${path}`).toBe(405)
    expect(response.headers.get('allow')).toBe(allow)
    expect(await response.json()).toEqual({
      error: { code: 'method_not_allowed', message: expect.stringMatching(/\.$/) },
    })
  }
  expect((await fetch(`${server.url}/api/chats`, { method: 'HEAD' })).status).toBe(200)
})
