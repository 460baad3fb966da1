/** Lines over HTTP on a network that is half dead: what hangs is given up, and nothing is said twice. */
import { expect, test, vi } from 'vitest'
import {
  eventually,
  messageId,
  outlastConnections,
  passUntil,
  startClient,
  startServer,
  useFakeTime,
} from './fixtures.ts'
import { HttpLine } from '../../client/transport/http.ts'
import { FakeSync, type SyncRequest } from './fake-sync.ts'
import type { ConnectOptions } from '../../client/index.ts'

async function start(transport: 'stream' | 'poll', options: ConnectOptions = {}) {
  outlastConnections()
  const server = await startServer()
  const sync = new FakeSync(server)
  const isRefused = ({ url }: SyncRequest) => transport === 'poll' && url.searchParams.get('transport') === 'stream'
  const refused = { status: 502 }
  sync.answers = (request) => (isRefused(request) ? refused : true)
  useFakeTime()
  const client = startClient(server, options)
  await eventually(() => expect(client.connection.getSnapshot()).toMatchObject({ status: 'open', transport }))
  return { server, sync, client, status: () => client.connection.getSnapshot().status }
}

const n = ({ url }: SyncRequest) => Number(url.searchParams.get('n'))

test.each(['stream', 'poll'] as const)(
  'H5: what is said and hangs is said again after 3 s, with the number that it had: %s',
  async (transport) => {
    const { sync, client } = await start(transport)
    const before = sync.ofKind('say').length
    let hung = 0
    sync.answers = ({ kind }) => kind !== 'say' || hung++ > 0
    client.message(messageId).subscribe(() => {})
    await passUntil(() => expect(sync.last.ofType('subscribe')).toHaveLength(1), 8_000)
    const says = sync.ofKind('say').slice(before)
    expect(says.map(n)).toEqual([n(says[0]!), n(says[0]!)])
    expect(says[1]!.at - says[0]!.at).toBeGreaterThanOrEqual(3_000)
    expect(says[1]!.at - says[0]!.at).toBeLessThan(3_600)
    expect(sync.sessions).toHaveLength(1)
  },
)

test.each(['stream', 'poll'] as const)(
  'a line on which nothing that is said gets through is made anew: %s',
  async (transport) => {
    const { sync, client } = await start(transport)
    sync.answers = ({ kind, url }) =>
      transport === 'poll' && url.searchParams.get('transport') === 'stream' ? { status: 502 } : kind !== 'say'
    const began = Date.now()
    client.message(messageId).subscribe(() => {})
    await passUntil(() => expect(client.connection.getSnapshot().status).not.toBe('open'), 30_000)
    expect(Date.now() - began).toBeLessThan(8_000)
    sync.answers = () => true
    await passUntil(() => expect(sync.last.ofType('subscribe')).toHaveLength(1))
  },
)

test('H6: a poll that is not answered is given up after one and a half heartbeats, and asked again', async () => {
  const { server, sync } = await start('poll')
  let hung = 0
  sync.answers = ({ kind }) => kind !== 'poll' || hung++ > 0
  // The one that waits is answered; the next one hangs.
  sync.last.control({ type: 'pong' })
  const polls = sync.ofKind('poll').length
  await eventually(() => expect(sync.ofKind('poll')).toHaveLength(polls + 1))
  const [asked] = sync.ofKind('poll').slice(polls)
  await passUntil(() => expect(sync.ofKind('poll').length).toBeGreaterThan(polls + 1))
  const again = sync.ofKind('poll')[polls + 1]!
  expect(again.at - asked!.at).toBeGreaterThanOrEqual(1.5 * server.heartbeatMs)
  expect(again.at - asked!.at).toBeLessThan(2 * server.heartbeatMs)
  expect(again.url.searchParams.get('ack')).toBe(asked!.url.searchParams.get('ack'))
  expect(sync.sessions).toHaveLength(1)
})

