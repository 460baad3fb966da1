/** P4: the slow hurt nobody. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import type { Provider } from '../../server/provider/events.ts'
import type { RunnelStats } from '../../server/app/app.ts'
import { startRunnel, type StartedRunnel } from '../../testing/index.ts'
import { startLine } from '../../testing/line.ts'
import { watchLoopLag } from './loop-lag.ts'
import { RawViewer } from './raw-viewer.ts'

const highWater = 1_000_000
/** P4: above the mark, for control messages and what was on its way. */
const slack = 65_536
const chunkBytes = 4_096
const answerBytes = 8_000_000

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start(provider: Provider, settings: Parameters<typeof startRunnel>[0] = {}): Promise<StartedRunnel> {
  const server = await startRunnel({ provider, ...settings })
  closing.push(() => server.close())
  return server
}

function view(url: string, messageId: string, apply = true): RawViewer {
  const viewer = new RawViewer(url, messageId, apply)
  closing.push(async () => {
    viewer.socket.resume()
    viewer.socket.terminate()
    await until(() => viewer.closed !== null, 'the close of a viewer')
  })
  return viewer
}

async function until(condition: () => boolean, what: string, deadlineMs = 15_000): Promise<void> {
  const deadline = performance.now() + deadlineMs
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`${what} did not come true within ${deadlineMs} ms`)
    await sleep(5)
  }
}

/** An answer in numbered chunks, at a steady rate, once `begin` is called. Chunk n was given at `at[n]`. */
function steady(megabytesPerSecond: number, bytes = answerBytes, chunk = chunkBytes) {
  let begin = (): void => {}
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  const at: number[] = []
  const filler = 'abcdefghijklmno '.repeat(Math.ceil(chunk / 16))
  const provider: Provider = async function* (_request, signal) {
    yield { type: 'block_start', key: 'a', block: { type: 'text', status: 'in_progress' } }
    await begun
    const startedAt = performance.now()
    for (let index = 0; index * chunk < bytes && !signal.aborted; index++) {
      const dueMs = (index * chunk) / (megabytesPerSecond * 1_000)
      while (performance.now() - startedAt < dueMs) await sleep(2)
      at[index] = performance.now()
      const mark = `@${index}#`
      yield { type: 'delta', key: 'a', field: 'text', text: mark + filler.slice(0, chunk - mark.length) }
    }
    yield { type: 'block_end', key: 'a', status: 'completed' }
    yield { type: 'finish', reason: 'stop' }
  }
  return { provider, at, begin: () => begin() }
}

/** The worst of each figure while something goes on. */
function watchStats(server: StartedRunnel): { worst: RunnelStats; stop(): RunnelStats } {
  const worst = { ...server.runnel.stats() }
  const timer = setInterval(look, 2)
  function look(): void {
    const stats = server.runnel.stats()
    for (const key of ['outboxBytes', 'catchUpPendingBytes', 'catchUpWaiting', 'laggingConnections'] as const)
      worst[key] = Math.max(worst[key], stats[key])
  }
  return {
    worst,
    stop: () => {
      clearInterval(timer)
      look()
      return worst
    },
  }
}

async function ended(server: StartedRunnel, messageId: string, deadlineMs = 20_000): Promise<void> {
  const deadline = performance.now() + deadlineMs
  while ((await server.call('GET', '/api/tasks')).body.items.length > 0) {
    if (performance.now() > deadline) throw new Error(`${messageId} did not end`)
    await sleep(20)
  }
}

