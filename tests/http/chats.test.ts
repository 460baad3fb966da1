import { expect, test } from 'vitest'
import { start } from './server.ts'

test('a chat is made, read, renamed and listed, newest first', async () => {
  const server = await start()
  const first = await server.call('POST', '/api/chats', { title: '  First  ', system: 'Be kind.' })
  expect(first).toEqual({
    status: 201,
    body: {
      id: expect.stringMatching(/^chat_[\w-]{20}$/),
      title: 'First',
      system: 'Be kind.',
      createdAt: expect.any(Number),
    },
  })
  const second = await server.call('POST', '/api/chats')
  expect(second).toEqual({
    status: 201,
    body: { id: expect.any(String), title: 'New chat', createdAt: expect.any(Number) },
  })
  expect(await server.call('GET', `/api/chats/${first.body.id}`)).toEqual({ status: 200, body: first.body })
  const renamed = await server.call('PATCH', `/api/chats/${first.body.id}`, { title: 'Other' })
  expect(renamed).toEqual({ status: 200, body: { ...first.body, title: 'Other' } })
  expect(await server.call('GET', `/api/chats/${first.body.id}`)).toEqual(renamed)
  expect(await server.call('GET', '/api/chats')).toMatchObject({
    status: 200,
    body: { items: [second.body, renamed.body], nextCursor: null },
  })
})

test('the list of chats comes in pages, each chat once, also while others are made', async () => {
  const server = await start()
  const ids: string[] = []
  for (let index = 0; index < 7; index++)
    ids.push((await server.call('POST', '/api/chats', { title: `Chat ${index}` })).body.id)
  const seen: string[] = []
  let cursor: string | null = null
  do {
    const page: { items: { id: string }[]; nextCursor: string | null } = (
      await server.call('GET', `/api/chats?limit=3${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`)
    ).body
    expect(page.items.length).toBeLessThanOrEqual(3)
    seen.push(...page.items.map(({ id }) => id))
    cursor = page.nextCursor
    await server.call('POST', '/api/chats')
  } while (cursor !== null)
  expect(seen).toEqual(ids.reverse())
})

test.each([
  [{ title: '' }, 'title'],
  [{ title: 7 }, 'title'],
  [{ title: 'x'.repeat(201) }, 'title'],
  [{ system: {} }, 'system'],
  [{ colour: 'red' }, 'colour'],
])('POST /api/chats %j is a 400 that names the field', async (body, field) => {
  const server = await start()
  const answer = await server.call('POST', '/api/chats', body)
  expect(answer.status).toBe(400)
  expect(answer.body).toEqual({
    error: {
      code: 'bad_request',
      message: expect.stringContaining(field),
      details: { fields: [{ field: expect.any(String), message: expect.any(String) }] },
    },
  })
  expect(JSON.stringify(answer.body.error.details)).toContain(field)
  expect((await server.call('GET', '/api/chats')).body.items).toEqual([])
})

test.each([
  ['/api/chats?limit=0', 'limit'],
  ['/api/chats?limit=201', 'limit'],
  ['/api/chats?limit=many', 'limit'],
  ['/api/chats?cursor=nonsense', 'cursor'],
  ['/api/chats?cursor=', 'cursor'],
])('GET %s is a 400 that names the field', async (path, field) => {
  const server = await start()
  const { status, body } = await server.call('GET', path)
  expect(status).toBe(400)
  expect(body.error).toMatchObject({ code: 'bad_request', message: expect.stringContaining(field) })
})

test('a chat that does not exist is not_found, whatever is asked of it', async () => {
  const server = await start()
  for (const id of ['chat_unknown0000', 'nonsense', 'msg_unknown0000', '%2e%2e', 'chat_%00']) {
    for (const [method, path, body] of [
      ['GET', ''],
      ['PATCH', '', { title: 'x' }],
      ['GET', '/messages'],
      ['POST', '/messages', { content: 'x' }],
    ] as const) {
      const answer = await server.call(method, `/api/chats/${id}${path}`, body)
      expect(answer, `${method} ${id}${path}`).toEqual({
        status: 404,
        body: { error: { code: 'not_found', message: expect.any(String) } },
      })
    }
  }
})

test('a repeated key makes one chat', async () => {
  const server = await start()
  const headers = { 'idempotency-key': 'once' }
  const answers = await Promise.all([1, 2, 3].map(() => server.call('POST', '/api/chats', { title: 'One' }, headers)))
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1)
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 201])
  expect((await server.call('GET', '/api/chats')).body.items).toHaveLength(1)
  expect((await server.call('POST', '/api/chats', { title: 'Two' }, headers)).status).toBe(422)
  const bad = await server.call('POST', '/api/chats', {}, { 'idempotency-key': 'k'.repeat(256) })
  expect(bad).toMatchObject({ status: 400, body: { error: { message: expect.stringContaining('Idempotency-Key') } } })
})

test('a renamed chat is renamed for its viewers and after the chat was opened anew', async () => {
  const server = await start()
  const { body: chat } = await server.call('POST', '/api/chats', { title: 'Before' })
  await server.call('PATCH', `/api/chats/${chat.id}`, { title: 'After\ud800' })
  expect((await server.call('GET', `/api/chats/${chat.id}`)).body.title).toBe('After\ufffd')
})
