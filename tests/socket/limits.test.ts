/** Every limit of sockets at its edge: what is within passes, what is over gets the stated answer (docs/PROTOCOL.md, L rules). */
import { afterEach, expect, test } from 'vitest'
import { RunnelError } from '../../shared/errors.ts'
import { encodeAwareness, encodeChannelMessage, encodeStock } from '../../shared/protocol.ts'
import type { RunnelOptions } from '../../server/app/app.ts'
import { Collector, startRunnel, type StartedRunnel } from '../../testing/index.ts'
import { end, open, openSocket, say, signIn, until } from './plain-socket.ts'

let server: StartedRunnel | undefined

/** The token is the name of its user. */
const authenticate: RunnelOptions['authenticate'] = async (token) => {
  if (token === undefined) throw new RunnelError('unauthenticated', 'Sign in.')
  return { id: token, name: token }
}

async function start(options: RunnelOptions): Promise<StartedRunnel> {
  return (server = await startRunnel({ authenticate, LOG_LEVEL: 'silent', ...options }))
}

afterEach(async () => {
  await server?.close()
  server = undefined
})

/** Every place is free again once the sockets are gone. */
async function isEmpty({ runnel }: StartedRunnel): Promise<void> {
  await until(
    () => runnel.stats().connections === 0 && runnel.stats().unauthenticatedConnections === 0,
    'an empty server',
  )
}

test('L1 sockets of one user: one more is closed with 1013, another user is not, and a place that is free can be taken', async () => {
  const { url, runnel } = await start({ RUNNEL_MAX_SOCKETS_PER_USER: 2 })
  const [a, b, c, other] = await Promise.all([open(url), open(url), open(url), open(url)])
  await signIn(a)
  await signIn(b)
  await signIn(c)
  expect(await c.closed).toMatchObject({ code: 1013, reason: expect.stringContaining('RUNNEL_MAX_SOCKETS_PER_USER') })
  await signIn(other, 'bob')
  expect(other.control[0]).toMatchObject({ type: 'welcome', user: { id: 'bob' } })
  await end(a)
  await until(() => runnel.stats().connections === 2, 'the place')
  const again = await signIn(await open(url))
  expect(again.control[0]).toMatchObject({ type: 'welcome' })
  await end(b, other, again)
  await isEmpty(server!)
})

test('L1 the stock endpoint counts too', async () => {
  const { url, call } = await start({ RUNNEL_MAX_SOCKETS_PER_USER: 1 })
  const { body: chat } = await call('POST', '/api/chats', {}, { authorization: 'Bearer ann' })
  const a = await signIn(await open(url))
  const b = await open(url, { path: `/yjs/${chat.id}?token=ann` })
  expect((await b.closed).code).toBe(1013)
  await end(a)
})

test('L2 sockets from one address: one more is 429 at the upgrade, another address is not', async () => {
  const { url } = await start({ RUNNEL_MAX_SOCKETS_PER_ADDRESS: 2 })
  const a = await signIn(await open(url))
  const b = await signIn(await open(url))
  expect(await openSocket(url)).toEqual({ status: 429, retryAfter: '1', code: 'rate_limited' })
  const other = await open(url, { from: '127.0.0.2' })
  await end(a, b, other)
  await isEmpty(server!)
})

test('L2 an address is what a trusted proxy says, and nothing else', async () => {
  const { url } = await start({ RUNNEL_MAX_SOCKETS_PER_ADDRESS: 1, RUNNEL_TRUST_PROXY: '127.0.0.2' })
  const direct = await open(url, { headers: { 'x-forwarded-for': '192.0.2.1' } })
  expect(await openSocket(url, { headers: { 'x-forwarded-for': '192.0.2.2' } })).toMatchObject({ status: 429 })
  const one = await open(url, { from: '127.0.0.2', headers: { 'x-forwarded-for': '192.0.2.1' } })
  const two = await open(url, { from: '127.0.0.2', headers: { 'x-forwarded-for': '192.0.2.2' } })
  expect(
    await openSocket(url, { from: '127.0.0.2', headers: { 'x-forwarded-for': '9.9.9.9, 192.0.2.2' } }),
  ).toMatchObject({ status: 429 })
  await end(direct, one, two)
})

