/** From one transport to another: what is tried when, on which word, and that nothing is told twice. */
import { expect, test, vi } from 'vitest'
import {
  atEnd,
  chatId,
  messageId,
  eventually,
  outlastConnections,
  passUntil,
  startClient,
  startServer,
  useFakeTime,
} from './fixtures.ts'
import { FakeSync } from './fake-sync.ts'

async function start(transport: 'stream' | 'poll', { hidden = false, keptAlive = true } = {}) {
  outlastConnections()
  const page = Object.assign(new EventTarget(), { visibilityState: hidden ? 'hidden' : 'visible' })
  const window = new EventTarget()
  vi.stubGlobal('document', page)
  vi.stubGlobal('window', window)
  const server = await startServer()
  const sync = new FakeSync(server)
  const streams = { blocked: transport === 'poll' }
  sync.answers = ({ url }) =>
    streams.blocked && url.searchParams.get('transport') === 'stream' ? { status: 502 } : true
  useFakeTime()
  const client = startClient(server)
  const at = () => {
    const state = client.connection.getSnapshot()
    return state.status === 'open' ? `${state.transport} ${state.reason}` : state.status
  }
  const show = (visibilityState: string) => {
    page.visibilityState = visibilityState
    page.dispatchEvent(new Event('visibilitychange'))
  }
  const online = () => window.dispatchEvent(new Event('online'))
  const leave = () => window.dispatchEvent(new Event('pagehide'))
  /** Silence would be noticed. */
  const alive = setInterval(
    () => keptAlive && sync.sessions.forEach((session) => session.control({ type: 'pong' })),
    2_000,
  )
  atEnd(async () => clearInterval(alive))
  if (!hidden) await eventually(() => expect(at()).toContain(transport))
  return { server, sync, client, streams, at, show, online, leave }
}

test('H12: streams that are cut every 20 s put off no other try of a WebSocket: the first is after a minute', async () => {
  const { sync, server, at } = await start('stream')
  const tried = server.connections.length
  const began = Date.now()
  let cutAt = began
  await passUntil(() => {
    if (Date.now() - cutAt >= 20_000 && at().startsWith('stream')) {
      cutAt = Date.now()
      sync.last.cut()
    }
    expect(server.connections.length).toBeGreaterThan(tried)
  }, 150_000)
  expect(sync.sessions.length).toBeGreaterThan(2)
  expect(Date.now() - began).toBeLessThan(70_000)
})

test('H12: a line that is made while nobody looks, and is seen before it is open, polls no more every 30 s', async () => {
  const { sync, at, show } = await start('stream', { hidden: true })
  await eventually(() => expect(sync.ofKind('open')).toHaveLength(1))
  show('visible')
  await passUntil(() => expect(at()).toBe('stream websocket_blocked'), 10_000)
})

test('H12: one that is seen again while a stream is left for polls has a stream in the end', async () => {
  const { server, sync, client, at, show } = await start('stream')
  // Its answer does not come: the old line is kept for five seconds.
  server.serve(chatId)
  client.chat(chatId).subscribe(() => {})
  show('hidden')
  await passUntil(() => expect(at()).toBe('poll hidden'), 10_000)
  show('visible')
  expect(sync.last.transport).toBe('poll')
  await passUntil(() => expect(at()).toBe('stream websocket_blocked'), 20_000)
})

test('one that has only polls, hidden and seen again, asks at once again', async () => {
  const { sync, at, show } = await start('poll')
  show('hidden')
  await passUntil(() => expect(sync.last.everyMs).toBe(30_000), 40_000)
  show('visible')
  await passUntil(() => expect(sync.last.everyMs).toBe(0), 2_000)
  expect(at()).toBe('poll stream_blocked')
})

test.each([
  ['401', { status: 401, body: { error: { code: 'unauthenticated' } } }, 'hidden'],
  ['429', { status: 429, retryAfter: 5, body: { error: { code: 'rate_limited' } } }, 'hidden'],
  ['503 of a restart', { status: 503, retryAfter: 1, body: { error: { code: 'restarting' } } }, 'hidden'],
  ['502 of a proxy', { status: 502 }, 'stream_blocked'],
] as const)('H11: a stream beside polls that ends with %s is what it is', async (_name, answer, reason) => {
  const { sync, at, show } = await start('stream', { hidden: true })
  await passUntil(() => expect(at()).toBe('poll hidden'), 5_000)
  sync.answers = ({ kind }) => kind !== 'open' || answer
  show('visible')
  await passUntil(() => expect(sync.ofKind('open').length).toBeGreaterThan(1), 5_000)
  await vi.advanceTimersByTimeAsync(1_000)
  show('hidden')
  await vi.advanceTimersByTimeAsync(3_000)
  sync.answers = () => true
  // Seen again: what said nothing of streams keeps nobody from one.
  show('visible')
  if (reason === 'hidden') await passUntil(() => expect(at()).toBe('stream websocket_blocked'), 5_000)
  else {
    await vi.advanceTimersByTimeAsync(5_000)
    expect(at()).toBe('poll stream_blocked')
  }
})

test('H12: nothing better is tried before the server has said', async () => {
  const { server, sync, at, show } = await start('stream', { hidden: true })
  await passUntil(() => expect(at()).toBe('poll hidden'), 5_000)
  sync.answers = ({ kind }) => kind !== 'open' || { status: 503, retryAfter: 200 }
  show('visible')
  await passUntil(() => expect(sync.ofKind('open')).toHaveLength(2), 5_000)
  await vi.advanceTimersByTimeAsync(190_000)
  expect(server.connections).toHaveLength(1)
  await passUntil(() => expect(server.connections.length).toBeGreaterThan(1), 20_000)
})

