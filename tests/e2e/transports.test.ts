/** Where no WebSocket passes: the client library behind what stands between, on real sockets. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { connect, type Client, type ConnectionState } from '../../client/index.ts'
import { startFakeOpenAI, startRunnel } from '../../testing/index.ts'
import { startLine, type Line } from '../../testing/line.ts'
import { until } from '../socket/sockets.ts'
import { startShortLived } from './short-lived.ts'

async function start() {
  const fake = await startFakeOpenAI()
  // A silence is suspected after one and a half heartbeats, on a stream after seven and a half seconds at the latest.
  const server = await startRunnel({ OPENAI_BASE_URL: fake.url, OPENAI_API_KEY: 'key', RUNNEL_HEARTBEAT_MS: 1_000 })
  onTestFinished(async () => {
    await server.close()
    await fake.close()
  })
  return { fake, server }
}

async function startBehind(change: (proxy: Line) => void) {
  const { fake, server } = await start()
  const proxy = await startLine(Number(new URL(server.url).port))
  onTestFinished(() => proxy.close())
  proxy.refusesUpgrades = true
  change(proxy)
  const stream = fake.manual()
  const { chatId, messageId } = await server.ask('Hello')
  await stream.request
  return { server, proxy, stream, chatId, messageId, url: `http://127.0.0.1:${proxy.port}` }
}

function follow(url: string, messageId: string) {
  const client = connect({ url })
  onTestFinished(() => client.close())
  const states: ConnectionState[] = []
  client.connection.subscribe(() => states.push(client.connection.getSnapshot()))
  const shown = watch(client, messageId)
  const text = () => shown.at(-1) ?? ''
  return { client, states, shown, text }
}

/** The texts that a message shows, one after the other. */
function watch(client: Client, messageId: string): string[] {
  const message = client.message(messageId)
  const shown: string[] = []
  const listen = () => {
    const blocks = message.getSnapshot().message?.output ?? []
    shown.push(blocks.map((block) => (block.type === 'text' ? block.text : '')).join(''))
  }
  onTestFinished(message.subscribe(listen))
  return shown
}

/** Nothing that was shown was ever taken back. */
function grew(shown: readonly string[]): boolean {
  return shown.every((text, i) => i === 0 || text.startsWith(shown[i - 1]!))
}

const transportOf = ({ connection }: Client) => {
  const state = connection.getSnapshot()
  return state.status === 'open' ? `${state.transport} ${state.reason}` : state.status
}

test('H11, H12: upgrades refused: a stream; let through again, a WebSocket takes its place without gap or second download', async () => {
  const network = new EventTarget()
  vi.stubGlobal('window', network)
  onTestFinished(() => void vi.unstubAllGlobals())
  const { server, proxy, stream, messageId, url } = await startBehind(() => {})
  const { client, shown, text } = follow(url, messageId)
  const long = 'A long beginning. '.repeat(3_000)
  stream.send(long)
  await until(() => text() === long, 'the beginning')
  await until(() => transportOf(client) === 'stream websocket_blocked', 'the stream', 10_000)
  await until(() => server.runnel.stats().viewers === 1, 'the subscription')
  proxy.refusesUpgrades = false
  const before = proxy.bytes.out
  // The answer goes on all the time.
  let sent = long
  const timer = setInterval(() => {
    stream.send(' more')
    sent += ' more'
  }, 10)
  network.dispatchEvent(new Event('online'))
  await until(() => transportOf(client) === 'websocket preferred', 'the WebSocket')
  await until(() => server.runnel.stats().transports.stream === 0, 'the end of the stream')
  clearInterval(timer)
  await until(() => text() === sent, 'the rest')
  expect(proxy.bytes.out - before).toBeLessThan(long.length / 4)
  expect(server.runnel.stats().transports).toEqual({ websocket: 1, stream: 0, poll: 0 })
  stream.end()
  await until(() => client.message(messageId).getSnapshot().message?.status === 'completed', 'the end')
  expect(grew(shown)).toBe(true)
})

test.each([
  ['from the start', 0, 'poll stream_blocked'],
  ['behind the first 8 kB', 8_192, 'poll stream_held_back'],
])('H11: streams held back %s: polls', { timeout: 30_000 }, async (_name, holdsAfter, transport) => {
  const { stream, messageId, url } = await startBehind((proxy) => {
    proxy.holdsAfter = holdsAfter
  })
  const { client, shown, text } = follow(url, messageId)
  let sent = 'The beginning. '.repeat(10)
  stream.send(sent)
  await until(() => text() === sent, 'the beginning', 10_000)
  for (let i = 0; i < 100; i++) {
    stream.send(`Words ${i} `.repeat(20))
    sent += `Words ${i} `.repeat(20)
  }
  await until(() => text() === sent, 'all of it', 15_000)
  expect(transportOf(client)).toBe(transport)
  stream.send('The end.')
  stream.end()
  await until(() => text() === `${sent}The end.`, 'the end')
  expect(grew(shown)).toBe(true)
})