test('L3 sockets that nobody has signed in on: per address 429, in all 503; signing in frees the place', async () => {
  const { url } = await start({
    RUNNEL_MAX_UNAUTHENTICATED_SOCKETS_PER_ADDRESS: 1,
    RUNNEL_MAX_UNAUTHENTICATED_SOCKETS: 2,
  })
  const a = await open(url)
  expect(await openSocket(url)).toEqual({ status: 429, retryAfter: '1', code: 'rate_limited' })
  const b = await open(url, { from: '127.0.0.2' })
  expect(await openSocket(url, { from: '127.0.0.3' })).toEqual({ status: 503, retryAfter: '1', code: 'overloaded' })
  await signIn(a)
  const c = await open(url, { from: '127.0.0.3' })
  await end(a, b, c)
  await isEmpty(server!)
})

test('L3 a socket that does not sign in is closed in time: silent ones with 4400, where the sign-in hangs with 1013', async () => {
  const { url } = await start({ RUNNEL_HELLO_MS: 100, authenticate: () => new Promise(() => {}) })
  const silent = await open(url)
  const hanging = await open(url)
  const stock = await open(url, { path: '/yjs/msg_none000000?token=x' })
  say(hanging, { type: 'hello', v: 1, token: 'x' })
  expect((await silent.closed).code).toBe(4400)
  expect((await hanging.closed).code).toBe(1013)
  expect((await stock.closed).code).toBe(1013)
  await isEmpty(server!)
})

test('L4 bytes before sign-in: a frame that never ends is not read on, and its socket closed with 1013', async () => {
  const { url } = await start({ RUNNEL_MAX_UNAUTHENTICATED_BYTES: 2_048 })
  const within = await open(url)
  say(within, { type: 'hello', v: 1, token: 'a'.repeat(1_900) })
  await until(() => within.control.length > 0, 'welcome')
  // Signed in, the frame limit alone counts.
  say(within, { type: 'unsubscribe', docs: ['x'.repeat(10_000)] })
  for (let pongs = 1; pongs <= 2; pongs++) {
    say(within, { type: 'ping' })
    await until(() => within.control.filter(({ type }) => type === 'pong').length === pongs, 'pong')
  }
  const over = await open(url)
  over.socket.send('x'.repeat(1_500), { fin: false })
  over.socket.send('x'.repeat(1_500), { fin: false })
  expect(await over.closed).toMatchObject({
    code: 1013,
    reason: expect.stringContaining('RUNNEL_MAX_UNAUTHENTICATED_BYTES'),
  })
  await end(within)
})

test('L5 upgrades a minute from one address: one more is 429 with the rest of the minute', async () => {
  const { url } = await start({ RUNNEL_MAX_UPGRADES_PER_MINUTE: 3 })
  for (let i = 0; i < 3; i++) await end(await open(url))
  const refused = await openSocket(url)
  expect(refused).toMatchObject({ status: 429, code: 'rate_limited' })
  const seconds = Number((refused as { retryAfter: string }).retryAfter)
  expect(seconds).toBeGreaterThan(50)
  expect(seconds).toBeLessThanOrEqual(60)
  await end(await open(url, { from: '127.0.0.2' }))
})

test('L6 frames: one byte more than the limit closes with 1009', async () => {
  const { url } = await start({ RUNNEL_MAX_FRAME_BYTES: 2_000 })
  const a = await signIn(await open(url))
  const padded = (bytes: number) => `{"type":"ping"${' '.repeat(bytes - 15)}}`
  a.socket.send(padded(2_000))
  await until(() => a.control.some(({ type }) => type === 'pong'), 'pong')
  a.socket.send(padded(2_001))
  expect((await a.closed).code).toBe(1009)
})

test('L7 requests of one socket in a minute: one more closes with 1013; documents count each', async () => {
  const { url } = await start({ RUNNEL_MAX_SOCKET_REQUESTS_PER_MINUTE: 20 })
  const [a, b] = [await signIn(await open(url)), await signIn(await open(url))]
  for (let i = 0; i < 19; i++) say(a, { type: 'ping' })
  await until(() => a.control.filter(({ type }) => type === 'pong').length === 19, '19 pongs')
  say(a, { type: 'ping' })
  expect((await a.closed).code).toBe(1013)
  say(b, { type: 'subscribe', docs: Array.from({ length: 19 }, (_, i) => ({ doc: `msg_${i}` })) })
  expect(await b.closed).toMatchObject({
    code: 1013,
    reason: expect.stringContaining('RUNNEL_MAX_SOCKET_REQUESTS_PER_MINUTE'),
  })
})

