import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { expect, onTestFinished, test } from 'vitest'
import type { RunnelOptions } from '../../server/app/app.ts'
import { RunnelError } from '../../shared/errors.ts'
import type { Message } from '../../shared/schema.ts'
import { SseReader, startRunnel, type SseReaderOptions, type StartedRunnel } from '../../testing/index.ts'
import { temporaryFolder } from '../store/fixtures.ts'
import { richAnswer, scriptedProvider } from './scripted-provider.ts'

async function start(options: RunnelOptions = {}) {
  const script = scriptedProvider()
  const server = await startRunnel({ RUNNEL_FLUSH_MS: 5, RUNNEL_DRAIN_MS: 0, provider: script.provider, ...options })
  const readers: SseReader[] = []
  onTestFinished(async () => {
    for (const reader of readers) reader.close()
    await server.close()
  })
  const read = (messageId: string, options?: SseReaderOptions) => {
    const reader = new SseReader(server.url, messageId, options)
    readers.push(reader)
    return reader
  }
  return { ...server, ...script, read }
}

async function get(server: Pick<StartedRunnel, 'call'>, messageId: string, token?: string): Promise<Message> {
  return (
    await server.call(
      'GET',
      `/api/messages/${messageId}`,
      undefined,
      token === undefined ? {} : { authorization: `Bearer ${token}` },
    )
  ).body
}

