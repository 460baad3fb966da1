import { describe, expect, test, vi } from 'vitest'
import { FakeSync } from './fake-sync.ts'
import type { ConnectionState } from '../../client/index.ts'
import {
  addBlock,
  append,
  chatId,
  eventually,
  fillMessage,
  messageId,
  passUntil,
  settled,
  startClient,
  startServer,
  useFakeTime,
} from './fixtures.ts'

describe('opening', () => {
  test('says hello with the token first, and subscribes in one message after welcome', async () => {
    const server = await startServer()
    server.serve(messageId, fillMessage)
    server.serve(chatId)
    const client = startClient(server, {
      token: async () => 'secret',
      fetch: () => Promise.reject(new Error('no HTTP')),
    })
    client.message(messageId).subscribe(() => {})
    client.chat(chatId).subscribe(() => {})
    await eventually(() => expect(server.last.received).toHaveLength(2))
    expect(server.last.received).toEqual([
      { type: 'hello', v: 1, max: 1, token: 'secret' },
      { type: 'subscribe', docs: [{ doc: messageId }, { doc: chatId }] },
    ])
    expect(client.connection.getSnapshot()).toEqual({
      status: 'open',
      user: { id: 'u', name: 'U' },
      transport: 'websocket',
      reason: 'preferred',
    })
  })

  test('documents asked for later in one turn go out as one message', async () => {
    const server = await startServer()
    const client = startClient(server)
    await eventually(() => expect(client.connection.getSnapshot().status).toBe('open'))
    for (const id of ['msg_11111111', 'msg_22222222', 'msg_33333333']) {
      server.serve(id)
      client.message(id).subscribe(() => {})
    }
    await eventually(() => expect(server.last.subscribes).toHaveLength(1))
    expect(server.last.subscribes[0]!.map(({ doc }) => doc)).toEqual(['msg_11111111', 'msg_22222222', 'msg_33333333'])
  })

  test('control messages of a newer server are ignored', async () => {
    const server = await startServer()
    const client = startClient(server)
    await eventually(() => expect(client.connection.getSnapshot().status).toBe('open'))
    server.last.control({ type: 'from the future' })
    await settled(client, server)
    expect(server.connections).toHaveLength(1)
  })

  test('chat events reach their listeners', async () => {
    const server = await startServer()
    const client = startClient(server)
    const events: unknown[] = []
    client.onChatEvent((event) => events.push(event))
    await eventually(() => expect(client.connection.getSnapshot().status).toBe('open'))
    server.last.control({ type: 'chat', event: 'renamed', chatId, title: 'New' })
    await eventually(() => expect(events).toEqual([{ event: 'renamed', chatId, title: 'New' }]))
  })

  test('a WebSocket that cannot even be made is as good as one that is blocked: the line is a stream', async () => {
    const server = await startServer()
    const sync = new FakeSync(server)
    sync.answers = () => true
    let made = 0
    class Forbidden {
      constructor() {
        made++
        throw new Error('The policy of this page forbids it.')
      }
    }
    const client = startClient(server, { WebSocket: Forbidden as unknown as typeof WebSocket })
    await eventually(() =>
      expect(client.connection.getSnapshot()).toMatchObject({
        status: 'open',
        transport: 'stream',
        reason: 'websocket_blocked',
      }),
    )
    expect(made).toBe(1)
  })
})