test('L8 subscriptions of one socket: the rest is refused rate_limited, and a place that is left can be taken', async () => {
  const { url, call } = await start({ RUNNEL_MAX_SUBSCRIPTIONS: 2, RUNNEL_HEARTBEAT_TIMEOUT_MS: 10_000 })
  const chats: string[] = []
  for (let i = 0; i < 3; i++)
    chats.push((await call('POST', '/api/chats', {}, { authorization: 'Bearer ann' })).body.id)
  const viewer = new Collector(url, { token: 'ann' })
  const [a, b, c] = await viewer.follow(...chats)
  await viewer.until(() => c!.refused !== null && b!.subscribed !== null)
  expect(c!.refused!.code).toBe('rate_limited')
  expect(a!.subscribed).not.toBeNull()
  // Again is not more.
  await viewer.follow(chats[0]!)
  await viewer.send(JSON.stringify({ type: 'unsubscribe', docs: [chats[0]] }))
  await viewer.follow(chats[2]!)
  await viewer.until(() => c!.subscribed !== null)
  await viewer.close()
})

test('L8 documents that do not exist take no place for good', async () => {
  const { url, call } = await start({ RUNNEL_MAX_SUBSCRIPTIONS: 2 })
  const { body: chat } = await call('POST', '/api/chats', {}, { authorization: 'Bearer ann' })
  const a = await signIn(await open(url))
  for (let i = 0; i < 5; i++) {
    say(a, { type: 'subscribe', docs: [{ doc: `msg_a${i}` }, { doc: `msg_b${i}` }] })
    await until(() => a.control.filter(({ code }) => code === 'not_found').length === 2 * (i + 1), 'refused')
  }
  say(a, { type: 'subscribe', docs: [{ doc: chat.id }] })
  await until(() => a.control.some(({ type }) => type === 'subscribed'), 'subscribed')
  await end(a)
})

test('L9 state vectors: too large is refused too_large in subscribe, and closes with 1009 in a sync step', async () => {
  const { url, call } = await start({ RUNNEL_MAX_STATE_VECTOR_BYTES: 64 })
  const { body: chat } = await call('POST', '/api/chats', {}, { authorization: 'Bearer ann' })
  // Clients of one byte each with a clock of one byte, far above those of a server.
  const vector = (bytes: number) => {
    const entries = Math.floor((bytes - 1) / 7)
    return Uint8Array.from([
      entries,
      ...Array.from({ length: entries }, (_, i) => [0x80 + i, 0x80, 0x80, 0x80, 0x40, 0x80, 0x01]).flat(),
    ])
  }
  const [within, over] = [vector(64), vector(71)]
  expect([within.length, over.length]).toEqual([64, 71])
  const a = await signIn(await open(url))
  const subscribe = (bytes: Uint8Array) =>
    say(a, { type: 'subscribe', docs: [{ doc: chat.id, stateVector: Buffer.from(bytes).toString('base64') }] })
  subscribe(within)
  await until(() => a.control.some(({ type }) => type === 'subscribed'), 'subscribed')
  subscribe(over)
  await until(() => a.control.some(({ code }) => code === 'too_large'), 'refused')
  const { channel } = a.control.find(({ type }) => type === 'subscribed').docs[0]
  a.socket.send(encodeChannelMessage(channel, encodeStock({ type: 'syncStep1', stateVector: within })))
  say(a, { type: 'ping' })
  await until(() => a.control.some(({ type }) => type === 'pong'), 'pong')
  const stock = await open(url, { path: `/yjs/${chat.id}?token=ann` })
  stock.socket.send(encodeStock({ type: 'syncStep1', stateVector: over }))
  expect((await stock.closed).code).toBe(1009)
  await end(a)
})

test('L13 connections of any kind: one more is closed unanswered', async () => {
  const { url } = await start({ RUNNEL_MAX_CONNECTIONS: 2 })
  const a = await open(url)
  const b = await open(url)
  await expect(openSocket(url)).rejects.toThrow()
  await end(a)
  // Its place is free when the server has seen the end.
  await until(() => server!.runnel.stats().connections === 1, 'the place')
  const c = await open(url)
  await end(b, c)
})

/** One socket that follows a new chat, and its channel there. */
async function follow({ url, call }: StartedRunnel) {
  const { id } = (await call('POST', '/api/chats', {}, { authorization: 'Bearer ann' })).body as { id: string }
  const viewer = new Collector(url, { token: 'ann' })
  const [chat] = await viewer.follow(id)
  await viewer.until(() => chat!.subscribed !== null, 'the chat')
  return { id, viewer, channel: chat!.subscribed!.channel }
}

