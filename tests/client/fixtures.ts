import { afterEach, expect, vi } from 'vitest'
import type * as Y from 'yjs'
import { connect, type Client, type ConnectOptions } from '../../client/index.ts'
import { createBlock, messageMap, outputArray, type NewBlock } from '../../shared/schema.ts'
import { FakeServer } from './fake-server.ts'

const ends: (() => Promise<unknown>)[] = []

// Every test ends with nothing open: no socket on the server's side, no timer of the client's.
afterEach(async () => {
  try {
    for (const end of ends.splice(0).reverse()) await end()
    if (vi.isFakeTimers()) expect(vi.getTimerCount()).toBe(0)
  } finally {
    vi.useRealTimers()
    vi.unstubAllGlobals()
    vi.restoreAllMocks()
  }
})

/** What was asked for last is done first. */
export function atEnd(end: () => Promise<unknown>): void {
  ends.push(end)
}

/** Of a request that was given up `fetch` keeps a connection and its timer for four seconds. To be called before all else: its turn is last. */
export function outlastConnections(): void {
  atEnd(() => vi.advanceTimersByTimeAsync(4_000))
}

export async function startServer(): Promise<FakeServer> {
  const server = await new FakeServer().listen()
  ends.push(() => server.close())
  return server
}

export function startClient(server: FakeServer, options: ConnectOptions = {}): Client {
  const client = connect({ url: server.url, start: 'now', ...options })
  ends.push(async () => {
    await client.close()
    await eventually(() =>
      expect(server.connections.every(({ socket }) => socket.readyState === socket.CLOSED)).toBe(true),
    )
  })
  return client
}

/** Client time is the test's; sockets stay real. */
export function useFakeTime(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] })
  // Full jitter at its longest: what is waited for is certain.
  vi.spyOn(Math, 'random').mockReturnValue(0.999)
}

/** Waits until `check` throws no more, at most five seconds of real time. */
export async function eventually<T>(check: () => T): Promise<T> {
  const deadline = performance.now() + 5_000
  for (;;) {
    try {
      return check()
    } catch (error) {
      if (performance.now() > deadline) throw error
    }
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
}

/** Lets fake time pass, a step at a time, until the condition holds: what hangs on real sockets gets its turn between. */
export async function passUntil(check: () => void, maxMs = 120_000): Promise<void> {
  for (let passed = 0; passed <= maxMs; passed += 100) {
    try {
      return check()
    } catch {
      await vi.advanceTimersByTimeAsync(100)
      for (let i = 0; i < 5; i++)
        await new Promise((resolve) => {
          setImmediate(resolve)
        })
    }
  }
  check()
}

/** All that was sent before is received: a ping goes there and back. Needs a server that answers pings. */
export async function settled(client: Client, server: FakeServer): Promise<void> {
  const { last } = server
  let seen = false
  const stop = client.onChatEvent(({ chatId }) => {
    if (chatId === 'settled') seen = true
  })
  last.control({ type: 'chat', event: 'created', chatId: 'settled' })
  await eventually(() => expect(seen).toBe(true))
  stop()
}

export const messageId = 'msg_aaaaaaaa'
export const chatId = 'chat_aaaaaaaa'

export function fillMessage(doc: Y.Doc, id = messageId): void {
  const fields = { id, chatId, parentId: null, role: 'assistant', status: 'streaming', createdAt: 1, schema: 1 }
  for (const [key, value] of Object.entries(fields)) messageMap(doc).set(key, value)
}

export function addBlock(doc: Y.Doc, id: string, block: NewBlock = { type: 'text', status: 'in_progress' }): void {
  outputArray(doc).push([createBlock(id, block)])
}

export function textOf(doc: Y.Doc, index = 0, field = 'text'): Y.Text {
  return outputArray(doc).get(index).get(field) as Y.Text
}

/** Appends to the text of a block. */
export function append(doc: Y.Doc, chunk: string, index = 0): void {
  const text = textOf(doc, index)
  text.insert(text.length, chunk)
}

/** An answer that says "Hello", and beside that a call that is being written. */
export function serveGreeting(server: FakeServer): void {
  server.serve(messageId, (doc) => {
    fillMessage(doc)
    addBlock(doc, 'b0')
    addBlock(doc, 'b1', { type: 'tool_call', status: 'streaming', callId: 'c', name: 'search', executor: 'server' })
    append(doc, 'Hello')
  })
}