test('H11: a stream whose pong is held back says so', async () => {
  const { sync, at, show } = await start('stream', { hidden: true, keptAlive: false })
  await passUntil(() => expect(at()).toBe('poll hidden'), 5_000)
  sync.answersPing = false
  show('visible')
  await passUntil(() => expect(sync.ofKind('open').length).toBeGreaterThan(1), 5_000)
  await passUntil(() => expect(sync.last.closed).toBe(true), 10_000)
  expect(at()).toBe('poll stream_held_back')
  show('visible')
  expect(sync.sessions.filter(({ transport }) => transport === 'stream')).toHaveLength(1)
})

test('H12: what happens to a chat while two lines are heard is told once, and as often as it happened', async () => {
  const { server, sync, client, at, online } = await start('stream')
  const told: string[] = []
  client.onChatEvent(({ title }) => told.push(title!))
  const tell = (title: string, ...lines: { control: (message: any) => void }[]) => {
    for (const line of lines) line.control({ type: 'chat', event: 'renamed', chatId, title })
  }
  // Its answer is late: the old line is heard for longer.
  server.serve(messageId).held = true
  client.message(messageId).subscribe(() => {})
  sync.letsWebSockets = true
  const old = sync.last
  // It opens a line beside it: what the old one tells now is told nowhere else.
  tell('before', old)
  online()
  await eventually(() => expect(at()).toBe('websocket preferred'))
  for (let i = 0; i < 3; i++) tell('thrice', old)
  for (let i = 0; i < 3; i++) tell('thrice', server.last)
  tell('new first', server.last, old)
  tell('old first', old, server.last)
  tell('old only', old)
  await eventually(() => expect(told).toContain('old first'))
  // The old one has told it and is left before the new one does.
  tell('late', old)
  await eventually(() => expect(told).toContain('late'))
  server.answersPing = false
  server.release(messageId)
  await eventually(() => expect(old.closed).toBe(true))
  tell('late', server.last)
  tell('end', server.last)
  await eventually(() => expect(told).toContain('end'))
  expect(told).toEqual(['before', 'thrice', 'thrice', 'thrice', 'new first', 'old first', 'old only', 'late', 'end'])
  // It is all over: the same may happen again.
  expect(server.last.ofType('ping')).toHaveLength(1)
  server.last.control({ type: 'pong' })
  tell('old only', server.last)
  await eventually(() => expect(told.slice(9)).toEqual(['old only']))
})

test('H12: the line before is not left before all is heard that it was told', async () => {
  const { server, sync, client, at, online } = await start('poll')
  const told: string[] = []
  client.onChatEvent(({ title }) => told.push(title!))
  const old = sync.last
  sync.letsWebSockets = true
  let hold = true
  const waiting: (() => void)[] = []
  // The answer to its next poll is late.
  await passUntil(() => expect(sync.ofKind('poll').length).toBeGreaterThan(0), 1_000)
  old.control({ type: 'pong' })
  sync.delays = (request) => (hold && request.kind === 'poll' ? new Promise((go) => waiting.push(go)) : null)
  await passUntil(() => expect(waiting.length).toBeGreaterThan(0), 2_000)
  old.control({ type: 'chat', event: 'renamed', chatId, title: 'told to the old one alone' })
  online()
  await eventually(() => expect(at()).toBe('websocket preferred'))
  await vi.advanceTimersByTimeAsync(1_000)
  expect(server.last).toBeDefined()
  hold = false
  for (const go of waiting) go()
  await passUntil(() => expect(told).toEqual(['told to the old one alone']), 3_000)
  await passUntil(() => expect(old.closed).toBe(true), 6_000)
})

test('H12: a page that goes ends its session, and connects anew when it comes back', async () => {
  const { sync, at, leave } = await start('stream')
  const old = sync.last
  leave()
  await eventually(() => expect(old.closed).toBe(true))
  await passUntil(() => expect(at()).toBe('stream websocket_blocked'), 10_000)
  expect(sync.sessions).toHaveLength(2)
})

test('H11: a WebSocket that has worked in this tab is tried twice before anything else', async () => {
  outlastConnections()
  const server = await startServer()
  const sync = new FakeSync(server)
  sync.letsWebSockets = true
  useFakeTime()
  const client = startClient(server)
  await eventually(() => expect(client.connection.getSnapshot()).toMatchObject({ transport: 'websocket' }))
  sync.letsWebSockets = false
  server.last.socket.terminate()
  await passUntil(() => expect(client.connection.getSnapshot()).toMatchObject({ transport: 'stream' }), 20_000)
  expect(server.connections).toHaveLength(3)
})

test('H12: fifty change-overs leave one session, and no timer', async () => {
  const { sync, at, show, online } = await start('stream')
  const first = vi.getTimerCount()
  const live = () => sync.sessions.filter(({ closed }) => !closed)
  for (let i = 0; i < 25; i++) {
    show('hidden')
    await passUntil(() => expect(at()).toBe('poll hidden'), 10_000)
    await passUntil(() => expect(live()).toHaveLength(1), 10_000)
    show('visible')
    online()
    await passUntil(() => expect(at()).toBe('stream websocket_blocked'), 10_000)
    await passUntil(() => expect(live()).toHaveLength(1), 10_000)
  }
  expect(sync.sessions.length).toBeGreaterThanOrEqual(51)
  await passUntil(() => expect(vi.getTimerCount()).toBeLessThanOrEqual(first), 10_000)
})