test('H8: connections that are cut again and again: nothing is lost, nothing sent twice, nobody comes and goes', async () => {
  const { server, proxy, stream, chatId, messageId, url } = await startBehind((proxy) => {
    proxy.cutsAfterMs = 1_000
  })
  const { client, shown, text, states } = follow(url, messageId)
  const chat = client.chat(chatId)
  onTestFinished(chat.subscribe(() => {}))
  chat.setPresence({ name: 'here' })
  const neighbour = connect({ url: server.url })
  onTestFinished(() => neighbour.close())
  const seen: number[] = []
  const watched = neighbour.chat(chatId)
  onTestFinished(watched.subscribe(() => seen.push(watched.getSnapshot().presence.length)))
  await until(() => seen.at(-1) === 1, 'the neighbour')
  const from = seen.length
  let sent = ''
  for (const end = Date.now() + 4_000; Date.now() < end;) {
    sent += 'and on '
    stream.send('and on ')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await until(() => text() === sent, 'all of it')
  expect(states.filter(({ status }) => status === 'waiting').length).toBeGreaterThan(2)
  expect(new Set(seen.slice(from))).toEqual(new Set(seen.length > from ? [1] : []))
  expect(grew(shown)).toBe(true)
  // Each return: head, welcome, subscribed, checkpoint, a difference with its state vector.
  const returns = states.filter(({ status }) => status === 'open').length
  expect(proxy.bytes.out).toBeLessThan(12 * sent.length + returns * 4_000)
})

/** Nothing but streams, or nothing but polls, as if no WebSocket were known. */
function only(transport: 'stream' | 'poll') {
  const asked: string[] = []
  const through: typeof fetch = (input, init) => {
    asked.push(String(input))
    const isHeld = transport === 'poll' && String(input).includes('transport=stream')
    return isHeld ? Promise.resolve(new Response('', { status: 502 })) : fetch(input, init)
  }
  const Refused = class extends EventTarget {
    readyState = 3
    constructor() {
      super()
      queueMicrotask(() => this.dispatchEvent(Object.assign(new Event('close'), { code: 1006, reason: '' })))
    }
    send(): void {}
    close(): void {}
  }
  return { asked, fetch: through, WebSocket: Refused as unknown as typeof WebSocket }
}

test.each(['stream', 'poll'] as const)(
  'W23, H1: a token is renewed in the middle of an answer: %s',
  async (transport) => {
    const { fake, server } = await startShortLived()
    const tokens: string[] = []
    const token = () => {
      tokens.push(`ada ${Date.now() + 1_500}`)
      return tokens.at(-1)!
    }
    const client = connect({ url: server.url, token, ...only(transport) })
    onTestFinished(() => client.close())
    const states: string[] = []
    client.connection.subscribe(() => states.push(transportOf(client)))
    const stream = fake.manual()
    const chat = await client.api.createChat()
    const { messageId } = await client.api.send(chat.id, { content: 'Hello' })
    const shown = watch(client, messageId)
    let sent = ''
    for (const end = Date.now() + 2_500; Date.now() < end;) {
      stream.send('word ')
      sent += 'word '
      await until(() => shown.at(-1) === sent, 'the word')
    }
    stream.end()
    expect(states).toEqual([transport === 'stream' ? 'stream websocket_blocked' : 'poll stream_blocked'])
    expect(grew(shown)).toBe(true)
  },
)

test('H11: a 429 of HTTP says when to come again, and no other transport is tried before', async () => {
  const server = await startRunnel({ RUNNEL_MAX_SOCKETS_PER_USER: 1 })
  onTestFinished(() => server.close())
  const first = connect({ url: server.url, start: 'now', ...only('stream') })
  await until(() => transportOf(first) === 'stream websocket_blocked', 'the first')
  const { asked, ...ways } = only('stream')
  const second = connect({ url: server.url, start: 'now', ...ways })
  onTestFinished(() => second.close())
  await until(() => second.connection.getSnapshot().status === 'waiting', 'the refusal')
  const state = second.connection.getSnapshot()
  expect(state.status === 'waiting' && state.retryAt - Date.now()).toBeGreaterThan(900)
  expect(asked.map((url) => /transport=\w+/.exec(url)?.[0])).toEqual(['transport=stream'])
  await first.close()
  await until(() => transportOf(second) === 'stream websocket_blocked', 'its turn')
})

test('H12: a hidden tab leaves its stream for polls, and has it again when somebody looks', async () => {
  const page = Object.assign(new EventTarget(), { visibilityState: 'visible' })
  vi.stubGlobal('document', page)
  onTestFinished(() => void vi.unstubAllGlobals())
  const { stream, messageId, url, server } = await startBehind(() => {})
  const { client, shown, text } = follow(url, messageId)
  stream.send('The beginning. ')
  await until(() => text() === 'The beginning. ', 'the beginning')
  const show = (visibilityState: string) => {
    page.visibilityState = visibilityState
    page.dispatchEvent(new Event('visibilitychange'))
  }
  show('hidden')
  await until(() => transportOf(client) === 'poll hidden', 'polls')
  await until(() => server.runnel.stats().transports.stream === 0, 'the end of the stream', 8_000)
  stream.send('Unseen. ')
  await new Promise((resolve) => setTimeout(resolve, 500))
  show('visible')
  await until(() => text() === 'The beginning. Unseen. ', 'what was not seen')
  await until(() => transportOf(client) === 'stream websocket_blocked', 'the stream')
  await until(() => server.runnel.stats().transports.poll === 0, 'the end of the polls', 8_000)
  stream.send('The end.')
  stream.end()
  await until(() => text() === 'The beginning. Unseen. The end.', 'the end')
  expect(grew(shown)).toBe(true)
})
