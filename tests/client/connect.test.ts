import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { connect, RunnelError, type Client, type ConnectOptions } from '../../client/index.ts'

afterEach(() => vi.unstubAllGlobals())

test.each([
  ['http://127.0.0.1:8787', 'http://127.0.0.1:8787'],
  ['https://host.example/chat', 'https://host.example/chat'],
  ['https://host.example/chat//', 'https://host.example/chat'],
  ['/chat/', 'https://page.example/chat'],
  ['/', 'https://page.example'],
  ['', 'https://page.example'],
  [undefined, 'https://page.example'],
])('the server at %s', async (url, base) => {
  vi.stubGlobal('location', { origin: 'https://page.example' })
  const asked: string[] = []
  class Socket extends EventTarget {
    readonly readyState = 3
    constructor(address: string) {
      super()
      asked.push(address)
    }
    close() {}
  }
  const client = connect({
    url,
    start: 'now',
    WebSocket: Socket as never,
    fetch: async (address) => {
      asked.push(String(address))
      return Response.json({ items: [] })
    },
  })
  await client.api.listTasks()
  await vi.waitFor(() => expect(asked).toHaveLength(2))
  await client.close()
  expect(asked.sort()).toEqual([`${base}/api/tasks`, `${base.replace('http', 'ws')}/ws`].sort())
})

test.each([
  [undefined, /Without a page, “” is no address.*connect\(\{ url: 'https/],
  ['/chat', /Without a page, “\/chat” is no address.*connect\(\{ url: 'https/],
])('without a page, %s is no address, and the error says what to pass', (url, words) => {
  vi.stubGlobal('location', undefined)
  const attempt = () => connect({ url })
  expect(attempt).toThrow(RunnelError)
  expect(attempt).toThrow(words)
})

describe('the line', () => {
  function counted(options: ConnectOptions = {}) {
    let sockets = 0
    class Socket extends EventTarget {
      readonly readyState = 3
      constructor() {
        super()
        sockets++
      }
      close() {}
    }
    const timers = vi.spyOn(globalThis, 'setInterval')
    const client = connect({
      url: 'http://127.0.0.1:9',
      WebSocket: Socket as never,
      fetch: async () => Response.json({ items: [], nextCursor: null }),
      ...options,
    })
    onTestFinished(async () => {
      await client.close()
      vi.restoreAllMocks()
    })
    return { client, opened: () => [sockets, timers.mock.calls.length] }
  }

  test('is not opened by connecting, reading snapshots, or calls of the API: nothing runs on a server that renders', async () => {
    const { client, opened } = counted()
    client.message('msg_11111111').getSnapshot()
    const chat = client.chat('chat_11111111')
    chat.getSnapshot()
    chat.branch.getSnapshot()
    client.connection.getSnapshot()
    await client.api.listTasks()
    expect(opened()).toEqual([0, 0])
    expect(client.connection.getSnapshot()).toEqual({ status: 'connecting' })
  })

  test.each<[string, (client: Client) => unknown]>([
    ['a message', (client) => client.message('msg_11111111').subscribe(() => {})],
    ['a chat', (client) => client.chat('chat_11111111').subscribe(() => {})],
    ['a branch', (client) => client.chat('chat_11111111').branch.subscribe(() => {})],
    ['the connection', (client) => client.connection.subscribe(() => {})],
    ['chat events', (client) => client.onChatEvent(() => {})],
    ['a new attempt', (client) => client.connection.retry()],
  ])('is opened by %s, once', async (_name, use) => {
    const { client, opened } = counted()
    use(client)
    use(client)
    await vi.waitFor(() => expect(opened()).toEqual([1, 1]))
  })

  test('is opened at once where that is asked for', async () => {
    const { opened } = counted({ start: 'now' })
    await vi.waitFor(() => expect(opened()).toEqual([1, 1]))
  })

  test('of a client that was closed unused is never opened', async () => {
    const { client, opened } = counted()
    await client.close()
    client.connection.subscribe(() => {})
    client.message('msg_11111111').subscribe(() => {})
    await Promise.resolve()
    expect(opened()).toEqual([0, 0])
    expect(client.connection.getSnapshot().status).toBe('closed')
  })
})
