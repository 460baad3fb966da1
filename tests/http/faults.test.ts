/** What a 400 says of a body that is wrong in very many ways. */
import { expect, test } from 'vitest'
import { start } from './server.ts'

const secret = 'what-nobody-should-see-again'

test.each<[string, string, string, object]>([
  ['an unknown field', 'POST', '/api/chats', { [secret.repeat(20)]: secret }],
  [
    'very many unknown fields',
    'POST',
    '/api/chats',
    Object.fromEntries(Array.from({ length: 60_000 }, (_, i) => [`${i} ${secret}`.repeat(3), 1])),
  ],
  ['very many wrong values', 'POST', '/v1/chat/completions', { messages: Array.from({ length: 300_000 }, () => 1) }],
  [
    'very many names',
    'POST',
    '/api/chats/chat_/messages',
    { content: 'x', tools: Array.from({ length: 90_000 }, () => 7), files: Array.from({ length: 90_000 }, () => 7) },
  ],
  ['a long value', 'POST', '/api/chats', { title: secret.repeat(1_000) }],
  ['a wrong value', 'POST', '/api/chats/chat_/members', { userId: 'u', role: secret }],
  ['an unknown tool', 'POST', '/api/chats/chat_/messages', { content: 'x', tools: [secret.repeat(7)] }],
  ['a deep value', 'POST', '/v1/chat/completions', { messages: [{ role: { [secret]: { [secret]: secret } } }] }],
  ['an unknown model', 'POST', '/api/chats/chat_/messages', { content: 'x', model: secret }],
])('%s: few words, and nothing of what was sent', async (_name, method, path, sent) => {
  const server = await start({ RUNNEL_MAX_BODY_BYTES: 8_000_000, RUNNEL_MODELS: 'a,b' })
  const chatId = (await server.call('POST', '/api/chats', {})).body.id as string
  const startedAt = performance.now()
  const { status, body } = await server.call(method, path.replace('chat_', chatId), sent)
  expect(performance.now() - startedAt).toBeLessThan(3_000)
  expect(status).toBe(400)
  const text = JSON.stringify(body)
  expect(text.length).toBeLessThan(4_000)
  // The beginning of a field's name helps who mistyped it.
  expect(text.split(secret).length - 1).toBeLessThanOrEqual(6)
  expect(JSON.stringify(body.error.details ?? {}).replaceAll(/not known here: .*?"\}/g, '"}')).not.toContain(secret)
  expect(body.error.details?.fields?.length ?? 0).toBeLessThanOrEqual(10)
})

test('ten faults are named, and how many more there are', async () => {
  const server = await start()
  const { status, body } = await server.call('POST', '/v1/chat/completions', {
    messages: Array.from({ length: 30 }, () => 1),
  })
  expect(status).toBe(400)
  expect(body.error.message).toMatch(/messages\.0: .*messages\.9: .*; and 20 more$/)
  const { body: chat } = await server.call('POST', '/api/chats', {})
  const wrong = await server.call('POST', `/api/chats/${chat.id}/messages`, {
    content: 1,
    files: Array(19).fill(1),
    odd: 1,
  })
  expect(wrong.body.error.details).toEqual({ fields: expect.objectContaining({ length: 10 }), others: 11 })
  expect(wrong.body.error.details.fields[0]).toEqual({ field: 'content', message: expect.any(String) })
})
