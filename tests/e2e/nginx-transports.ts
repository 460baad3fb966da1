/** Clients behind an nginx that lets no WebSocket through; before several nodes any request lands on any of them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished } from 'vitest'
import { connect, type ConnectionState } from '../../client/index.ts'
import type { StartedRunnel } from '../../testing/index.ts'
import { startNginx } from '../helpers/nginx.ts'
import { newWorld } from '../many/nodes.ts'
import { until } from '../socket/sockets.ts'

/** Streams an answer to clients for so long, some on streams and some on polls; each says things all the time. */
export async function playBehindNginx(durationMs: number, nodeCount = 3): Promise<void> {
  // No node ends here: on a busy machine a short lease is lost, and with it the run.
  const settings = { RUNNEL_TRUST_PROXY: 'loopback', RUNNEL_TASK_MAX_MS: 3_600_000, RUNNEL_LEASE_MS: 60_000 }
  const world = await newWorld({ settings })
  const nodes: StartedRunnel[] = []
  while (nodes.length < nodeCount) nodes.push(await world.node())
  const urls = nodes.map(({ url }) => url)
  const nginx = await startNginx(nodeCount === 1 ? urls[0]! : urls, 1, { upgrades: false })
  onTestFinished(() => nginx.close())
  const stream = world.fake.manual()
  const { chatId, messageId } = await nodes[0]!.ask('Why?')
  await stream.request

  const clients = Array.from({ length: 8 }, (_, i) => {
    const isPolling = i % 2 === 1
    // A fetch that opens no stream: what is left are polls.
    const fetchPolls: typeof fetch = (input, init) =>
      String(input).includes('transport=stream')
        ? Promise.resolve(new Response('', { status: 502 }))
        : fetch(input, init)
    const client = connect({ url: nginx.url, ...(isPolling && { fetch: fetchPolls }) })
    onTestFinished(() => client.close())
    const states: ConnectionState[] = []
    client.connection.subscribe(() => states.push(client.connection.getSnapshot()))
    const message = client.message(messageId)
    /** Each text would be kept whole: for ten minutes that is gigabytes. */
    const shown = { last: '', grew: true }
    const text = () =>
      message
        .getSnapshot()
        .message?.output.map((block) => (block.type === 'text' ? block.text : ''))
        .join('') ?? ''
    const look = () => {
      const now = text()
      shown.grew &&= now.startsWith(shown.last)
      shown.last = now
    }
    onTestFinished(message.subscribe(look))
    const chat = client.chat(chatId)
    const seen: number[] = []
    onTestFinished(chat.subscribe(() => seen.push(chat.getSnapshot().presence.length)))
    chat.setPresence({ name: `client ${i}` })
    return { client, states, message, shown, text, chat, seen, transport: isPolling ? 'poll' : 'stream' }
  })
  for (const { client, transport } of clients)
    await until(() => client.connection.getSnapshot().status === 'open', transport, 15_000)
  expect(clients.map(({ client }) => client.connection.getSnapshot())).toEqual(
    clients.map(({ transport }) => expect.objectContaining({ status: 'open', transport })),
  )
  await until(() => clients.every(({ seen }) => seen.at(-1) === clients.length - 1), 'everybody', 15_000)
  const before = clients.map(({ states, seen }) => ({ states: states.length, seen: seen.length }))

  let sent = ''
  for (const end = Date.now() + durationMs, began = Date.now(); Date.now() < end;) {
    const words = `At ${Date.now() - began} ms. `
    stream.send(words)
    sent += words
    const { chat } = clients[Math.floor(Math.random() * clients.length)]!
    chat.setPresence({ name: 'somebody', at: Date.now() })
    await sleep(50)
  }
  stream.end()
  await until(() => clients.every(({ text }) => text() === sent), 'all of it', 15_000).catch((error: unknown) => {
    const how = clients.map(({ client, message, text, transport, states }, i) => ({
      transport,
      line: client.connection.getSnapshot(),
      lines: states.slice(before[i]!.states),
      message: message.getSnapshot().status,
      status: message.getSnapshot().message?.status,
      error: message.getSnapshot().message?.error,
      has: text().length,
    }))
    throw new Error(`${sent.length} characters were sent: ${JSON.stringify(how)}`, { cause: error })
  })
  for (const [i, { states, seen, shown, message }] of clients.entries()) {
    // One session from the first to the last: no line was lost, nobody was ever missing.
    expect(states.slice(before[i]!.states)).toEqual([])
    expect(new Set(seen.slice(before[i]!.seen))).toEqual(new Set([clients.length - 1]))
    expect(shown.grew).toBe(true)
    expect(message.getSnapshot().status).toBe('live')
  }
}