test.each([
  ['small chunks', 6, chunkBytes, highWater, answerBytes],
  ['chunks of 400 kB', 6, 400_000, highWater, answerBytes],
  // Beside what the system's buffers take.
  ['a mark of 8 MB', 8, 65_536, 8_000_000, 20_000_000],
])(
  'a viewer that does not read costs its mark and 64 kB, then gets one difference: %s',
  { timeout: 40_000 },
  async (_name, rate, chunk, mark, bytes) => {
    const answer = steady(rate, bytes, chunk)
    const server = await start(answer.provider, {
      RUNNEL_VIEWER_HIGH_WATER_BYTES: mark,
      RUNNEL_MAX_MESSAGE_BYTES: 100_000_000,
    })
    const { messageId } = await server.ask('Hello')
    const viewer = view(server.url, messageId)
    await until(() => viewer.subscribed, 'the first state')
    viewer.socket.pause()
    const watch = watchStats(server)
    answer.begin()
    await ended(server, messageId)
    const stalled = watch.stop()
    expect(stalled.laggingConnections).toBe(1)
    expect(stalled.outboxBytes).toBeLessThanOrEqual(mark + slack)
    expect(stalled.outboxBytes).toBeGreaterThan(mark / 2)
    const metrics = await server.runnel.metrics()
    expect(metrics).toContain('\nrunnel_lagging_viewers 1\n')
    const told = Number(/^runnel_outbox_bytes (\d+)$/m.exec(metrics)![1])
    expect(told).toBe(server.runnel.stats().outboxBytes)
    console.log(`mark ${mark}: ${stalled.outboxBytes} bytes at the most, the metric says ${told}`)
    expect(stalled.catchUpPendingBytes).toBeLessThanOrEqual(stalled.outboxBytes)

    const before = viewer.sent.length
    const catching = watchStats(server)
    viewer.socket.resume()
    await until(() => viewer.finished, 'the checkpoint')
    const caught = catching.stop()
    const { body: json } = await server.call('GET', `/api/messages/${messageId}`)
    expect(json.output[0].text.length).toBeGreaterThanOrEqual(bytes)
    expect(viewer.json).toEqual(json)

    // Updates up to the mark, `lagging`, one difference, `caughtUp`, and behind it the checkpoint.
    const [lagging, caughtUp, checkpoint] = ['lagging', 'caughtUp', 'checkpoint'].map((type) =>
      viewer.controls(type as 'lagging'),
    )
    expect(lagging).toHaveLength(1)
    expect(caughtUp).toHaveLength(1)
    expect(viewer.sent[checkpoint!.at(-1)!]).toMatchObject({ matches: true, message: { final: true } })
    expect(lagging![0]).toBeLessThan(caughtUp![0]!)
    expect(caughtUp![0]).toBeLessThan(checkpoint!.at(-1)!)
    const behind = viewer.sent.slice(lagging![0]).filter((sent) => sent.type !== 'control' && !sent.empty)
    expect(behind.map(({ type }) => type)).toEqual(['difference'])
    expect(lagging![0]).toBeGreaterThanOrEqual(before)
    const difference = (behind[0] as { bytes: number }).bytes
    expect(caught.catchUpPendingBytes).toBeLessThanOrEqual(difference + 8_192)
    expect(caught.outboxBytes).toBeLessThanOrEqual(mark + slack + difference + 8_192)
    expect(server.runnel.stats()).toMatchObject({
      outboxBytes: 0,
      catchUpPendingBytes: 0,
      catchUpWaiting: 0,
      laggingConnections: 0,
    })
  },
)

test('a viewer that catches up waits in line under RUNNEL_CATCHUP_MAX_BYTES', { timeout: 40_000 }, async () => {
  // The system's buffers take 6 MB a socket.
  const bytes = 12_000_000
  const answer = steady(8, bytes)
  const server = await start(answer.provider, { RUNNEL_CATCHUP_MAX_BYTES: 1_000_000 })
  const { messageId } = await server.ask('Hello')
  const viewers = [0, 1, 2].map(() => view(server.url, messageId))
  await until(() => viewers.every((viewer) => viewer.subscribed), 'the first states')
  // Each stops at another place: their differences are not the same buffer. Soon, as the system's buffer for one that reads much grows to take all.
  viewers.forEach((viewer, index) => {
    let read = 0
    viewer.onUpdate = (update) => {
      read += update.length
      if (read >= index * 30_000) viewer.socket.pause()
    }
  })
  viewers[0]!.socket.pause()
  answer.begin()
  await ended(server, messageId)
  expect(server.runnel.stats().laggingViewers).toBe(3)

  const watch = watchStats(server)
  // One who joins and does not read holds what the cap allows, when its turn comes: the others wait.
  const joiner = view(server.url, messageId)
  await once(joiner.socket, 'open')
  joiner.socket.pause()
  await until(() => server.runnel.stats().catchUpPendingBytes > 1_000_000, 'the first difference')
  for (const viewer of viewers) {
    viewer.onUpdate = () => {}
    viewer.socket.resume()
  }
  // How many depends on what the system's buffers took.
  await until(() => watch.worst.catchUpWaiting > 0, 'a viewer in line')
  joiner.socket.resume()
  viewers.push(joiner)
  await until(() => viewers.every((viewer) => viewer.finished), 'the checkpoints')
  const worst = watch.stop()
  const { body: json } = await server.call('GET', `/api/messages/${messageId}`)
  for (const viewer of viewers) {
    expect(viewer.json).toEqual(json)
    expect(viewer.sent[viewer.controls('checkpoint').at(-1)!]).toMatchObject({ matches: true })
  }
  // One that is larger than the cap goes alone, when its turn comes.
  expect(worst.catchUpPendingBytes).toBeLessThan(1_000_000 + bytes * 1.05)
  expect(server.runnel.stats()).toMatchObject({ outboxBytes: 0, catchUpPendingBytes: 0, catchUpWaiting: 0 })
})

