/** `/api/sync`: the rules H1 … of the protocol, on a real server, from the wire alone. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { encodeFrame, FrameReader, type Frame } from '../../shared/frames.ts'
import { Collector, startFakeOpenAI, startRunnel, type FakeOpenAI, type StartedRunnel } from '../../testing/index.ts'
import { secret, tokenOf } from '../http/people.ts'
import { HttpSocket, socketOf } from '../../testing/http-socket.ts'
import { startLine } from '../../testing/line.ts'
import { until } from './sockets.ts'

let fake: FakeOpenAI
let server: StartedRunnel
const settings = {
  RUNNEL_VIEWER_HIGH_WATER_BYTES: 200_000,
  RUNNEL_MAX_REQUESTS_PER_MINUTE: 60,
  RUNNEL_FLUSH_MS: 5,
  LOG_LEVEL: 'silent',
} as const

beforeAll(async () => {
  fake = await startFakeOpenAI()
  server = await startRunnel({ OPENAI_BASE_URL: fake.url, OPENAI_API_KEY: 'key', ...settings })
})
afterAll(async () => {
  await server.close()
  await fake.close()
})
// What a test closes at its end goes within two seconds.
beforeEach(() => until(() => server.runnel.stats().connections === 0, 'the end of all sessions'))
afterEach(() => {
  vi.useRealTimers()
})

async function answering() {
  const stream = fake.manual()
  const ids = await server.ask('Hello')
  await stream.request
  onTestFinished(() => stream.end())
  return { stream, ...ids }
}

function view(
  transport: 'websocket' | 'stream' | 'poll',
  url = server.url,
  options: { token?: string } = {},
): Collector {
  const viewer = new Collector(url, { WebSocket: socketOf(transport), ...options })
  onTestFinished(() => viewer.close())
  return viewer
}

const say = (message: object): Frame => ({ type: 'text', text: JSON.stringify(message) })
const hello = say({ type: 'hello', v: 1 })

/** One request, and the frames of its answer. */
async function ask(path: string, frames: readonly Frame[], headers: Record<string, string> = {}, url = server.url) {
  const response = await fetch(`${url}/api/sync${path}`, {
    method: 'POST',
    headers,
    body: Buffer.concat(frames.map(encodeFrame)),
  })
  const { status } = response
  const bytes = await response.bytes()
  const read = status === 200 ? [...new FrameReader(10_000_000).read(bytes)] : []
  return {
    status,
    bytes,
    retryAfter: response.headers.get('retry-after'),
    said: read.map((frame) => (frame.type === 'text' ? JSON.parse(frame.text) : frame)),
  }
}

/** A session on polls, and its name. */
async function openPoll(query = '', headers: Record<string, string> = {}, url = server.url) {
  const { status, said } = await ask(`?transport=poll${query}`, [hello], headers, url)
  expect(status).toBe(200)
  expect(said.map(({ type }) => type)).toEqual(['sync', 'welcome'])
  const { session } = said[0] as { session: string }
  onTestFinished(
    async () => void (await ask(`/${session}?n=99999`, [{ type: 'close', code: 1000, reason: '' }], headers, url)),
  )
  return session
}

test.each(['stream', 'poll'] as const)('H4, H6: an answer is followed as it grows, and left: %s', async (transport) => {
  const { stream, messageId } = await answering()
  const viewer = view(transport)
  const [seen] = await viewer.follow(messageId)
  stream.send('The moon')
  await viewer.until(() => seen!.text === 'The moon', 'the words')
  expect(server.runnel.stats().transports).toEqual({ websocket: 0, stream: 0, poll: 0, [transport]: 1 })
  expect(await server.runnel.metrics()).toContain(`\nrunnel_transports{transport="${transport}"} 1\n`)
  stream.send(' pulls.')
  stream.end()
  await viewer.until(() => seen!.ended, 'the end')
  expect(seen!.text).toBe('The moon pulls.')
  expect(seen!.checkpoints.every(({ matches }) => matches)).toBe(true)
  await viewer.close()
  await until(() => server.runnel.stats().connections === 0, 'the end of the session')
})

