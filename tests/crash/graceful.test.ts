/** The end by signal, on a real process: runs end or are interrupted, everything is saved, viewers come back by themselves. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { backoffCapMs } from '../../client/backoff.ts'
import { connect, isTerminal, type Message } from '../../client/index.ts'
import { startFakeOpenAI, type FakeOpenAI } from '../../testing/index.ts'
import { Client, until } from '../socket/sockets.ts'

const main = fileURLToPath(new URL('../../server/main.ts', import.meta.url))

interface Served {
  url: string
  signal: (signal: NodeJS.Signals) => void
  /** Exit code. */
  exited: Promise<number | null>
  call: (method: string, path: string, body?: object) => Promise<{ status: number; headers: Headers; body: any }>
}

/** A provider, a folder for the file, and the server as a program, on the same port each time. */
async function prepare(settings: Record<string, string> = {}) {
  const fake = await startFakeOpenAI()
  const folder = await mkdtemp(join(tmpdir(), 'runnel-'))
  const children: ReturnType<typeof spawn>[] = []
  onTestFinished(async () => {
    for (const child of children) child.kill('SIGKILL')
    await fake.close()
    await rm(folder, { recursive: true, force: true })
  })
  let port = '0'
  const serve = async (): Promise<Served> => {
    const child = spawn(process.execPath, [main], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...process.env,
        HOST: '127.0.0.1',
        PORT: port,
        DATABASE_URL: `sqlite:${join(folder, 'runnel.db')}`,
        OPENAI_BASE_URL: fake.url,
        OPENAI_API_KEY: 'key',
        LOG_LEVEL: 'error',
        ...settings,
      },
    })
    children.push(child)
    const exited = once(child, 'exit').then(([code]) => code as number | null)
    const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string]
    const url = line.replace('Runnel listens on ', '')
    port = new URL(url).port
    const call: Served['call'] = async (method, path, body) => {
      const response = await fetch(url + path, {
        method,
        headers: { 'content-type': 'application/json', connection: 'close' },
        ...(body && { body: JSON.stringify(body) }),
      })
      return { status: response.status, headers: response.headers, body: await response.json() }
    }
    return { url, signal: (signal) => void child.kill(signal), exited, call }
  }
  return { fake, serve }
}

async function ask({ call }: Served): Promise<{ chatId: string; messageId: string }> {
  const {
    body: { id },
  } = await call('POST', '/api/chats', {})
  return (await call('POST', `/api/chats/${id}/messages`, { content: 'Hello' })).body
}

function follow(url: string, messageId: string, WebSocket?: typeof globalThis.WebSocket) {
  const client = connect({ url, WebSocket })
  onTestFinished(() => client.close())
  const live = client.message(messageId)
  onTestFinished(live.subscribe(() => {}))
  const message = () => live.getSnapshot().message
  return {
    client,
    live,
    message,
    text: () =>
      message()
        ?.output.map((block) => ('text' in block ? block.text : ''))
        .join('') ?? '',
  }
}

/** A first server with an answer that has said this much, and a client that shows it. */
async function answerShown(text: string, settings?: Record<string, string>, WebSocket?: typeof globalThis.WebSocket) {
  const { fake, serve } = await prepare(settings)
  const stream = fake.manual()
  const first = await serve()
  const ids = await ask(first)
  stream.send(text)
  const viewer = follow(first.url, ids.messageId, WebSocket)
  await until(() => viewer.text() === text, 'the text')
  return { serve, stream, first, ids, viewer }
}

async function waitFor(condition: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await condition())) if (Date.now() > deadline) throw new Error(`${what} did not come`)
}

test('SIGTERM lets what runs end, takes nothing new, and viewers are back after the restart', async () => {
  const { serve, stream, first, ids, viewer } = await answerShown('Before. ')
  first.signal('SIGTERM')
  await waitFor(async () => (await first.call('GET', '/readyz')).status === 503, 'not ready')
  const refused = await first.call('POST', `/api/chats/${ids.chatId}/messages`, { content: 'More', parentId: null })
  expect([refused.status, refused.headers.get('retry-after'), refused.body.error.code]).toEqual([
    503,
    '1',
    'restarting',
  ])
  stream.send('After.')
  await until(() => viewer.text() === 'Before. After.', 'the rest')
  stream.end()
  expect(await first.exited).toBe(0)
  expect(viewer.message()?.status).toBe('completed')
  expect(viewer.client.connection.getSnapshot().status).not.toBe('closed')
  const second = await serve()
  await until(() => viewer.client.connection.getSnapshot().status === 'open', 'the return', backoffCapMs)
  expect((await second.call('GET', `/api/messages/${ids.messageId}`)).body).toEqual(viewer.message())
  second.signal('SIGTERM')
  expect(await second.exited).toBe(0)
}, 45_000)

