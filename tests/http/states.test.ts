/** `GET …/state`: a document for the first paint, which the socket goes on from without a second download. */
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { once } from 'node:events'
import { connect as connectTo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import * as Y from 'yjs'
import { connect } from '../../client/index.ts'
import type { Chat, Message } from '../../shared/schema.ts'
import { readDocument } from '../../shared/schema.ts'
import { raw } from './raw.ts'
import { scriptedProvider } from './scripted-provider.ts'
import { start } from './server.ts'

function read(id: string, update: Uint8Array): Message | Chat {
  const doc = new Y.Doc({ guid: id })
  Y.applyUpdate(doc, update)
  return readDocument(id, doc)
}

test('the state of an answer that grows and of its chat, compressed, and none where nothing is new', async () => {
  const script = scriptedProvider()
  const server = await start({ provider: script.provider })
  const { chatId, messageId, userMessageId } = await server.ask('Why?')
  const client = connect({ url: server.url })
  onTestFinished(() => client.close())
  script.startText()
  script.text('The moon pulls the sea. '.repeat(1_000))
  const path = `${server.url}/api/messages/${messageId}/state`
  const json = async () => (await server.call('GET', `/api/messages/${messageId}`)).body as Message
  await expect.poll(async () => (await json()).output[0]).toMatchObject({ text: expect.stringMatching(/sea\. $/) })

  const plain = await raw(path)
  expect(plain.headers).toMatchObject({
    'content-type': 'application/octet-stream',
    'cache-control': 'private, no-cache',
    vary: expect.stringContaining('Accept-Encoding'),
    'x-runnel-lineage': expect.stringMatching(/^[\w-]{8}$/),
    etag: expect.stringMatching(/^W\/"[\w-]+"$/),
  })
  expect(read(messageId, plain.body)).toEqual(await json())
  for (const [encoding, undo] of [
    ['br', brotliDecompressSync],
    ['gzip', gunzipSync],
  ] as const) {
    const small = await raw(path, { 'accept-encoding': encoding })
    expect([small.headers['content-encoding'], small.headers['etag']]).toEqual([encoding, plain.headers['etag']])
    expect(small.body.length).toBeLessThan(1_000)
    expect(undo(small.body).equals(plain.body)).toBe(true)
  }
  const same = await raw(path, { 'if-none-match': plain.headers['etag']! })
  expect([same.status, same.body.length]).toEqual([304, 0])
  const head = await raw(path, {}, 'HEAD')
  expect([head.status, head.body.length, head.headers['etag']]).toEqual([200, 0, plain.headers['etag']])

  const first = await client.api.getMessageState(messageId)
  script.text('More.')
  script.finish()
  await expect.poll(async () => (await json()).status).toBe('completed')
  const last = await client.api.getMessageState(messageId)
  expect([last.lineage, first.lineage]).toEqual([plain.headers['x-runnel-lineage'], last.lineage])
  expect(read(messageId, last.update)).toEqual(await json())
  expect((await raw(path, { 'if-none-match': plain.headers['etag']! })).status).toBe(200)

  const chat = await client.api.getChatState(chatId)
  expect(read(chatId, chat.update)).toMatchObject({ messages: { [messageId]: { status: 'completed' } } })
  // A question has no document.
  expect((await server.call('GET', `/api/messages/${userMessageId}/state`)).status).toBe(404)
  await server.call('DELETE', `/api/messages/${messageId}`)
  expect((await server.call('GET', `/api/messages/${messageId}/state`)).status).toBe(404)
  expect(server.runnel.stats()).toMatchObject({ catchUpPendingBytes: 0 })
})

test('who follows with the state vector and the lineage that came downloads only what is new', async () => {
  const script = scriptedProvider()
  const server = await start({ provider: script.provider })
  const { messageId } = await server.ask('Why?')
  script.startText()
  script.text('x'.repeat(100_000))
  await expect
    .poll(async () => (await server.call('GET', `/api/messages/${messageId}`)).body.output[0]?.text?.length)
    .toBe(100_000)
  const response = await fetch(`${server.url}/api/messages/${messageId}/state`)
  const doc = new Y.Doc()
  Y.applyUpdate(doc, new Uint8Array(await response.arrayBuffer()))
  const socket = new WebSocket(`${server.url.replace(/^http/, 'ws')}/ws`)
  onTestFinished(() => socket.close())
  socket.binaryType = 'arraybuffer'
  let bytes = 0
  let subscribed: { reset: boolean } | undefined
  socket.addEventListener('message', ({ data }) => {
    if (typeof data !== 'string') return void (bytes += (data as ArrayBuffer).byteLength)
    const message = JSON.parse(data)
    if (message.type === 'subscribed') subscribed = message.docs[0]
    if (message.type === 'welcome')
      socket.send(
        JSON.stringify({
          type: 'subscribe',
          docs: [
            {
              doc: messageId,
              stateVector: Buffer.from(Y.encodeStateVector(doc)).toString('base64'),
              lineage: response.headers.get('x-runnel-lineage'),
            },
          ],
        }),
      )
  })
  socket.addEventListener('open', () => socket.send(JSON.stringify({ type: 'hello', v: 1 })))
  await expect.poll(() => subscribed && bytes > 0).toBe(true)
  expect(subscribed).toMatchObject({ reset: false })
  expect(bytes).toBeLessThan(100)
})

test('states that nobody takes are pending like joins, one at a time over the cap, and go with their callers', async () => {
  const script = scriptedProvider()
  const server = await start({ provider: script.provider, RUNNEL_CATCHUP_MAX_BYTES: 1_000_000 })
  const { messageId } = await server.ask('Why?')
  script.startText()
  for (let i = 0; i < 9; i++) script.text('xyz '.repeat(250_000))
  await expect
    .poll(
      async () => (await (await fetch(`${server.url}/api/messages/${messageId}?format=text`)).arrayBuffer()).byteLength,
      { timeout: 10_000 },
    )
    .toBeGreaterThan(9_000_000)
  const path = `/api/messages/${messageId}/state`
  const { hostname, port } = new URL(server.url)
  const deaf = await Promise.all(
    Array.from({ length: 5 }, async () => {
      const socket = connectTo({ host: hostname, port: Number(port) }).on('error', () => {})
      onTestFinished(() => void socket.destroy())
      await once(socket, 'connect')
      socket.pause().write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)
      return socket
    }),
  )
  const pending = () => server.runnel.stats().catchUpPendingBytes
  await expect.poll(pending).toBeGreaterThan(9_000_000)
  for (const socket of deaf) {
    expect(pending()).toBeLessThan(9_100_000)
    socket.destroy()
    await once(socket, 'close')
  }
  await expect.poll(pending).toBe(0)
  expect((await raw(server.url + path)).body.length).toBeGreaterThan(9_000_000)
})

test('a page of another origin reads the lineage', async () => {
  const origin = 'https://friend.example'
  const server = await start({ RUNNEL_ALLOWED_ORIGINS: origin })
  const { id } = (await server.call('POST', '/api/chats', {})).body
  const { headers } = await raw(`${server.url}/api/chats/${id}/state`, { origin })
  expect(headers['access-control-expose-headers']).toMatch(/Retry-After, X-Runnel-Lineage, ETag$/)
})