test('H2, H4: a frame on a stream is what it is on /ws, byte for byte', { timeout: 30_000 }, async () => {
  const proxy = await startLine(Number(new URL(server.url).port))
  onTestFinished(() => proxy.close())
  const bytes: Record<string, number> = {}
  for (const transport of ['websocket', 'stream'] as const) {
    const { stream, messageId } = await answering()
    const before = proxy.bytes.out
    const viewer = view(transport, `http://127.0.0.1:${proxy.port}`)
    const [seen] = await viewer.follow(messageId)
    await viewer.until(() => seen!.updates > 0, 'the state')
    let text = ''
    for (let i = 0; i < 15; i++) {
      text += `word ${i % 10} `
      stream.send(`word ${i % 10} `)
      await viewer.until(() => seen!.text === text, 'the word')
    }
    stream.end()
    await viewer.until(() => seen!.ended, 'the end')
    bytes[transport] = proxy.bytes.out - before
  }
  const { websocket, stream } = bytes as { websocket: number; stream: number }
  console.log(`15 frames: /ws ${websocket} bytes, a stream ${stream}`)
  // The head of the answer, the session's name, two heads of requests that say something.
  expect(stream - websocket).toBeLessThan(2_500)
})

test('H3, H4: a stream begins with the name of its session, is never silent for long, and ends with a close frame', async () => {
  const own = await startRunnel({ RUNNEL_HEARTBEAT_MS: 1_000, RUNNEL_HEARTBEAT_TIMEOUT_MS: 2_000, LOG_LEVEL: 'silent' })
  const response = await fetch(`${own.url}/api/sync`, { method: 'POST', body: encodeFrame(hello) })
  const reader = new FrameReader(10_000)
  const came: { at: number; frame: Frame }[] = []
  const ended = (async () => {
    for await (const bytes of response.body!)
      for (const frame of reader.read(bytes)) came.push({ at: performance.now(), frame })
  })()
  const types = () =>
    came.map(({ frame }) => (frame.type === 'text' ? (JSON.parse(frame.text) as { type: string }).type : frame.type))
  await until(() => types().length >= 2, 'welcome')
  expect(types().slice(0, 2)).toEqual(['sync', 'welcome'])
  const { session } = JSON.parse((came[0]!.frame as { text: string }).text) as { session: string }
  // A request that says nothing is a sign of life; without one the session would be gone after two seconds.
  let answered = 0
  const pings = () => came.filter(({ frame }) => frame.type === 'ping').length
  for (const end = Date.now() + 3_500; Date.now() < end; await sleep(50))
    for (; answered < pings(); answered++) expect((await ask(`/${session}`, [], {}, own.url)).status).toBe(204)
  expect(answered).toBeGreaterThanOrEqual(2)
  const gaps = came.slice(1).map(({ at }, i) => at - came[i]!.at)
  expect(Math.max(...gaps)).toBeLessThan(2_500)
  await own.close()
  await ended
  expect(came.at(-1)!.frame).toMatchObject({ type: 'close', code: 1012 })
  expect(reader.atEnd).toBe(true)
})

