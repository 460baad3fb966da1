/** HTTP first: what is shown before the line is there, and what the line has no place for. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import * as Y from 'yjs'
import type { MessageSnapshot } from '../../client/index.ts'
import { chatMessages, messageMap, readMessage } from '../../shared/schema.ts'
import type { FakeServer, ServedDocument } from './fake-server.ts'
import {
  addBlock,
  append,
  chatId,
  eventually,
  fillMessage,
  messageId,
  settled,
  startClient,
  startServer,
} from './fixtures.ts'

afterEach(() => vi.useRealTimers())

/** Answers `…/state` as a real server does, and counts what it sends. */
function serveStates(server: FakeServer, gate: (id: string) => Promise<void> = async () => {}) {
  const asked: string[] = []
  server.onRequest = (request, response) => {
    asked.push(request.url!)
    const id = request.url!.split('/')[3]!
    void gate(id).then(() => {
      const served = server.documents.get(id)
      if (!served) return void response.writeHead(404).end('{}')
      response.writeHead(200, { 'x-runnel-lineage': served.lineage, 'content-type': 'application/octet-stream' })
      response.end(Y.encodeStateAsUpdate(served.doc))
    })
  }
  return asked
}

function serveText(server: FakeServer, text: string): ServedDocument {
  return server.serve(messageId, (doc) => {
    fillMessage(doc)
    addBlock(doc, 'b0')
    append(doc, text)
  })
}

/** A line that is welcomed only when the test says so. */
function holdLine(server: FakeServer): () => void {
  let open = () => {}
  server.onHello = (connection) => {
    open = () => server.welcome(connection)
  }
  return () => open()
}

const textOf = ({ message }: MessageSnapshot) => {
  const block = message?.output[0]
  return block?.type === 'text' ? block.text : undefined
}