describe('reconnecting', () => {
  test('asks for all documents again in one message, with state vectors and lineage', async () => {
    const server = await startServer()
    const ids = ['msg_11111111', 'msg_22222222']
    for (const id of ids) server.serve(id, (doc) => fillMessage(doc, id))
    const client = startClient(server)
    const live = ids.map((id) => client.message(id))
    for (const message of live) message.subscribe(() => {})
    await eventually(() => live.forEach((message) => expect(message.getSnapshot().status).toBe('live')))
    for (const id of ids) server.editUnseen(id, (doc) => addBlock(doc, 'b0'))
    server.last.socket.terminate()
    await eventually(() => live.forEach((message) => expect(message.getSnapshot().message?.output).toHaveLength(1)))
    expect(server.connections).toHaveLength(2)
    const [requests, ...more] = server.last.subscribes
    expect(more).toEqual([])
    expect(requests).toEqual(ids.map((doc) => ({ doc, lineage: 'first', stateVector: expect.any(Uint8Array) })))
    expect(requests![0]!.stateVector!.length).toBeGreaterThan(1)
  })

  test('waits between attempts and says until when, longer each time, and starts small after a stable connection', async () => {
    const server = await startServer()
    useFakeTime()
    const client = startClient(server)
    const states: ConnectionState[] = []
    client.connection.subscribe(() => states.push(client.connection.getSnapshot()))
    await eventually(() => expect(client.connection.getSnapshot().status).toBe('open'))
    const lose = async () => {
      server.last.socket.close(1012)
      await eventually(() => expect(client.connection.getSnapshot().status).toBe('waiting'))
      const state = client.connection.getSnapshot()
      const wait = state.status === 'waiting' ? state.retryAt - Date.now() : NaN
      await vi.advanceTimersByTimeAsync(wait)
      await eventually(() => expect(client.connection.getSnapshot().status).toBe('open'))
      return wait
    }
    expect([await lose(), await lose(), await lose()]).toEqual([249, 499, 999])
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await lose()).toBe(249)
    expect(states.map(({ status }) => status)).toEqual([
      'open',
      ...Array(4).fill(['waiting', 'connecting', 'open']).flat(),
    ])
  })

  test.each([4400, 4403, 1009])('gives up after close code %i, visibly', async (code) => {
    const server = await startServer()
    server.onHello = (connection) => {
      connection.control({ type: 'error', code: 'bad_request', message: 'That was no hello.' })
      connection.socket.close(code, 'short')
    }
    const client = startClient(server)
    await eventually(() =>
      expect(client.connection.getSnapshot()).toEqual({ status: 'closed', code, message: 'That was no hello.' }),
    )
    expect(server.connections).toHaveLength(1)
    server.onHello = (connection) => server.welcome(connection)
    client.connection.retry()
    await eventually(() => expect(client.connection.getSnapshot().status).toBe('open'))
  })

  test('a welcome of a version that was not offered is none: the line is dropped, and made anew', async () => {
    const server = await startServer()
    let v = 2
    server.onHello = (connection) =>
      connection.control({ type: 'welcome', v, user: { id: 'u', name: 'U' }, heartbeatMs: 15_000 })
    const client = startClient(server)
    await eventually(() => expect(client.connection.getSnapshot().status).toBe('waiting'))
    v = 1
    await eventually(() => expect(client.connection.getSnapshot().status).toBe('open'))
    expect(server.connections.length).toBeGreaterThan(1)
  })

  test('close code 4409 throws the copies away: nothing is built upon', async () => {
    const server = await startServer()
    server.serve(messageId, fillMessage)
    const client = startClient(server)
    const live = client.message(messageId)
    live.subscribe(() => {})
    await eventually(() => expect(live.getSnapshot().status).toBe('live'))
    server.last.socket.close(4409)
    await eventually(() => expect(server.connections).toHaveLength(2))
    await eventually(() => expect(server.last.subscribes).toEqual([[{ doc: messageId }]]))
    expect(live.getSnapshot().message?.id).toBe(messageId)
  })

  test('a frame that is no frame ends the socket, not the client', async () => {
    const server = await startServer()
    server.serve(messageId, fillMessage)
    const client = startClient(server)
    const live = client.message(messageId)
    live.subscribe(() => {})
    await eventually(() => expect(live.getSnapshot().status).toBe('live'))
    server.last.frame(Uint8Array.of(1, 200, 1))
    await eventually(() => expect(server.connections).toHaveLength(2))
    await eventually(() => expect(server.last.subscribes.flat()).toMatchObject([{ doc: messageId, lineage: 'first' }]))
  })
})

