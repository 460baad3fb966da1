/** Numbers in requests: whole and within their bounds, or 400; what cannot be read of a Last-Event-ID begins anew. */
import { expect, onTestFinished, test } from 'vitest'
import { startRunnel } from '../../testing/index.ts'

const numbers = ['1e400', '-1', '1.5', '9007199254740993', '1e308', 'NaN', 'Infinity', '9'.repeat(400), '0x7fffffffff']

async function start() {
  const server = await startRunnel({ LOG_LEVEL: 'silent' })
  onTestFinished(() => server.close())
  return server
}

test('a number in a query is one of its kind, or 400', async () => {
  const { url, ask } = await start()
  const { chatId } = await ask('Hello')
  for (const number of numbers) {
    const cursor = (text: string) => Buffer.from(text).toString('base64url')
    for (const path of [
      `/api/chats?limit=${number}`,
      `/api/chats?cursor=${cursor(`${number},1`)}`,
      `/api/chats?cursor=${cursor(`1,${number}`)}`,
      `/api/chats?q=hello&cursor=${cursor(`+${number}`)}`,
      `/api/chats/${chatId}/messages?limit=${number}`,
      `/api/chats/${chatId}/messages?cursor=${cursor(`${number},${number}`)}`,
    ]) {
      const response = await fetch(url + path)
      await response.text()
      expect([path, response.status]).toEqual([path, 400])
    }
  }
})

test('a number in a body that JSON can say and nobody can mean is 400', async () => {
  const { url, ask } = await start()
  const { chatId } = await ask('Hello')
  for (const field of ['"params":{"temperature":1e400}', '"params":{"x":[{"y":-1e400}]}', '"metadata":1e400']) {
    const response = await fetch(`${url}/api/chats/${chatId}/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"content":"Hello",${field}}`,
    })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { code: 'bad_request' } })
  }
})

test('a Last-Event-ID with numbers that are none begins with a snapshot', async () => {
  const { url, ask } = await start()
  const { messageId } = await ask('Hello')
  for (const number of ['zzzzzzzzzzzz', '-1', '1.5', 'Infinity', '', 'zzzzzzzzzz']) {
    for (const id of [`l.${number}.0.0`, `l.0.${number}.0`, `l.0.0.0.${number}_${number}`, `l.0.0.0~t.${number}`]) {
      const response = await fetch(`${url}/api/messages/${messageId}/events`, { headers: { 'last-event-id': id } })
      expect(response.status).toBe(200)
      const { value } = await response.body!.getReader().read()
      expect(Buffer.from(value!).toString()).toMatch(/^retry: \d+/)
      await response.body!.cancel().catch(() => {})
    }
  }
})