describe('before the line is there', () => {
  test('text is shown, and handed over without a gap, a flicker or a second download', async () => {
    const server = await startServer()
    const welcome = holdLine(server)
    const asked = serveStates(server)
    serveText(server, 'Hello')
    const client = startClient(server)
    const live = client.message(messageId)
    const texts: (string | undefined)[] = []
    live.subscribe(() => texts.push(textOf(live.getSnapshot())))
    await eventually(() => expect(textOf(live.getSnapshot())).toBe('Hello'))
    expect([live.getSnapshot().status, client.connection.getSnapshot().status]).toEqual(['live', 'connecting'])
    const before = live.getSnapshot().message!.output[0]
    server.editUnseen(messageId, (doc) => append(doc, ', world'))
    const known = Y.encodeStateVector(new Y.Doc())
    await eventually(() => expect(server.connections[0]?.received).toHaveLength(1))
    welcome()
    await eventually(() => expect(textOf(live.getSnapshot())).toBe('Hello, world'))
    const [request] = server.last.subscribes[0]!
    expect(request).toMatchObject({ doc: messageId, lineage: 'first' })
    expect(request!.stateVector!.length).toBeGreaterThan(known.length)
    server.edit(messageId, (doc) => append(doc, '!'))
    await eventually(() => expect(textOf(live.getSnapshot())).toBe('Hello, world!'))
    expect(texts.filter((text, i) => text !== texts[i - 1])).toEqual(['Hello', 'Hello, world', 'Hello, world!'])
    expect(before).toMatchObject({ text: 'Hello' })
    expect(asked).toEqual([`/api/messages/${messageId}/state`])
    server.checkpoint(messageId)
    await settled(client, server)
    expect(server.last.subscribes).toHaveLength(1)
  })

  test('a state of another lineage stays on show until the server’s own has arrived whole', async () => {
    const server = await startServer()
    const welcome = holdLine(server)
    serveStates(server)
    serveText(server, 'old')
    const client = startClient(server)
    const live = client.message(messageId)
    const texts = new Set<string | undefined>()
    live.subscribe(() => texts.add(textOf(live.getSnapshot())))
    await eventually(() => expect(textOf(live.getSnapshot())).toBe('old'))
    server.documents.get(messageId)!.doc.destroy()
    serveText(server, 'new').lineage = 'second'
    welcome()
    await eventually(() => expect(textOf(live.getSnapshot())).toBe('new'))
    expect([...texts]).toEqual(['old', 'new'])
  })

  test.each(['before', 'behind'])('the last words are heard of, also where they come %s the list', async (order) => {
    const server = await startServer()
    holdLine(server)
    const held = Promise.withResolvers<void>()
    const late = order === 'before' ? chatId : messageId
    serveStates(server, async (id) => (id === late ? await held.promise : undefined))
    serveText(server, 'Hello')
    server.edit(messageId, (doc) => messageMap(doc).set('status', 'completed'))
    server.serve(chatId, (doc) => {
      const entry = { role: 'assistant', parentId: null, createdAt: 1, status: 'completed' }
      chatMessages(doc).set(messageId, new Y.Map(Object.entries(entry)))
    })
    const client = startClient(server)
    const [live, chat] = [client.message(messageId), client.chat(chatId)]
    let heard = live.getSnapshot()
    live.subscribe(() => (heard = live.getSnapshot()))
    chat.subscribe(() => {})
    const early = order === 'before' ? live : chat
    await eventually(() => expect(early.getSnapshot().status).toBe('live'))
    held.resolve()
    await eventually(() => expect([live, chat].map((one) => one.getSnapshot().status)).toEqual(['live', 'live']))
    expect(heard).toBe(live.getSnapshot())
    expect(heard.message).toMatchObject({ status: 'completed', output: [{ text: 'Hello' }] })
  })

  test('the line waits for a state that is on its way, and does not ask for the same again', async () => {
    const server = await startServer()
    let answer = () => {}
    const asked = serveStates(server, () => new Promise((resolve) => (answer = resolve)))
    serveText(server, 'Hello')
    const client = startClient(server)
    const live = client.message(messageId)
    live.subscribe(() => {})
    await eventually(() => expect(client.connection.getSnapshot().status).toBe('open'))
    await eventually(() => expect(asked).toHaveLength(1))
    await settled(client, server)
    expect(server.last.subscribes).toEqual([])
    answer()
    await eventually(() => expect(server.last.subscribes).toMatchObject([[{ doc: messageId, lineage: 'first' }]]))
    expect(textOf(live.getSnapshot())).toBe('Hello')
  })

  test.each([
    [
      'no answer',
      (_url: unknown, init?: RequestInit) =>
        new Promise<Response>((_, reject) => init!.signal!.addEventListener('abort', () => reject(new Error('late')))),
    ],
    ['an error', async () => new Response('{}', { status: 500 })],
    ['no lineage', async () => new Response(new Uint8Array([0, 0]))],
    ['what is no update', async () => new Response('<html>', { headers: { 'x-runnel-lineage': 'first' } })],
  ])('%s over HTTP leaves it to the line', async (name, fetch) => {
    const server = await startServer()
    serveText(server, 'Hello')
    if (name === 'no answer') vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const client = startClient(server, { fetch })
    const live = client.message(messageId)
    live.subscribe(() => {})
    await eventually(() => expect(client.connection.getSnapshot().status).toBe('open'))
    if (name === 'no answer') {
      expect(server.last.subscribes).toEqual([])
      await vi.advanceTimersByTimeAsync(3_000)
      vi.useRealTimers()
    }
    await eventually(() =>
      expect(live.getSnapshot().message).toEqual(readMessage(server.documents.get(messageId)!.doc)),
    )
    expect(server.last.subscribes).toEqual([[{ doc: messageId }]])
  })

  test('who leaves meanwhile ends the request, and nothing is asked for on the line', async () => {
    const server = await startServer()
    let [asked, ended] = [false, false]
    serveText(server, 'Hello')
    const client = startClient(server, {
      fetch: (_url, init) =>
        new Promise((_, reject) => {
          asked = true
          init!.signal!.addEventListener('abort', () => {
            ended = true
            reject(new Error('aborted'))
          })
        }),
    })
    const stop = client.message(messageId).subscribe(() => {})
    await eventually(() => expect(asked).toBe(true))
    stop()
    await eventually(() => expect(ended).toBe(true))
    await eventually(() => expect(client.connection.getSnapshot().status).toBe('open'))
    await settled(client, server)
    expect(server.last.subscribes).toEqual([])
  })

  test('where the line is open a message comes on it at once, and a chat over HTTP all the same', async () => {
    const server = await startServer()
    const asked = serveStates(server)
    serveText(server, 'Hello')
    server.serve(chatId)
    const client = startClient(server)
    await eventually(() => expect(client.connection.getSnapshot().status).toBe('open'))
    client.message(messageId).subscribe(() => {})
    client.chat(chatId).subscribe(() => {})
    await eventually(() => expect(server.last.subscribes.flat()).toHaveLength(2))
    expect(asked).toEqual([`/api/chats/${chatId}/state`])
    expect(server.last.subscribes.flat()).toMatchObject([{ doc: messageId }, { doc: chatId, lineage: 'first' }])
    expect(server.last.subscribes[0]![0]).toEqual({ doc: messageId })
  })
})