describe('tokens', () => {
  test('4401 fetches a fresh token once and goes on', async () => {
    const server = await startServer()
    const tokens = ['old', 'fresh']
    server.onHello = (connection, { token }) => {
      if (token === 'fresh') server.welcome(connection)
      else connection.socket.close(4401, 'expired')
    }
    const client = startClient(server, { token: () => tokens.shift() ?? 'none left' })
    await eventually(() => expect(client.connection.getSnapshot().status).toBe('open'))
    expect(tokens).toEqual([])
  })

  test('4401 with the fresh token too ends in a visible state', async () => {
    const server = await startServer()
    server.onHello = (connection) => connection.socket.close(4401, 'expired')
    let asked = 0
    const client = startClient(server, { token: () => `token ${++asked}` })
    await eventually(() =>
      expect(client.connection.getSnapshot()).toEqual({ status: 'closed', code: 4401, message: 'expired' }),
    )
    expect(asked).toBe(2)
    expect(server.connections).toHaveLength(2)
  })

  test('an expiring token is replaced on the open socket', async () => {
    const server = await startServer()
    let asked = 0
    const client = startClient(server, { token: async () => `token ${++asked}` })
    await eventually(() => expect(client.connection.getSnapshot().status).toBe('open'))
    server.last.control({ type: 'tokenExpiring', inMs: 1000 })
    await eventually(() => expect(server.last.ofType('token')).toEqual([{ type: 'token', token: 'token 2' }]))
    expect(server.connections).toHaveLength(1)
  })

  test('a token source that fails is asked again after the back-off', async () => {
    const server = await startServer()
    let asked = 0
    const client = startClient(server, {
      token: () => {
        if (++asked === 1) throw new Error('sign-in is down')
        return 'token'
      },
    })
    await eventually(() => expect(client.connection.getSnapshot().status).toBe('open'))
    expect(asked).toBe(2)
  })
})

describe('liveness', () => {
  test('two silent heartbeats bring a ping, and an answer keeps the socket', async () => {
    const server = await startServer()
    server.heartbeatMs = 10_000
    useFakeTime()
    const client = startClient(server)
    await eventually(() => expect(client.connection.getSnapshot().status).toBe('open'))
    await vi.advanceTimersByTimeAsync(19_000)
    expect(server.last.ofType('ping')).toHaveLength(0)
    await vi.advanceTimersByTimeAsync(1_000)
    await eventually(() => expect(server.last.ofType('ping')).toHaveLength(1))
    await settled(client, server)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(server.connections).toHaveLength(1)
  })

  test('what comes within two heartbeats makes a ping needless', async () => {
    const server = await startServer()
    server.heartbeatMs = 10_000
    useFakeTime()
    const client = startClient(server)
    await eventually(() => expect(client.connection.getSnapshot().status).toBe('open'))
    for (let i = 0; i < 10; i++) {
      await vi.advanceTimersByTimeAsync(15_000)
      await settled(client, server)
    }
    expect(server.last.ofType('ping')).toHaveLength(0)
  })

  test('a silent line is dropped three seconds after the ping and made anew at once', async () => {
    const server = await startServer()
    server.heartbeatMs = 10_000
    server.answersPing = false
    useFakeTime()
    const client = startClient(server)
    await eventually(() => expect(client.connection.getSnapshot().status).toBe('open'))
    await vi.advanceTimersByTimeAsync(22_900)
    expect(client.connection.getSnapshot().status).toBe('open')
    await vi.advanceTimersByTimeAsync(100)
    expect(client.connection.getSnapshot().status).toBe('connecting')
    await eventually(() => expect(server.connections).toHaveLength(2))
    await eventually(() => expect(client.connection.getSnapshot().status).toBe('open'))
  })

  test('a server that accepts and never says welcome is left after five seconds, and HTTP is tried', async () => {
    const server = await startServer()
    server.onHello = () => {}
    useFakeTime()
    const client = startClient(server)
    await eventually(() => expect(server.last.ofType('hello')).toHaveLength(1))
    const asked: string[] = []
    server.onRequest = ({ url }, response) => {
      asked.push(url!)
      // Or the timer of a kept connection would be counted.
      response.setHeader('connection', 'close').end()
    }
    await vi.advanceTimersByTimeAsync(4_999)
    expect(asked).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    await eventually(() => expect(client.connection.getSnapshot().status).toBe('waiting'))
    expect(asked.map((url) => /transport=(\w+)/.exec(url)![1])).toEqual(['stream', 'poll'])
    // The socket that was left is closed: what is left are the next attempt and the look at the clock.
    await eventually(() => expect(vi.getTimerCount()).toBe(2))
  })
})