async function until(condition: () => boolean | Promise<boolean>, deadlineMs = 5_000): Promise<void> {
  const deadline = Date.now() + deadlineMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`the condition did not come true within ${deadlineMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

test('the events of a rich answer fold into what GET returns, from the first moment on', async () => {
  const server = await start()
  const { messageId } = await server.ask('Hello?')
  const reader = server.read(messageId)
  await reader.until(() => reader.message !== null)
  for (const event of richAnswer()) {
    server.give(event)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await reader.toEnd()
  expect(reader.message).toEqual(await get(server, messageId))
  expect(reader.events[0]!.event.type).toBe('snapshot')
  expect(reader.events.filter(({ event }) => event.type === 'snapshot')).toHaveLength(1)
  expect(reader.events.at(-1)!.event).toMatchObject({
    type: 'end',
    fields: { status: 'completed', finishReason: 'stop', usage: { totalTokens: 3 } },
  })
  expect(reader.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  })
  expect(reader.retryMs).toBeGreaterThanOrEqual(1_000)
  expect(server.runnel.stats().eventStreams).toBe(0)
})

test('resumes at every event of a run, while it runs, after its end and after a restart', async () => {
  const DATABASE_URL = `sqlite:${temporaryFolder()}/runnel.db`
  const first = await start({ DATABASE_URL })
  const { messageId } = await first.ask('Hello?')
  const whole = first.read(messageId)
  const cut = first.read(messageId)
  await cut.until(() => cut.message !== null)
  // One that is cut off behind every event and comes back with its id.
  let current = cut
  for (const event of richAnswer()) {
    if (event.type === 'finish') break
    first.give(event)
    await current.until(() => current.events.length > 0)
    current.close()
    current = first.read(messageId, { lastEventId: current.lastId!, message: current.message })
  }
  first.give({ type: 'finish', reason: 'stop' })
  await Promise.all([whole.toEnd(), current.toEnd()])
  const truth = await get(first, messageId)
  expect(whole.message).toEqual(truth)
  expect(current.message).toEqual(truth)

  const resumeEverywhere = async (server: Awaited<ReturnType<typeof start>>) => {
    let message: Message | null = null
    let tails = 0
    const { applyStreamEvent } = await import('../../testing/index.ts')
    for (const { event, id } of whole.events) {
      message = applyStreamEvent(message, event)
      const back = await server.read(messageId, { lastEventId: id, message }).toEnd()
      if (event.type === 'end') {
        expect(back.status).toBe(204)
        continue
      }
      expect(back.message).toEqual(truth)
      expect(back.ended).toBe(true)
      if (back.events[0]!.event.type !== 'snapshot') tails += 1
    }
    expect(tails).toBeGreaterThan(2)
  }
  await resumeEverywhere(first)
  await first.close()
  await resumeEverywhere(await start({ DATABASE_URL }))
})

test('a run that a restart interrupted goes on from where its reader was', async () => {
  const DATABASE_URL = `sqlite:${temporaryFolder()}/runnel.db`
  const first = await start({ DATABASE_URL })
  const { messageId } = await first.ask('Hello?')
  const reader = first.read(messageId)
  first.startText()
  first.text('a'.repeat(20_000))
  await reader.until(
    () =>
      reader.message?.output[0] !== undefined &&
      'text' in reader.message.output[0] &&
      reader.message.output[0].text.length === 20_000,
  )
  const { lastId, message } = reader
  reader.close()
  first.text(' and more')
  await first.close()
  const second = await start({ DATABASE_URL })
  const back = await second.read(messageId, { lastEventId: lastId!, message }).toEnd()
  expect(back.message).toEqual(await get(second, messageId))
  expect(back.message!.status).toBe('interrupted')
  expect(back.bytes).toBeLessThan(2_000)
})

test('a finished message gives snapshot and end, a message of a user too; 204 only to who has seen that end', async () => {
  const server = await start()
  const { messageId, userMessageId } = await server.ask('Hello?')
  for (const event of richAnswer()) server.give(event)
  await until(async () => (await get(server, messageId)).status === 'completed')
  for (const id of [messageId, userMessageId]) {
    const reader = await server.read(id).toEnd()
    expect(reader.events.map(({ event }) => event.type)).toEqual(['snapshot', 'end'])
    expect(reader.message).toEqual(await get(server, id))
    expect((await server.read(id, { lastEventId: reader.lastId! }).toClose()).status).toBe(204)
    expect(
      (await server.read(id, { lastEventId: `${reader.lastId!}x`, message: reader.message }).toClose()).status,
    ).toBe(200)
    expect((await server.read(id, { lastEventId: 'nonsense' }).toEnd()).events[0]!.event.type).toBe('snapshot')
    const state = await server.read(id, { mode: 'state' }).toEnd()
    expect(state.events.map(({ event }) => event.type)).toEqual(['snapshot', 'end'])
  }
})

test('mode=state sends the whole message at most every 500 ms, and the end at once', async () => {
  const server = await start()
  const { messageId } = await server.ask('Hello?')
  const early = server.read(messageId, { mode: 'state' })
  await early.until(() => early.message !== null)
  server.startText()
  const began = performance.now()
  const typing = setInterval(() => server.text('word '), 10)
  let late: SseReader | undefined
  while (performance.now() - began < 2_200) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    if (performance.now() - began > 700) late ??= server.read(messageId, { mode: 'state' })
  }
  clearInterval(typing)
  const ending = performance.now()
  server.finish()
  await Promise.all([early.toEnd(), late!.toEnd()])
  const truth = await get(server, messageId)
  for (const reader of [early, late!]) {
    expect(new Set(reader.events.map(({ event }) => event.type))).toEqual(new Set(['snapshot', 'end']))
    const states = reader.events.slice(0, -2)
    expect(states.length).toBeGreaterThanOrEqual(3)
    for (const [i, { at }] of states.entries()) if (i > 0) expect(at - states[i - 1]!.at).toBeGreaterThan(450)
    expect(reader.message).toEqual(truth)
    expect(reader.events.at(-1)!.at - ending).toBeLessThan(300)
  }
})

test.each(['delta', 'state'] as const)(
  'a reader in mode %s that does not read is bounded, delays nobody, and has all in the end',
  async (mode) => {
    const highWaterBytes = 100_000
    const server = await start({ RUNNEL_VIEWER_HIGH_WATER_BYTES: highWaterBytes })
    const { messageId } = await server.ask('Hello?')
    const slow = server.read(messageId, { mode, paused: true })
    const quick = server.read(messageId)
    await Promise.all([slow.until(() => slow.status === 200), quick.until(() => quick.message !== null)])
    server.startText()
    let most = 0
    let length = 0
    const chunk = 'abcdefgh '.repeat(6_000)
    for (let i = 0; i < 170; i++) {
      server.text(chunk)
      length += chunk.length
      await quick.until(() => {
        const block = quick.message!.output[0]
        return block?.type === 'text' && block.text.length === length
      })
      most = Math.max(most, server.runnel.stats().outboxBytes)
      // Of states there is one on its way at the most.
      expect(server.runnel.stats().outboxBytes).toBeLessThan(
        mode === 'delta' ? highWaterBytes + 65_536 : length * 1.1 + 65_536,
      )
    }
    // The system's own buffers are full: it did fall behind.
    if (mode === 'delta') expect(most).toBeGreaterThan(50_000)
    slow.resume()
    server.finish()
    await Promise.all([slow.toEnd(), quick.toEnd()])
    const truth = await get(server, messageId)
    expect(slow.message).toEqual(truth)
    expect(quick.message).toEqual(truth)
    expect(quick.events.filter(({ event }) => event.type === 'snapshot')).toHaveLength(1)
  },
  60_000,
)

test('a reader that takes nothing for RUNNEL_VIEWER_STALL_MS is closed', async () => {
  const server = await start({ RUNNEL_VIEWER_HIGH_WATER_BYTES: 100_000, RUNNEL_VIEWER_STALL_MS: 200 })
  const { messageId } = await server.ask('Hello?')
  const slow = server.read(messageId, { paused: true })
  await slow.until(() => slow.status === 200)
  server.startText()
  for (let i = 0; i < 400; i++) server.text('x'.repeat(20_000))
  await until(() => server.runnel.stats().outboxBytes > 0)
  await until(() => server.runnel.stats().eventStreams === 0)
  expect(server.runnel.stats().outboxBytes).toBe(0)
})

test('a silent stream has comments', async () => {
  const server = await start({ RUNNEL_HEARTBEAT_MS: 50, RUNNEL_HEARTBEAT_TIMEOUT_MS: 100 })
  const { messageId } = await server.ask('Hello?')
  const reader = server.read(messageId)
  await reader.until(() => reader.comments.length >= 3)
  expect(reader.events.length).toBeLessThan(5)
})

test('the hang-up of a reader frees everything', async () => {
  const server = await start()
  const { messageId } = await server.ask('Hello?')
  const readers = [server.read(messageId), server.read(messageId, { mode: 'state' })]
  await Promise.all(readers.map((reader) => reader.until(() => reader.message !== null)))
  expect(server.runnel.stats().eventStreams).toBe(2)
  for (const reader of readers) reader.close()
  await until(() => server.runnel.stats().eventStreams === 0)
  expect(server.runnel.stats()).toMatchObject({ outboxBytes: 0, catchUpPendingBytes: 0, catchUpWaiting: 0 })
})

test('the server ends its streams when it closes', async () => {
  const server = await start()
  const { userMessageId, messageId } = await server.ask('Hello?')
  const reader = server.read(messageId)
  await reader.until(() => reader.message !== null)
  expect((await server.read(userMessageId).toEnd()).ended).toBe(true)
  await server.close()
  await reader.toEnd()
  expect(reader.message!.status).toBe('interrupted')
})

/** Tokens are user ids; `short` is good for 300 ms. */
const authenticate: RunnelOptions['authenticate'] = async (token) => {
  if (token === undefined || token === 'expired') throw new RunnelError('unauthenticated', 'Sign in.')
  if (token === 'short') return { id: 'owner', name: 'Owner', expiresAt: Date.now() + 300 }
  return { id: token, name: token }
}

async function startShared() {
  const server = await start({ authenticate, RUNNEL_HEARTBEAT_TIMEOUT_MS: 200 })
  const owner = { authorization: 'Bearer owner' }
  const chat = (await server.call('POST', '/api/chats', {}, owner)).body.id as string
  const { messageId } = (await server.call('POST', `/api/chats/${chat}/messages`, { content: 'Hello?' }, owner)).body
  return { ...server, chat, messageId: messageId as string, owner }
}

test('only members may follow, and a stream ends within a second when the right is lost', async () => {
  const server = await startShared()
  const { chat, messageId, owner } = server
  expect((await server.read(messageId).toClose()).status).toBe(401)
  expect((await server.read(messageId, { token: 'stranger' }).toClose()).status).toBe(404)
  expect(
    (await server.call('POST', `/api/chats/${chat}/members`, { userId: 'viewer', role: 'viewer' }, owner)).status,
  ).toBe(201)
  const [viewer, other] = [server.read(messageId, { token: 'viewer' }), server.read(messageId, { token: 'owner' })]
  await Promise.all([viewer, other].map((reader) => reader.until(() => reader.message !== null)))
  expect((await server.call('DELETE', `/api/chats/${chat}/members/viewer`, undefined, owner)).status).toBe(204)
  await viewer.toClose(1_000)
  expect(viewer.ended).toBe(false)
  expect((await server.read(messageId, { token: 'viewer', lastEventId: viewer.lastId! }).toClose()).status).toBe(404)
  server.startText()
  server.text('secret')
  server.finish()
  await other.toEnd()
  expect(other.ended).toBe(true)
})

test('a stream ends with its token', async () => {
  const server = await startShared()
  const reader = server.read(server.messageId, { token: 'short' })
  await reader.until(() => reader.message !== null)
  await reader.toClose(2_000)
  expect(reader.ended).toBe(false)
})

test('takes a token in the query, for EventSource, and nowhere else', async () => {
  const server = await startShared()
  const { status } = await server.call('GET', `/api/messages/${server.messageId}?token=owner`)
  expect(status).toBe(401)
  const response = await fetch(`${server.url}/api/messages/${server.messageId}/events?token=owner`)
  expect(response.status).toBe(200)
  await response.body!.cancel()
})

test('says no as HTTP does', async () => {
  const server = await start()
  const { messageId } = await server.ask('Hello?')
  expect((await server.read('msg_00000000').toClose()).status).toBe(404)
  expect((await server.read('nonsense').toClose()).status).toBe(404)
  const bad = await server.read(messageId, { mode: 'other' as never }).toClose()
  expect([bad.status, JSON.parse(bad.text).error.code]).toEqual([400, 'bad_request'])
  const head = await server.read(messageId, { method: 'HEAD' }).toClose()
  expect([head.status, head.headers['content-type'], head.bytes]).toEqual([200, 'text/event-stream; charset=utf-8', 0])
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
    const refused = await server.read(messageId, { method }).toClose()
    expect([refused.status, refused.headers.allow]).toEqual([405, 'GET, HEAD'])
  }
  expect(server.runnel.stats().eventStreams).toBe(0)
})

test('an EventSource follows to the end, comes back once, and stops', async () => {
  const server = await start()
  const { messageId } = await server.ask('Hello?')
  const program = `
    const source = new EventSource(${JSON.stringify(`${server.url}/api/messages/${messageId}/events`)})
    const names = []
    // Node does not wait for an EventSource that waits to come back.
    const alive = setInterval(() => {}, 1000)
    for (const name of ['snapshot', 'message', 'block', 'set', 'annotation', 'delta', 'end']) source.addEventListener(name, event => { names.push(name); if (names.length === 1) console.log('began') })
    source.onerror = () => { if (source.readyState === EventSource.CLOSED) { clearInterval(alive); console.log(JSON.stringify(names)) } }`
  const child = spawn(process.execPath, ['--experimental-eventsource', '--no-warnings', '-e', program], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill())
  let output = ''
  child.stdout.on('data', (data: Buffer) => {
    output += data.toString()
  })
  await until(() => output.includes('began'))
  for (const event of richAnswer()) server.give(event)
  await once(child, 'close')
  const names = JSON.parse(output.trim().split('\n').at(-1)!) as string[]
  expect(names[0]).toBe('snapshot')
  expect(names.filter((name) => name === 'end')).toHaveLength(1)
  expect(names.at(-1)).toBe('end')
})
