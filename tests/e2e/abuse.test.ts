/** Crowds that mean no good, scaled down; `npm run bench -- abuse` has ten thousand. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { RunnelError } from '../../shared/errors.ts'
import {
  Collector,
  startFakeOpenAI,
  startRunnel,
  type Collected,
  type FakeOpenAI,
  type StartedRunnel,
} from '../../testing/index.ts'
import { end, openSocket, say, until, type PlainSocket, type Refused } from '../socket/plain-socket.ts'

const crowd = 500

let fake: FakeOpenAI
let server: StartedRunnel
let viewer: Collector
let seen: Collected
let stream: ReturnType<FakeOpenAI['manual']>
let sent = ''

beforeEach(async () => {
  fake = await startFakeOpenAI()
  server = await startRunnel({
    OPENAI_API_KEY: 'key',
    OPENAI_BASE_URL: fake.url,
    LOG_LEVEL: 'silent',
    // The whole crowd is there before the first is sent away.
    RUNNEL_HELLO_MS: 2_500,
    // The limits as they are delivered, a tenth of them: the crowd is smaller, too.
    RUNNEL_MAX_UNAUTHENTICATED_SOCKETS: 100,
    RUNNEL_MAX_UNAUTHENTICATED_SOCKETS_PER_ADDRESS: 50,
    RUNNEL_MAX_SOCKETS_PER_USER: 50,
    RUNNEL_MAX_SOCKETS_PER_ADDRESS: 100,
    RUNNEL_MAX_UPGRADES_PER_MINUTE: 200,
    RUNNEL_MAX_SOCKET_REQUESTS_PER_MINUTE: 3_000,
    authenticate: async (token) => {
      if (token === undefined) throw new RunnelError('unauthenticated', 'Sign in.')
      return { id: token, name: token }
    },
  })
  const headers = { authorization: 'Bearer ann' }
  stream = fake.manual()
  const { body: chat } = await server.call('POST', '/api/chats', {}, headers)
  const { body: started } = await server.call('POST', `/api/chats/${chat.id}/messages`, { content: 'go' }, headers)
  viewer = new Collector(server.url, { token: 'ann' })
  seen = (await viewer.follow(started.messageId))[0]!
  sent = ''
  await grows()
})

afterEach(async () => {
  stream.end()
  await viewer.until(() => seen.ended, 'the end of the answer')
  expect(seen.text).toBe(sent)
  expect(seen.checkpoints.at(-1)).toMatchObject({ final: true, matches: true })
  await viewer.close()
  await server.close()
  await fake.close()
})

/** The answer of the one who does nothing wrong goes on: what the model sends is on the screen within a second. */
async function grows(): Promise<void> {
  sent += `${sent.length} `
  stream.send(sent.slice(seen.text.length))
  await viewer.until(() => seen.text === sent, 'the next words', 1_000)
}

/** Sockets from as many addresses as a crowd has. */
async function come(count: number, addresses: number): Promise<{ taken: PlainSocket[]; refused: Refused[] }> {
  const came = await Promise.all(
    Array.from({ length: count }, (_, i) => openSocket(server.url, { from: `127.0.1.${1 + (i % addresses)}` })),
  )
  return {
    taken: came.filter((one): one is PlainSocket => 'socket' in one),
    refused: came.filter((one): one is Refused => 'status' in one),
  }
}

/** Only the viewer is left, and nothing waits. */
async function isCalm(): Promise<void> {
  await until(() => {
    const { connections, unauthenticatedConnections, outboxBytes, catchUpPendingBytes } = server.runnel.stats()
    return connections === 1 && unauthenticatedConnections === 0 && outboxBytes === 0 && catchUpPendingBytes === 0
  }, 'calm')
}

test('those who never say hello: so many are taken, the rest refused, and all are let go in time', async () => {
  const { taken, refused } = await come(crowd, 20)
  expect(taken).toHaveLength(100)
  expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([503]))
  expect(server.runnel.stats().unauthenticatedConnections).toBe(100)
  await grows()
  expect(new Set((await Promise.all(taken.map(({ closed }) => closed))).map(({ code }) => code))).toEqual(
    new Set([4400]),
  )
  await isCalm()
  await grows()
})

test('those who send a byte now and then are let go in time, too', async () => {
  const { taken } = await come(crowd, 1)
  expect(taken).toHaveLength(50)
  // The header of a masked text frame of 1 kB, then its text, byte by byte under the socket.
  const header = [0x81, 0xfe, 0x04, 0x00, 1, 2, 3, 4]
  let sentBytes = 0
  const drip = setInterval(() => {
    const byte = Buffer.of(header[sentBytes++] ?? 0x20)
    for (const { socket } of taken) (socket as any)._socket?.write(byte)
  }, 100)
  await grows()
  const codes = (await Promise.all(taken.map(({ closed }) => closed))).map(({ code }) => code)
  clearInterval(drip)
  // Those behind whose last byte the close frame stands have no way to answer it: 1006.
  expect(codes.every((code) => code === 4400 || code === 1006)).toBe(true)
  await isCalm()
  await grows()
})

test('those who ask for ten thousand documents are closed, and nothing of their wish is kept', async () => {
  const { taken } = await come(crowd, 20)
  const docs = Array.from({ length: 10_000 }, (_, i) => ({ doc: `msg_${i.toString(36).padStart(12, '0')}` }))
  for (const [i, one] of taken.entries()) {
    say(one, { type: 'hello', v: 1, token: `user${i}` })
    say(one, { type: 'subscribe', docs })
  }
  await grows()
  const codes = (await Promise.all(taken.map(({ closed }) => closed))).map(({ code }) => code)
  // Too many documents, or a frame too large.
  expect(codes.every((code) => code === 1013 || code === 1009)).toBe(true)
  expect(server.runnel.stats().rooms).toBeLessThan(5)
  await isCalm()
  await grows()
})

test('one who comes back without end is refused for the rest of the minute, and others may come', async () => {
  const came: (PlainSocket | Refused)[] = []
  for (let i = 0; i < crowd / 10; i++) {
    const batch = await Promise.all(Array.from({ length: 10 }, () => openSocket(server.url, { from: '127.0.2.1' })))
    came.push(...batch)
    await end(...batch.filter((one) => 'socket' in one))
  }
  expect(came.filter((one) => 'socket' in one).length).toBeLessThanOrEqual(200)
  expect(came.slice(250).every((one) => 'status' in one && one.status === 429)).toBe(true)
  await grows()
  const other = await openSocket(server.url, { from: '127.0.2.2' })
  expect(other).toHaveProperty('socket')
  await end(other as PlainSocket)
  await isCalm()
})
