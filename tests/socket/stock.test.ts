/** The stock provider of y-websocket, as it comes. */
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { readChat, readMessage } from '../../shared/schema.ts'
import { startFakeOpenAI, startRunnel, type FakeOpenAI, type StartedRunnel } from '../../testing/index.ts'
import { until } from './sockets.ts'

let fake: FakeOpenAI
let server: StartedRunnel
let providers: WebsocketProvider[]
beforeEach(async () => {
  fake = await startFakeOpenAI()
  server = await startRunnel({ OPENAI_BASE_URL: fake.url, OPENAI_API_KEY: 'key' })
  providers = []
})
afterEach(async () => {
  for (const provider of providers) {
    provider.destroy()
    // Its awareness has a timer that ends with the document.
    provider.doc.destroy()
  }
  await server.close()
  await fake.close()
})

/** `disableBc`: else providers of one process share text behind the server's back. */
function open(id: string, doc = new Y.Doc()): { doc: Y.Doc; provider: WebsocketProvider } {
  const provider = new WebsocketProvider(`${server.url.replace(/^http/, 'ws')}/yjs`, id, doc, {
    disableBc: true,
    WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
  })
  providers.push(provider)
  return { doc, provider }
}

const textOf = (doc: Y.Doc) =>
  readMessage(doc)
    .output.map((block) => (block.type === 'text' ? block.text : ''))
    .join('')

test('follows an answer live, joins late, comes back, and never loses its connection by that', async () => {
  const stream = fake.manual()
  const ids = await server.ask('Hello')
  const first = open(ids.messageId)
  const chat = open(ids.chatId)
  let disconnections = 0
  first.provider.on('status', ({ status }) => {
    if (status === 'disconnected') disconnections += 1
  })
  stream.send('One ')
  await until(() => textOf(first.doc) === 'One ', 'the first text')
  expect(first.provider.synced).toBe(true)
  const late = open(ids.messageId)
  await until(() => textOf(late.doc) === 'One ', 'the late text')
  late.provider.disconnect()
  stream.send('two ')
  await until(() => textOf(first.doc) === 'One two ', 'the second text')
  late.provider.connect()
  await until(() => textOf(late.doc) === 'One two ', 'the return')
  stream.send('😀.')
  stream.end()
  await until(
    () => readMessage(late.doc).status === 'completed' && readMessage(first.doc).status === 'completed',
    'the end',
  )
  const { body } = await server.call('GET', `/api/messages/${ids.messageId}`)
  expect(textOf(first.doc)).toBe('One two 😀.')
  for (const { doc } of [first, late]) expect(readMessage(doc)).toEqual(body)
  await until(() => readChat(chat.doc).messages[ids.messageId]?.status === 'completed', 'the chat')
  expect(disconnections).toBe(0)
})

test('its awareness is no write, and what it writes into its own copy reaches nobody', async () => {
  const warned = vi.spyOn(console, 'warn').mockImplementation(() => {})
  onTestFinished(() => warned.mockRestore())
  const stream = fake.manual()
  const ids = await server.ask('Hello')
  const [writer, reader] = [open(ids.messageId), open(ids.messageId)]
  writer.provider.awareness.setLocalStateField('user', 'me')
  await until(() => writer.provider.synced && reader.provider.synced, 'both synced')
  writer.doc.getMap('message').set('status', 'completed')
  writer.doc.getText('own').insert(0, 'graffiti')
  stream.send('Still live')
  await until(() => textOf(reader.doc) === 'Still live' && textOf(writer.doc) === 'Still live', 'the text')
  expect(reader.doc.getText('own').toString()).toBe('')
  expect((await server.call('GET', `/api/messages/${ids.messageId}`)).body.status).toBe('streaming')
  await until(() => warned.mock.calls.length > 0, 'permission denied')
  // It comes back with its own ids in its state vector.
  writer.provider.disconnect()
  writer.provider.connect()
  stream.send(', still')
  await until(() => textOf(writer.doc) === 'Still live, still', 'more text')
  expect(writer.provider.wsconnected).toBe(true)
  stream.end()
  await until(() => readMessage(reader.doc).status === 'completed', 'the end')
})