test('a poll in flight is not trusted any more when the machine wakes: it is asked anew, at once', async () => {
  const window = new EventTarget()
  vi.stubGlobal('window', window)
  const { sync, status } = await start('poll')
  await eventually(() => expect(sync.ofKind('poll')).toHaveLength(1))
  const before = Date.now()
  window.dispatchEvent(new Event('online'))
  await eventually(() => expect(sync.ofKind('poll').length).toBeGreaterThan(1))
  expect(Date.now() - before).toBeLessThan(1_000)
  // Nor does it wait long for what hangs now.
  sync.answers = ({ kind }) => kind !== 'poll' && kind !== 'open'
  window.dispatchEvent(new Event('online'))
  await passUntil(() => expect(status()).not.toBe('open'), 8_000)
  expect(sync.sessions.length).toBeGreaterThanOrEqual(1)
})

test.each(['stream', 'poll'] as const)(
  'a Retry-After that is longer than the patience ends the line, and says when it is tried again: %s',
  async (transport) => {
    const { sync, client, status } = await start(transport)
    sync.answers = () => ({ status: 503, retryAfter: 40 })
    const before = Date.now()
    client.message(messageId).subscribe(() => {})
    await passUntil(() => expect(status()).toBe('waiting'), 3_000)
    const state = client.connection.getSnapshot()
    expect(state.status === 'waiting' && state.retryAt - before).toBeGreaterThanOrEqual(40_000)
    const asked = sync.requests.length
    await vi.advanceTimersByTimeAsync(30_000)
    expect(sync.requests.length).toBe(asked)
  },
)

test.each(['stream', 'poll'] as const)(
  'a line keeps its token until a new one is asked for, or it is refused: %s',
  async (transport) => {
    let asked = 0
    const token = async () => `token ${++asked}`
    const { sync, client } = await start(transport, { token })
    const had = asked
    for (const id of ['msg_11111111', 'msg_22222222', 'msg_33333333']) {
      const said = sync.ofKind('say').length
      client.message(id).subscribe(() => {})
      await passUntil(() => expect(sync.ofKind('say').length).toBeGreaterThan(said))
    }
    expect(asked).toBe(had)
    sync.last.control({ type: 'tokenExpiring', inMs: 1_000 })
    await passUntil(() => expect(sync.last.ofType('token')).toEqual([{ type: 'token', token: `token ${had + 1}` }]))
    client.message('msg_44444444').subscribe(() => {})
    await passUntil(() => expect(sync.last.ofType('subscribe')).toHaveLength(4))
    expect(sync.requests.at(-1)!.token).toBe(`token ${had + 1}`)
    expect(asked).toBe(had + 1)
    // Refused: the next line asks for another.
    let refused = 0
    sync.answers = ({ kind, url }) =>
      url.searchParams.get('transport') === 'stream' && transport === 'poll'
        ? { status: 502 }
        : kind === 'open' || refused++ > 0 || { status: 401, body: { error: { code: 'unauthenticated' } } }
    client.message('msg_55555555').subscribe(() => {})
    await passUntil(() => expect(sync.sessions).toHaveLength(2))
    // What is read over HTTP meanwhile asks for its own.
    const newest = Number(sync.ofKind('open').at(-1)!.token!.slice('token '.length))
    expect(newest).toBeGreaterThan(had + 1)
    expect(newest).toBeLessThanOrEqual(asked)
  },
)

test('H2: what is said in one turn goes out together, no more than a thousand frames a body', async () => {
  const server = await startServer()
  const sync = new FakeSync(server)
  const target = {
    url: server.url,
    token: async () => undefined,
    WebSocket,
    fetch,
    instead: null,
    overHttp: () => import('../../client/transport/over-http.ts'),
    everyMs: 0,
  }
  const none = () => {}
  const line = new HttpLine('stream', target, undefined, { text: none, frame: none, heard: none, ended: none })
  await eventually(() => expect(line.session).not.toBe(null))
  for (let i = 0; i < 2_500; i++) line.send('{"type":"ping"}')
  await eventually(() => expect(sync.last.said).toHaveLength(2_500))
  expect(sync.last.counts).toEqual([1_000, 1_000, 500])
  await line.close()
})