describe('what is said', () => {
  test('H5: without a number is not heard, and says that the client is there', async () => {
    const session = await openPoll()
    for (const path of [`/${session}`, `/${session}?n=0`])
      expect((await ask(path, [say({ type: 'ping' })])).status).toBe(204)
    expect((await ask(`/${session}?ack=1&wait=false&everyMs=1000`, [])).status).toBe(204)
  })

  test('H5: is numbered: a repeat is ignored, a gap ends the session', async () => {
    const { messageId } = await answering()
    const session = await openPoll()
    const subscribe = [say({ type: 'subscribe', docs: [{ doc: messageId }] })]
    for (let i = 0; i < 3; i++) expect((await ask(`/${session}?n=1`, subscribe)).status).toBe(204)
    await sleep(300)
    const { said } = await ask(`/${session}?ack=1`, [])
    expect(said.filter(({ type }) => type === 'subscribed')).toHaveLength(1)
    expect((await ask(`/${session}?n=3`, subscribe)).status).toBe(400)
    expect((await ask(`/${session}?n=2`, subscribe)).status).toBe(204)
    await until(() => server.runnel.stats().connections === 0, 'the end')
    expect((await ask(`/${session}?n=2`, subscribe)).status).toBe(404)
  })

  test.each([
    ['nothing', Buffer.from([])],
    ['no frame', Buffer.from([0xff, 0x00])],
    ['half a frame', Buffer.from([0x81, 0x7e])],
    ['a masked frame', Buffer.from([0x81, 0x80, 1, 2, 3, 4])],
    ['binary first', Buffer.from([0x82, 0x01, 0x00])],
    ['a length of 2⁶³', Buffer.from([0x81, 0x7f, 0x80, 0, 0, 0, 0, 0, 0, 0])],
  ])('H1, H2: first is hello, in frames: %s is refused, and nothing stays open', async (_name, body) => {
    const response = await fetch(`${server.url}/api/sync`, { method: 'POST', body })
    expect([400, 413]).toContain(response.status)
    expect(Object.keys(((await response.json()) as { error: object }).error)).toEqual(['code', 'message'])
    expect(server.runnel.stats().connections).toBe(0)
  })

  test('H2, H5: comes in no more than a thousand frames a body, and pings spend what messages do', async () => {
    const own = await startRunnel({ RUNNEL_MAX_SOCKET_REQUESTS_PER_MINUTE: 1_500, LOG_LEVEL: 'silent' })
    onTestFinished(() => own.close())
    const pings = (count: number) => Array.from({ length: count }, (): Frame => ({ type: 'ping' }))
    const session = await openPoll('', {}, own.url)
    const refused = await fetch(`${own.url}/api/sync/${session}?n=1`, {
      method: 'POST',
      body: Buffer.alloc(262_144, encodeFrame({ type: 'ping' })),
    })
    expect([refused.status, await refused.json()]).toEqual([
      413,
      { error: { code: 'too_large', message: 'A body has no more than 1000 frames. Say the rest in another.' } },
    ])
    // It was not taken, and its number is free.
    expect((await ask(`/${session}?n=1`, pings(1_000), {}, own.url)).status).toBe(204)
    await sleep(300)
    const { said } = await ask(`/${session}?ack=1`, [], {}, own.url)
    expect(said).toEqual(pings(1_000).map(() => ({ type: 'pong' })))
    expect((await ask(`/${session}?n=2`, pings(1_000), {}, own.url)).status).toBe(204)
    // It has asked too often: 500 pings later nothing was taken any more, and the session ends.
    expect((await ask(`/${session}?ack=2`, [], {}, own.url)).status).toBe(429)
    await until(() => own.runnel.stats().connections === 0, 'the end')
  })

  test('H1: is limited as on a socket, and not by the count of requests', async () => {
    const session = await openPoll()
    for (let n = 1; n <= 100; n++) expect((await ask(`/${session}?n=${n}`, [say({ type: 'ping' })])).status).toBe(204)
    expect((await ask(`/nowhere.${session.slice(6)}?n=1`, [])).status).toBe(404)
  })
})

describe('polls', () => {
  test('H6: an answer is kept until the next poll says that it has come', async () => {
    const session = await openPoll()
    await ask(`/${session}?n=1`, [say({ type: 'ping' })])
    await sleep(300)
    const first = await ask(`/${session}?ack=1`, [])
    const again = await ask(`/${session}?ack=1`, [])
    expect(first.said).toEqual([{ type: 'pong' }])
    expect(again.bytes).toEqual(first.bytes)
    expect((await ask(`/${session}?ack=2&wait=false&everyMs=1000`, [])).status).toBe(204)
  })

  test('H6: the newer of two ends the older', async () => {
    const session = await openPoll()
    const older = ask(`/${session}?ack=1`, [])
    await sleep(50)
    const newer = ask(`/${session}?ack=1`, [])
    expect((await older).status).toBe(204)
    await ask(`/${session}?n=1`, [say({ type: 'ping' })])
    expect((await newer).said).toEqual([{ type: 'pong' }])
  })

  test('H7: are answered four times a second at the most', async () => {
    const { stream, messageId } = await answering()
    const session = await openPoll()
    await ask(`/${session}?n=1`, [say({ type: 'subscribe', docs: [{ doc: messageId }] })])
    const timer = setInterval(() => stream.send('word '), 5)
    onTestFinished(() => clearInterval(timer))
    let answers = 1
    for (const end = performance.now() + 1_500; performance.now() < end;)
      if ((await ask(`/${session}?ack=${answers}`, [])).status === 200) answers += 1
    expect(answers - 1).toBeGreaterThan(2)
    expect(answers - 1).toBeLessThanOrEqual(7)
  })
})