// What it costs them in time: `npm run bench -- slow`.
test('fifty others get all of it while one has stopped reading', { timeout: 60_000 }, async () => {
  const answer = steady(2)
  const server = await start(answer.provider)
  const { messageId } = await server.ask('Hello')
  const others = Array.from({ length: 50 }, () => view(server.url, messageId, false))
  const slow = view(server.url, messageId, false)
  await until(() => [...others, slow].every((viewer) => viewer.subscribed), 'the first states')
  slow.socket.pause()
  answer.begin()
  await until(() => others.every((viewer) => viewer.finished), 'the ends', 30_000)
  expect(server.runnel.stats().laggingViewers).toBe(1)
  for (const viewer of others) {
    expect(viewer.controls('lagging')).toEqual([])
    expect(viewer.sent.reduce((sum, sent) => sum + (sent.type === 'control' ? 0 : sent.bytes), 0)).toBeGreaterThan(
      answerBytes,
    )
  }
})

test(
  'one that never reads again is closed with 1013 after RUNNEL_VIEWER_STALL_MS, and its memory is released',
  { timeout: 30_000 },
  async () => {
    const stallMs = 400
    const answer = steady(50)
    const server = await start(answer.provider, { RUNNEL_VIEWER_STALL_MS: stallMs })
    const { messageId } = await server.ask('Hello')
    const [told, silent] = [view(server.url, messageId), view(server.url, messageId)]
    await until(() => told.subscribed && silent.subscribed, 'the first states')
    told.socket.pause()
    silent.socket.pause()
    const begunAt = performance.now()
    answer.begin()
    await until(() => server.runnel.stats().laggingViewers === 2, 'both lag')
    // The system's own buffers go on taking for a while: that is progress.
    await until(() => server.runnel.stats().viewers === 0, 'both are sent away')
    expect(performance.now() - begunAt).toBeGreaterThanOrEqual(stallMs)
    await until(() => server.runnel.stats().outboxBytes < highWater / 2, 'what waits is dropped')
    told.socket.resume()
    await until(() => told.closed !== null, 'the close')
    expect(told.closed!.code).toBe(1013)
    // The other one hears nothing of it: its socket is destroyed a second later.
    await until(() => server.runnel.stats().connections === 0, 'the sockets are gone', 5_000)
    expect(server.runnel.stats()).toMatchObject({
      outboxBytes: 0,
      catchUpPendingBytes: 0,
      catchUpWaiting: 0,
      laggingConnections: 0,
    })
  },
)

test('one that reads slowly but steadily is not closed', { timeout: 40_000 }, async () => {
  const stallMs = 1_500
  const answer = steady(50)
  const server = await start(answer.provider, {
    RUNNEL_VIEWER_STALL_MS: stallMs,
    RUNNEL_VIEWER_HIGH_WATER_BYTES: 100_000,
  })
  const { messageId } = await server.ask('Hello')
  const viewer = view(server.url, messageId)
  await until(() => viewer.subscribed, 'the first state')
  answer.begin()
  const startedAt = performance.now()
  let lagged = false
  // One read or two, of 64 KiB each, every 50 ms.
  const { _socket: socket } = viewer.socket as unknown as { _socket: Socket }
  socket.on('data', () => viewer.socket.pause())
  while (!viewer.finished && viewer.closed === null) {
    viewer.socket.resume()
    await sleep(50)
    lagged ||= server.runnel.stats().laggingConnections > 0
  }
  expect(viewer.closed).toBeNull()
  expect(lagged).toBe(true)
  expect(performance.now() - startedAt).toBeGreaterThan(3 * stallMs)
  expect(viewer.sent[viewer.controls('checkpoint').at(-1)!]).toMatchObject({ matches: true })
})

test.each([
  ['an idle document', 0],
  ['a growing one', 2_000],
])('a black-holed viewer of %s is gone in RUNNEL_HEARTBEAT_TIMEOUT_MS and a sweep', async (_name, bytes) => {
  const timeoutMs = 400
  const answer = steady(0.001, bytes, 16)
  const server = await start(answer.provider, { RUNNEL_HEARTBEAT_MS: 100, RUNNEL_HEARTBEAT_TIMEOUT_MS: timeoutMs })
  const proxy = await startLine(Number(new URL(server.url).port))
  closing.push(() => proxy.close())
  const { messageId } = await server.ask('Hello')
  const [healthy, lost] = [view(server.url, messageId), view(`http://127.0.0.1:${proxy.port}`, messageId)]
  await until(() => healthy.subscribed && lost.subscribed, 'the first states')
  answer.begin()
  const lag = watchLoopLag()
  proxy.mode = 'deaf'
  const at = performance.now()
  await until(() => server.runnel.stats().connections === 1, 'one is gone', 5_000)
  const goneMs = performance.now() - at
  expect(goneMs - lag.stop()).toBeLessThan(timeoutMs + timeoutMs / 4 + 20)
  expect(goneMs).toBeGreaterThan(timeoutMs - 120)
  // Its neighbour answers pings and stays.
  await sleep(2 * timeoutMs)
  expect(server.runnel.stats().connections).toBe(1)
  expect(healthy.closed).toBeNull()
})
