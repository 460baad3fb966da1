/** P5, over the whole road: HTTP in, a fake provider over HTTP, viewers on `/ws`. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Chat, Message } from '../../shared/schema.ts'
import type { Provider } from '../../server/provider/events.ts'
import {
  answer,
  Collector,
  rateLimited,
  startFakeOpenAI,
  startRunnel,
  type FakeOpenAI,
  type ReceivedRequest,
  type StartedRunnel,
} from '../../testing/index.ts'
import { watchLoopLag } from './loop-lag.ts'
import { saysHello } from '../helpers/says-hello.ts'

/** P5: what a stop may take until the provider sees its request aborted. */
const stopMs = 100
/** What is told over polls may wait for the next answer. */
const restMs = Number(process.env.RUNNEL_TEST_REST_MS ?? 0)

let fake: FakeOpenAI
let server: StartedRunnel
let viewers: Collector[]

beforeEach(async () => {
  fake = await startFakeOpenAI(saysHello)
  viewers = []
})
afterEach(async () => {
  await Promise.all(viewers.map((viewer) => viewer.close()))
  await server.close()
  await fake.close()
})

async function start(settings: Parameters<typeof startRunnel>[0] = {}): Promise<void> {
  server = await startRunnel({ OPENAI_BASE_URL: fake.url, OPENAI_API_KEY: 'key', ...settings })
}

function view(): Collector {
  const viewer = new Collector(server.url)
  viewers.push(viewer)
  return viewer
}

type Ids = Awaited<ReturnType<StartedRunnel['ask']>>

async function readMessage(ids: Ids): Promise<Message> {
  return (await server.call('GET', `/api/messages/${ids.messageId}`)).body
}

/** Stops, and measures until the provider sees its request end. */
async function stopInTime(
  request: ReceivedRequest,
  stop: () => Promise<{ status: number; body: any }>,
): Promise<{ status: number; body: any }> {
  const lag = watchLoopLag()
  const at = performance.now()
  const [answered, hungUpAt] = await Promise.all([stop(), request.hungUp])
  expect(hungUpAt - at - lag.stop()).toBeLessThan(stopMs)
  return answered
}

const byMessage = (ids: Ids, body?: object) => () => server.call('POST', `/api/messages/${ids.messageId}/stop`, body)
const byTask = (ids: Ids) => () => server.call('POST', `/api/tasks/${ids.taskId}/stop`)

/** Status and text are the same for everybody: viewers, HTTP, history, the chat's document. Returns the message. */
async function expectStopped(ids: Ids, text: string): Promise<Message> {
  const json = await readMessage(ids)
  expect(json).toMatchObject({ status: 'stopped', taskId: ids.taskId, endedAt: expect.any(Number) })
  expect(json.error).toBeUndefined()
  expect(textOf(json)).toBe(text)
  for (const viewer of viewers) {
    const seen = await viewer.toEnd(ids.messageId, { compared: true })
    expect(seen.json).toEqual(json)
    expect(seen.checkpoints.at(-1)).toMatchObject({ matches: true, final: true })
  }
  const late = view()
  const [seen, chat] = await late.follow(ids.messageId, ids.chatId)
  await late.until(() => seen!.updates > 0, 'the state for one who comes late')
  expect(seen!.json).toEqual(json)
  await late.until(() => (chat!.json as Chat).messages[ids.messageId]?.status === 'stopped', 'the chat says stopped')
  const history = await server.call('GET', `/api/chats/${ids.chatId}/messages`)
  expect(history.body.items.at(-1)).toEqual(json)
  expect((await server.call('GET', '/api/tasks')).body.items).toEqual([])
  return json
}

function textOf(message: Message): string {
  return message.output.map((block) => (block.type === 'text' ? block.text : '')).join('')
}

test('before the provider answers at all', async () => {
  await start()
  fake.enqueue({ kind: 'silent' })
  const ids = await server.ask('Hello')
  const request = await fake.received(1)
  const { status, body } = await stopInTime(request, byMessage(ids))
  expect({ status, body }).toEqual({
    status: 200,
    body: { taskId: ids.taskId, messageId: ids.messageId, chatId: ids.chatId, status: 'stopped' },
  })
  expect((await expectStopped(ids, '')).output).toEqual([])
})