describe('a document that is refused for a bound', () => {
  test.each(['rate_limited', 'too_large'] as const)('%s: is read over HTTP, and never an error', async (code) => {
    const server = await startServer()
    const asked = serveStates(server)
    const served = serveText(server, 'Hello')
    const client = startClient(server)
    await eventually(() => expect(client.connection.getSnapshot().status).toBe('open'))
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    served.refuse = { code, message: 'No more.' }
    const live = client.message(messageId)
    const statuses = new Set<string>()
    live.subscribe(() => statuses.add(live.getSnapshot().status))
    await eventually(() => expect(server.last.subscribes).toHaveLength(1))
    await settled(client, server)
    await vi.advanceTimersByTimeAsync(10)
    await eventually(() => expect(textOf(live.getSnapshot())).toBe('Hello'))
    server.editUnseen(messageId, (doc) => append(doc, ' again'))
    // Read again now and then, and asked for on the line again where there may be a place.
    for (let i = 0; i < 60 && textOf(live.getSnapshot()) !== 'Hello again'; i++) {
      await vi.advanceTimersByTimeAsync(100)
      await settled(client, server)
    }
    expect(textOf(live.getSnapshot())).toBe('Hello again')
    expect(asked).toHaveLength(2)
    served.refuse = null
    if (code === 'rate_limited') {
      for (let i = 0; i < 120 && !server.last.subscribed.has(messageId); i++) {
        await vi.advanceTimersByTimeAsync(100)
        await settled(client, server)
      }
      server.edit(messageId, (doc) => append(doc, '!'))
      await eventually(() => expect(textOf(live.getSnapshot())).toBe('Hello again!'))
    }
    expect([...statuses]).toEqual(['live'])
    // The HTTP of Node has timers of its own.
    vi.useRealTimers()
  })

  test('no more than 400 are asked for, the others follow as places are left, and a chat has the first', async () => {
    const server = await startServer()
    serveStates(server)
    const ids = Array.from({ length: 405 }, (_, i) => `msg_${String(i).padStart(8, '0')}`)
    for (const id of ids) server.serve(id, (doc) => fillMessage(doc, id))
    server.serve(chatId)
    const client = startClient(server)
    await eventually(() => expect(client.connection.getSnapshot().status).toBe('open'))
    const stops = ids.map((id) => client.message(id).subscribe(() => {}))
    client.chat(chatId).subscribe(() => {})
    await eventually(() => expect(server.last.subscribed.size).toBe(400))
    await eventually(() => expect(client.message(ids[402]!).getSnapshot().status).toBe('live'))
    await eventually(() => expect(client.chat(chatId).getSnapshot().status).toBe('live'))
    expect(server.last.subscribed.size).toBe(400)
    for (const stop of stops.slice(0, 6)) stop()
    await eventually(() => expect(server.last.subscribed.has(ids[404]!)).toBe(true))
    await eventually(() => expect(server.last.subscribed.has(chatId)).toBe(true))
    expect(server.last.subscribed.size).toBe(400)
  })
})