/** Many messages of one channel as one frame. */
function packed(channel: number, count: number, message: Uint8Array): Uint8Array<ArrayBuffer> {
  return Buffer.concat(Array.from({ length: count }, () => encodeChannelMessage(channel, message)))
}

const emptyStep2 = encodeStock({ type: 'syncStep2', update: Uint8Array.of(0, 0) })
const write = encodeStock({ type: 'update', update: Uint8Array.of(1, 1, 64, 0, 4, 1, 1, 97, 1, 98, 0) })

test('L7 each message of a binary frame counts, and what stands behind the one that is too many is not read', async () => {
  const runnel = await start({ RUNNEL_MAX_SOCKET_REQUESTS_PER_MINUTE: 20 })
  const { viewer, channel } = await follow(runnel)
  // Three have been spent: hello, subscribe and its document.
  await viewer.send(packed(channel, 16, emptyStep2))
  await viewer.send('{"type":"ping"}')
  await viewer.until(() => viewer.control.some(({ type }) => type === 'pong'), 'pong')
  await viewer.send(packed(channel, 1, emptyStep2))
  await viewer.until(() => viewer.closed !== null, 'the end')
  expect(viewer.closed).toMatchObject({ code: 1013, reason: expect.stringContaining('REQUESTS_PER_MINUTE') })
  const second = await follow(runnel)
  // Broken bytes behind it would be 4400.
  await second.viewer.send(Buffer.concat([packed(second.channel, 18, emptyStep2), Uint8Array.of(0xff)]))
  await second.viewer.until(() => second.viewer.closed !== null, 'the end')
  expect(second.viewer.closed!.code).toBe(1013)
})

test('L7 documents of an unsubscribe count each', async () => {
  const { viewer } = await follow(await start({ RUNNEL_MAX_SOCKET_REQUESTS_PER_MINUTE: 20 }))
  await viewer.send(JSON.stringify({ type: 'unsubscribe', docs: Array.from({ length: 17 }, (_, i) => `msg_${i}`) }))
  await viewer.until(() => viewer.closed !== null, 'the end')
  expect(viewer.closed!.code).toBe(1013)
})

test('W15 permission denied is said once a frame, however many writes are in it', async () => {
  const runnel = await start({})
  const { viewer, channel, id } = await follow(runnel)
  const raw = await signIn(await open(runnel.url))
  say(raw, { type: 'subscribe', docs: [{ doc: id }] })
  await until(() => raw.control.some(({ type }) => type === 'checkpoint'), 'the chat')
  const before = raw.binary.length
  raw.socket.send(packed(channel, 5_000, write))
  raw.socket.send(packed(channel, 1, write))
  say(raw, { type: 'ping' })
  await until(() => raw.control.some(({ type }) => type === 'pong'), 'pong')
  const denied = encodeStock({ type: 'permissionDenied', reason: 'Only the server writes.' })
  const answer = Buffer.from(encodeChannelMessage(channel, denied))
  expect(raw.binary.slice(before)).toEqual([answer, answer])
  await viewer.close()
  await end(raw)
})

test('W19 an awareness message of more entries than a chat can name ends its socket', async () => {
  const { viewer, channel } = await follow(await start({}))
  const entries = (count: number) =>
    encodeStock({
      type: 'awareness',
      update: encodeAwareness(Array.from({ length: count }, (_, i) => ({ clientId: i + 1, clock: 1, state: '{}' }))),
    })
  await viewer.send(packed(channel, 1, entries(201)))
  await viewer.send('{"type":"ping"}')
  await viewer.until(() => viewer.control.some(({ type }) => type === 'pong'), 'pong')
  await viewer.send(packed(channel, 1, entries(501)))
  await viewer.until(() => viewer.closed !== null, 'the end')
  expect(viewer.closed!.code).toBe(4400)
})

test('W19 a presence clock from which the server could not count on ends its socket', async () => {
  const { viewer, channel } = await follow(await start({}))
  const update = encodeAwareness([{ clientId: 7, clock: Number.MAX_SAFE_INTEGER, state: '{}' }])
  await viewer.send(packed(channel, 1, encodeStock({ type: 'awareness', update })))
  await viewer.until(() => viewer.closed !== null, 'the end')
  expect(viewer.closed!.code).toBe(4400)
})