test.each(['stream', 'poll'] as const)(
  'H7: one that does not read costs its mark, then gets one difference: %s',
  async (transport) => {
    const { stream, messageId } = await answering()
    const sockets: HttpSocket[] = []
    const Made = class extends HttpSocket {
      constructor(url: string) {
        super(url, { transport })
        sockets.push(this)
      }
    }
    const viewer = new Collector(server.url, { WebSocket: Made as unknown as typeof WebSocket })
    onTestFinished(() => viewer.close())
    const [seen] = await viewer.follow(messageId)
    await viewer.until(() => seen!.updates > 0, 'the state')
    sockets[0]!.pause()
    const words = 'Many words that nobody reads. '.repeat(1_000)
    // What catches up on a difference is accounted for elsewhere.
    const waiting = () => {
      const { outboxBytes, catchUpPendingBytes } = server.runnel.stats()
      return outboxBytes - catchUpPendingBytes
    }
    let worst = 0
    // The system takes some megabytes of a stream.
    for (let i = 0; i < 600 && server.runnel.stats().laggingConnections === 0; i++) {
      stream.send(words)
      await sleep(5)
      worst = Math.max(worst, waiting())
    }
    for (let i = 0; i < 20; i++) stream.send(words)
    await sleep(300)
    worst = Math.max(worst, waiting())
    expect(server.runnel.stats().laggingConnections).toBe(1)
    expect(worst).toBeLessThanOrEqual(settings.RUNNEL_VIEWER_HIGH_WATER_BYTES + 65_536)
    stream.end()
    sockets[0]!.resume()
    await viewer.until(() => seen!.ended, 'the end')
    const { body } = await server.call('GET', `/api/messages/${messageId}`)
    expect(seen!.json).toEqual(body)
    expect(viewer.control.filter(({ type }) => type === 'caughtUp').length).toBeGreaterThan(0)
  },
)

test('H8, H9: a stream that is cut waits ten seconds for its client, in chats alone, and a poll that comes no more is gone', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  const own = await startRunnel({ LOG_LEVEL: 'silent' })
  onTestFinished(() => own.close())
  const { chatId, messageId } = await own.ask('Hello')
  const pass = (ms: number) => vi.setSystemTime(Date.now() + ms)
  const made: HttpSocket[] = []
  const Made = class extends HttpSocket {
    constructor(url: string) {
      super(url, { transport: 'stream' })
      made.push(this)
    }
  }
  const viewer = new Collector(own.url, { WebSocket: Made as unknown as typeof WebSocket })
  const [seen] = await viewer.follow(messageId, chatId)
  await until(() => seen!.updates > 0, 'the state')
  await until(() => own.runnel.stats().viewers === 2, 'both')
  made[0]!.break()
  await until(() => own.runnel.stats().viewers === 1, 'the chat alone')
  pass(9_000)
  await sleep(1_100)
  expect(own.runnel.stats().connections).toBe(1)
  pass(1_000)
  await until(() => own.runnel.stats().connections === 0, 'the end')

  await openPoll('&everyMs=30000', {}, own.url)
  pass(75_000)
  await sleep(1_100)
  expect(own.runnel.stats().connections).toBe(1)
  pass(6_000)
  await until(() => own.runnel.stats().connections === 0, 'the end')
})