test('before the first token', async () => {
  await start()
  const stream = fake.manual()
  const ids = await server.ask('Hello')
  const request = await stream.request
  expect((await stopInTime(request, byMessage(ids))).status).toBe(200)
  await expectStopped(ids, '')
})

test('mid-stream, by a second client; what is open ends incomplete or cancelled', async () => {
  await start()
  const stream = fake.manual()
  const ids = await server.ask('Hello')
  const [first, second] = [view(), view()]
  const [seen] = await first.follow(ids.messageId)
  await second.follow(ids.messageId)
  const request = await stream.request
  stream.reasoning('Hm.')
  stream.send('One two')
  stream.toolCall('call_1', 'search', '{"query": "half')
  await first.until(
    () => seen!.message.output.some((block) => block.type === 'tool_call' && block.arguments !== ''),
    'the call',
  )
  await stopInTime(request, byMessage(ids, { taskId: ids.taskId }))
  stream.send('late')
  const message = await expectStopped(ids, 'One two')
  expect(message.output.map(({ type, status }) => [type, status])).toEqual([
    ['reasoning', expect.stringMatching(/completed|incomplete/)],
    ['text', expect.stringMatching(/completed|incomplete/)],
    ['tool_call', 'cancelled'],
  ])
})

test('by its task, twice at once and again after the end: always confirmed, ended once', async () => {
  await start()
  const stream = fake.manual()
  const ids = await server.ask('Hello')
  const [seen] = await view().follow(ids.messageId)
  const request = await stream.request
  stream.send('Some')
  await viewers[0]!.until(() => seen!.text === 'Some', 'the text')
  const answers = await Promise.all([stopInTime(request, byTask(ids)), byTask(ids)(), byMessage(ids)()])
  const { endedAt } = await expectStopped(ids, 'Some')
  answers.push(await byTask(ids)(), await byMessage(ids, { taskId: ids.taskId })())
  for (const { status, body } of answers) {
    expect({ status, body }).toEqual({
      status: 200,
      body: { taskId: ids.taskId, messageId: ids.messageId, chatId: ids.chatId, status: 'stopped' },
    })
  }
  expect((await readMessage(ids)).endedAt).toBe(endedAt)
})

test('after its end an answer stays completed', async () => {
  await start()
  const ids = await server.ask('Hello')
  const seen = await view().toEnd(ids.messageId)
  for (const stop of [byMessage(ids), byMessage(ids, { taskId: ids.taskId }), byTask(ids)]) {
    expect(await stop()).toEqual({
      status: 200,
      body: { taskId: ids.taskId, messageId: ids.messageId, chatId: ids.chatId, status: 'completed' },
    })
  }
  expect(await readMessage(ids)).toEqual(seen.json)
})

test('with the taskId of another run: 409 not_current, and the run goes on', async () => {
  await start()
  const old = await server.ask('Hello')
  await view().toEnd(old.messageId)
  const stream = fake.manual()
  const ids = await server.ask('Again', { chatId: old.chatId })
  await stream.request
  const { status, body } = await byMessage(ids, { taskId: old.taskId })()
  expect(status).toBe(409)
  expect(body.error).toMatchObject({ code: 'not_current', details: { taskId: ids.taskId } })
  stream.send('Went on.')
  stream.end()
  expect((await view().toEnd(ids.messageId)).message).toMatchObject({ status: 'completed' })
  expect(textOf(await readMessage(ids))).toBe('Went on.')
})

test('while queued: it never reaches the provider, and the run before it goes on', async () => {
  await start({ RUNNEL_MAX_TASKS: 1 })
  const stream = fake.manual()
  const running = await server.ask('First')
  const request = await stream.request
  const queued = await server.ask('Second')
  const [seen] = await view().follow(queued.messageId)
  await viewers[0]!.until(() => seen!.message.status === 'queued', 'queued')
  expect((await byMessage(queued)()).body.status).toBe('stopped')
  expect((await viewers[0]!.toEnd(queued.messageId)).message).toMatchObject({ status: 'stopped', output: [] })
  stream.send('First.')
  stream.end()
  expect(textOf((await view().toEnd(running.messageId)).message)).toBe('First.')
  const third = await server.ask('Third')
  await view().toEnd(third.messageId)
  expect(fake.requests.map(({ body }) => body.messages?.at(-1)?.content)).toEqual(['First', 'Third'])
  expect(request.hungUpAt).toBeUndefined()
})