test('SIGTERM closes every socket with 1012, and a client is back by itself after the restart on the same port', async () => {
  const codes: number[] = []
  const Noting = class extends globalThis.WebSocket {
    constructor(url: string) {
      super(url)
      this.addEventListener('close', ({ code }) => codes.push(code))
    }
  }
  const { serve, first, ids, viewer } = await answerShown(
    'Shown.',
    { RUNNEL_DRAIN_MS: '100' },
    Noting as typeof globalThis.WebSocket,
  )
  const plain = new Client(`${first.url.replace('http', 'ws')}/ws`)
  const stock = new Client(`${first.url.replace('http', 'ws')}/yjs/${ids.messageId}`)
  await stock.send(Uint8Array.of(0, 0, 1, 0))
  await plain.send('{"type":"hello","v":1}')
  await until(() => plain.frames.length > 0 && stock.frames.length > 0, 'the frames')
  const states: string[] = []
  onTestFinished(viewer.client.connection.subscribe(() => states.push(viewer.client.connection.getSnapshot().status)))
  first.signal('SIGTERM')
  expect(await first.exited).toBe(0)
  expect([(await plain.close()).code, (await stock.close()).code]).toEqual([1012, 1012])
  await until(() => codes.length > 0, 'the close of the client')
  // It tries to come back while the server is still going.
  expect(codes[0]).toBe(1012)
  const second = await serve()
  expect(second.url).toBe(first.url)
  await until(() => states.at(-1) === 'open', 'the return', backoffCapMs)
  await until(
    () => viewer.message()?.status === 'interrupted' && viewer.live.getSnapshot().status === 'live',
    'the end',
  )
  expect(viewer.text()).toBe('Shown.')
  expect(states[0]).toBe('waiting')
  await viewer.client.close()
  second.signal('SIGTERM')
  expect(await second.exited).toBe(0)
}, 45_000)

test('a second signal ends at once; nothing that was shown is lost', async () => {
  const { serve, first, viewer } = await answerShown('Shown.', { RUNNEL_DRAIN_MS: '60000' })
  first.signal('SIGTERM')
  await waitFor(async () => (await first.call('GET', '/readyz')).status === 503, 'not ready')
  first.signal('SIGTERM')
  expect(await first.exited).toBe(130)
  const second = await serve()
  await until(() => viewer.message()?.status === 'interrupted', 'the end')
  expect(viewer.text()).toBe('Shown.')
  second.signal('SIGTERM')
  await second.exited
}, 30_000)

/** Talks into every answer until told to stop. */
function talk(fake: FakeOpenAI, count: number): () => void {
  const streams = Array.from({ length: count }, () => fake.manual())
  let word = 0
  const timer = setInterval(() => {
    for (const stream of streams) stream.send(`word ${++word} `)
  }, 5)
  return () => clearInterval(timer)
}

test('SIGTERM under load with 40 viewers: every run has an end, and every viewer has it after the restart', async () => {
  const { fake, serve } = await prepare({ RUNNEL_DRAIN_MS: '300', RUNNEL_MAX_TASKS_PER_USER: '20' })
  const stopTalking = talk(fake, 10)
  onTestFinished(stopTalking)
  const first = await serve()
  const ids = await Promise.all(Array.from({ length: 10 }, () => ask(first)))
  const viewers = Array.from({ length: 40 }, (_, i) => follow(first.url, ids[i % 10]!.messageId))
  await until(() => viewers.every(({ text }) => text().length > 100), 'all texts', 10_000)
  const shown = viewers.map(({ text }) => text())
  first.signal('SIGTERM')
  expect(await first.exited).toBe(0)
  stopTalking()
  const second = await serve()
  await until(
    () =>
      viewers.every(
        ({ client, message }) => client.connection.getSnapshot().status === 'open' && isTerminal(message()!.status),
      ),
    'all viewers',
    15_000,
  )
  const truth = new Map<string, Message>()
  for (const { messageId } of ids) truth.set(messageId, (await second.call('GET', `/api/messages/${messageId}`)).body)
  for (const message of truth.values())
    expect(message).toMatchObject({ status: 'interrupted', error: { code: 'interrupted', retryable: true } })
  for (const [i, { message, text }] of viewers.entries()) {
    expect(message()).toEqual(truth.get(ids[i % 10]!.messageId))
    expect(text().startsWith(shown[i]!)).toBe(true)
  }
  await Promise.all(viewers.map(({ client }) => client.close()))
  second.signal('SIGTERM')
  expect(await second.exited).toBe(0)
}, 60_000)