describe('with sign-in', () => {
  async function startPeople(more: Parameters<typeof startRunnel>[0] = {}) {
    const own = await startRunnel({ RUNNEL_AUTH_SECRET: secret, LOG_LEVEL: 'silent', ...more })
    onTestFinished(() => own.close())
    const as = async (user: string) => ({ authorization: `Bearer ${await tokenOf(user)}` })
    return { own, ada: await as('ada'), ben: await as('ben') }
  }

  test("H1: a session's name opens nothing to another user", async () => {
    const { own, ada, ben } = await startPeople()
    const session = await openPoll('', ada, own.url)
    expect((await ask(`/${session}?ack=1`, [], ben, own.url)).status).toBe(404)
    expect((await ask(`/${session}?ack=1`, [], {}, own.url)).status).toBe(401)
    // Nor is it ended by one.
    const other = await openPoll(`&instead=${session}`, ben, own.url)
    expect((await ask(`/${session}?n=1`, [say({ type: 'ping' })], ada, own.url)).status).toBe(204)
    expect((await ask(`/${other}?n=1`, [say({ type: 'ping' })], ben, own.url)).status).toBe(204)
  })

  test('H8: sessions count as sockets of their user, one that waits too; the one that takes its place has it', async () => {
    const { own, ada, ben } = await startPeople({ RUNNEL_MAX_SOCKETS_PER_USER: 2 })
    const first = await openPoll('', ada, own.url)
    const abort = new AbortController()
    const response = await fetch(`${own.url}/api/sync`, {
      method: 'POST',
      headers: ada,
      body: encodeFrame(hello),
      signal: abort.signal,
    })
    const opened = (await response.body!.getReader().read()).value as Uint8Array
    const [sync] = [...new FrameReader(1_000).read(opened)]
    const { session } = JSON.parse((sync as { text: string }).text) as { session: string }
    abort.abort()
    await sleep(50)
    const { status, retryAfter } = await ask('?transport=poll', [hello], ada, own.url)
    expect({ status, retryAfter }).toEqual({ status: 429, retryAfter: '1' })
    await openPoll('', ben, own.url)
    const second = await openPoll(`&instead=${session}`, ada, own.url)
    expect((await ask('?transport=poll', [hello], ada, own.url)).status).toBe(429)
    await openPoll(`&instead=${first}`, ada, own.url)
    expect((await ask(`/${second}?n=1`, [say({ type: 'ping' })], ada, own.url)).status).toBe(204)
    expect((await ask(`/${first}?ack=1`, [], ada, own.url)).status).toBe(204)
  })

  test.each(['stream', 'poll'] as const)(
    'who is removed is shown nothing more within a second: %s',
    async (transport) => {
      const { own } = await startPeople({ OPENAI_BASE_URL: fake.url, OPENAI_API_KEY: 'key' })
      const call = async (method: string, path: string, body?: object) =>
        (await own.call(method, path, body, { authorization: `Bearer ${await tokenOf('ada')}` })).body as any
      const { id } = await call('POST', '/api/chats', {})
      await call('POST', `/api/chats/${id}/members`, { userId: 'ben', role: 'viewer' })
      const stream = fake.manual()
      const { messageId } = await call('POST', `/api/chats/${id}/messages`, { content: 'Secret?' })
      await stream.request
      const viewer = view(transport, own.url, { token: await tokenOf('ben') })
      const [seen] = await viewer.follow(messageId)
      stream.send('Before.')
      await viewer.until(() => seen!.text === 'Before.', 'the text')
      await call('DELETE', `/api/chats/${id}/members/ben`)
      stream.send('After.')
      await viewer.until(() => seen!.refused !== null, 'the refusal', 1_000)
      stream.end()
      expect(seen!.refused!.code).toBe('not_found')
      expect(seen!.text).toBe('Before.')
      await viewer.close()
    },
  )

  test.each(['stream', 'poll'] as const)(
    'a token is warned of, renewed in place, and ends it: %s',
    async (transport) => {
      vi.useFakeTimers({ toFake: ['Date'] })
      const { own } = await startPeople({ RUNNEL_HEARTBEAT_TIMEOUT_MS: 600_000 })
      const viewer = view(transport, own.url, { token: await tokenOf('ada', { expiresInSeconds: 100 }) })
      await viewer.send(JSON.stringify({ type: 'ping' }))
      const has = (type: string, count: number) =>
        until(() => viewer.control.filter((message) => message.type === type).length >= count, type)
      await has('welcome', 1)
      vi.setSystemTime(Date.now() + 80_000)
      await has('tokenExpiring', 1)
      await viewer.send(JSON.stringify({ type: 'token', token: await tokenOf('ada', { expiresInSeconds: 100 }) }))
      // Renewed: the next warning is of the new one.
      await viewer.send(JSON.stringify({ type: 'ping' }))
      await has('pong', 2)
      // It is looked at behind the pong, and before the clock moves on.
      await sleep(200)
      vi.setSystemTime(Date.now() + 80_000)
      await has('tokenExpiring', 2)
      vi.setSystemTime(Date.now() + 30_000)
      await until(() => viewer.closed !== null, 'the end')
      expect(viewer.closed!.code).toBe(4401)
    },
  )
})