test('while it sleeps between two attempts: the next is never made', async () => {
  await start()
  const retryAfterMs = 400
  fake.enqueue(rateLimited(retryAfterMs))
  const ids = await server.ask('Hello')
  await fake.received(1)
  const [seen] = await view().follow(ids.messageId)
  await viewers[0]!.until(() => seen!.message.status === 'streaming', 'streaming')
  const lag = watchLoopLag()
  const at = performance.now()
  expect((await byMessage(ids)()).body.status).toBe('stopped')
  await viewers[0]!.toEnd(ids.messageId)
  expect(performance.now() - at - lag.stop()).toBeLessThan(stopMs + restMs)
  // Nothing can be waited for: it is a request that must not come.
  await sleep(retryAfterMs + 300)
  expect(fake.requests).toHaveLength(1)
  await expectStopped(ids, '')
})

describe('what comes late never appears', () => {
  test('from a provider that goes on sending', async () => {
    await start()
    let go = (): void => {}
    const gate = new Promise<void>((resolve) => {
      go = resolve
    })
    let sentLate = (): void => {}
    const late = new Promise<void>((resolve) => {
      sentLate = resolve
    })
    async function* steps() {
      yield { type: 'text' as const, text: 'Before.' }
      await gate
      yield { type: 'text' as const, text: 'LATE' }
      yield { type: 'finish' as const }
      sentLate()
    }
    fake.enqueue({ kind: 'answer', steps: steps(), ignoresHangUp: true })
    const ids = await server.ask('Hello')
    const [seen] = await view().follow(ids.messageId)
    await viewers[0]!.until(() => seen!.text === 'Before.', 'the text')
    await stopInTime(fake.requests[0]!, byMessage(ids))
    go()
    await late
    await expectStopped(ids, 'Before.')
  })

  test.each(['ignores its signal', 'answers its signal with more'])(
    "from a provider of one's own that %s",
    async (how) => {
      let go = (): void => {}
      const gate = new Promise<void>((resolve) => {
        go = resolve
      })
      let left = (): void => {}
      const ended = new Promise<void>((resolve) => {
        left = resolve
      })
      const provider: Provider = async function* (_request, signal) {
        if (how !== 'ignores its signal') signal.addEventListener('abort', () => go())
        try {
          yield { type: 'block_start', key: 'a', block: { type: 'text', status: 'in_progress' } }
          yield { type: 'delta', key: 'a', field: 'text', text: 'Before.' }
          await gate
          yield { type: 'delta', key: 'a', field: 'text', text: 'LATE' }
          yield { type: 'block_end', key: 'a', status: 'completed' }
          yield { type: 'finish', reason: 'stop' }
        } finally {
          left()
        }
      }
      await start({ provider })
      const ids = await server.ask('Hello')
      const [seen] = await view().follow(ids.messageId)
      await viewers[0]!.until(() => seen!.text === 'Before.', 'the text')
      expect((await byMessage(ids)()).body.status).toBe('stopped')
      await viewers[0]!.toEnd(ids.messageId)
      go()
      await ended
      const message = await expectStopped(ids, 'Before.')
      expect(message.output[0]!.status).toBe('incomplete')
    },
  )

  test('text that had come and waited for the tick is kept', async () => {
    await start({ RUNNEL_FLUSH_MS: 250 })
    const stream = fake.manual()
    const ids = await server.ask('Hello')
    const [seen] = await view().follow(ids.messageId)
    const request = await stream.request
    stream.send('One')
    await viewers[0]!.until(() => seen!.text === 'One', 'the first text')
    stream.send(' two')
    stream.send(' three')
    await stopInTime(request, byMessage(ids))
    await viewers[0]!.toEnd(ids.messageId)
    expect(['One', 'One two', 'One two three']).toContain(seen!.text)
    await expectStopped(ids, seen!.text)
  })
})

test('a stopped chat takes the next question at once', async () => {
  await start()
  fake.enqueue({ kind: 'silent' }, answer({ text: 'Second.' }))
  const ids = await server.ask('First')
  await fake.received(1)
  await byMessage(ids)()
  const next = await server.ask('Second', { chatId: ids.chatId })
  expect(textOf((await view().toEnd(next.messageId)).message)).toBe('Second.')
})