describe('waking', () => {
  async function wakeable() {
    const page = Object.assign(new EventTarget(), { visibilityState: 'visible' })
    const window = new EventTarget()
    const navigator = { onLine: true }
    vi.stubGlobal('window', window)
    vi.stubGlobal('document', page)
    vi.stubGlobal('navigator', navigator)
    const server = await startServer()
    useFakeTime()
    const client = startClient(server)
    await eventually(() => expect(client.connection.getSnapshot().status).toBe('open'))
    return { page, window, navigator, server, client }
  }

  test('`online` and a tab that becomes visible ask a ping of an open socket', async () => {
    const { page, window, server } = await wakeable()
    window.dispatchEvent(new Event('online'))
    await eventually(() => expect(server.last.ofType('ping')).toHaveLength(1))
    await vi.advanceTimersByTimeAsync(4_000)
    page.visibilityState = 'hidden'
    page.dispatchEvent(new Event('visibilitychange'))
    page.visibilityState = 'visible'
    page.dispatchEvent(new Event('visibilitychange'))
    await eventually(() => expect(server.last.ofType('ping')).toHaveLength(2))
    expect(server.connections).toHaveLength(1)
  })

  test('a socket that died in the sleep is replaced after a moment', async () => {
    const { page, server, client } = await wakeable()
    server.answersPing = false
    page.dispatchEvent(new Event('visibilitychange'))
    await vi.advanceTimersByTimeAsync(3_000)
    await eventually(() => expect(server.connections).toHaveLength(2))
    await eventually(() => expect(client.connection.getSnapshot().status).toBe('open'))
  })

  test('a clock that jumped is a wake', async () => {
    const { server } = await wakeable()
    vi.setSystemTime(Date.now() + 60_000)
    await vi.advanceTimersByTimeAsync(5_000)
    await eventually(() => expect(server.last.ofType('ping')).toHaveLength(1))
  })

  test('waking ends a back-off at once', async () => {
    const { window, server, client } = await wakeable()
    server.last.socket.close(1013)
    await eventually(() => expect(client.connection.getSnapshot().status).toBe('waiting'))
    window.dispatchEvent(new Event('online'))
    await eventually(() => expect(client.connection.getSnapshot().status).toBe('open'))
  })

  test('without a network it says offline, and `online` reconnects at once', async () => {
    const { window, navigator, server, client } = await wakeable()
    server.answersPing = false
    navigator.onLine = false
    window.dispatchEvent(new Event('offline'))
    await passUntil(() => expect(client.connection.getSnapshot()).toEqual({ status: 'offline' }), 3_500)
    navigator.onLine = true
    window.dispatchEvent(new Event('online'))
    await eventually(() => expect(client.connection.getSnapshot().status).toBe('open'))
    expect(server.connections).toHaveLength(2)
  })

  test('a server on the same machine is kept while the network is away', async () => {
    const { window, navigator, server, client } = await wakeable()
    navigator.onLine = false
    window.dispatchEvent(new Event('offline'))
    await eventually(() => expect(server.last.ofType('ping')).toHaveLength(1))
    await settled(client, server)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(client.connection.getSnapshot().status).toBe('open')
  })
})

describe('closing', () => {
  test('is idempotent and leaves nothing open, in every state', async () => {
    const server = await startServer()
    server.serve(messageId, fillMessage)
    const open = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
    const timers = open()
    const begin = [
      async () => startClient(server),
      async () => {
        const client = startClient(server)
        client.message(messageId).subscribe(() => {})
        await eventually(() => expect(client.message(messageId).getSnapshot().status).toBe('live'))
        return client
      },
      async () => {
        const client = startClient(server, { url: 'http://127.0.0.1:9' })
        await eventually(() => expect(client.connection.getSnapshot().status).toBe('waiting'))
        return client
      },
    ]
    for (const start of begin) {
      const client = await start()
      const closing = client.close()
      expect(client.close()).toBe(closing)
      await closing
      expect(client.connection.getSnapshot()).toMatchObject({ status: 'closed', code: 1000 })
      client.connection.retry()
      client.message(messageId).subscribe(() => {})
      await eventually(() => expect(server.open).toHaveLength(0))
      await eventually(() => expect(open()).toBeLessThanOrEqual(timers))
    }
  })

  test('a listener that throws disturbs neither the others nor the line', async () => {
    const server = await startServer()
    server.serve(messageId, (doc) => {
      fillMessage(doc)
      addBlock(doc, 'b0')
    })
    const uncaught: unknown[] = []
    const own = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', (error) => uncaught.push(error))
    try {
      const client = startClient(server)
      const live = client.message(messageId)
      live.subscribe(() => {
        throw new Error('of the page')
      })
      let heard = 0
      live.subscribe(() => {
        heard++
      })
      await eventually(() => expect(heard).toBe(1))
      server.edit(messageId, (doc) => append(doc, 'x'))
      await eventually(() => expect(heard).toBe(2))
      await eventually(() => expect(uncaught).toHaveLength(2))
    } finally {
      process.removeAllListeners('uncaughtException')
      for (const listener of own) process.on('uncaughtException', listener)
    }
  })
})
