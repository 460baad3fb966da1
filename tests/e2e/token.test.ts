/** A token that ends in the middle of an answer, with the client library over real sockets. */
import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../../client/index.ts'
import { until } from '../socket/sockets.ts'
import { startShortLived } from './short-lived.ts'

/** Every socket that was made, with the bytes that came on it. */
function countingSockets() {
  const sockets: { bytes: number; closed: number | null }[] = []
  const Counting = class extends WebSocket {
    constructor(url: string) {
      super(url)
      const counted: (typeof sockets)[number] = { bytes: 0, closed: null }
      sockets.push(counted)
      this.addEventListener('message', ({ data }) => {
        counted.bytes += typeof data === 'string' ? data.length : (data as ArrayBuffer).byteLength
      })
      this.addEventListener('close', ({ code }) => {
        counted.closed = code
      })
    }
  }
  return { sockets, WebSocket: Counting }
}

const tokenFor = (lifeMs: number) => `ada ${Date.now() + lifeMs}`

async function follow(server: Awaited<ReturnType<typeof startShortLived>>['server'], token: () => string) {
  const { sockets, WebSocket } = countingSockets()
  const client = connect({ url: server.url, token, WebSocket: WebSocket as unknown as typeof globalThis.WebSocket })
  onTestFinished(() => client.close())
  const states: string[] = []
  client.connection.subscribe(() => states.push(client.connection.getSnapshot().status))
  const chat = await client.api.createChat()
  const { messageId } = await client.api.send(chat.id, { content: 'Hello' })
  const message = client.message(messageId)
  const shown: string[] = []
  onTestFinished(message.subscribe(() => shown.push(textOf())))
  const textOf = () =>
    message
      .getSnapshot()
      .message?.output.map((block) => (block.type === 'text' ? block.text : ''))
      .join('') ?? ''
  return { client, sockets, states, shown, textOf }
}

test('renewed in the middle of an answer it loses nothing and shows no gap', async () => {
  const { fake, server } = await startShortLived()
  const stream = fake.manual()
  let asked = 0
  const { sockets, states, shown, textOf } = await follow(server, () => {
    asked += 1
    return tokenFor(1_000)
  })
  await until(() => states.includes('open'), 'the connection')
  const before = asked
  let text = ''
  const end = Date.now() + 2_500
  for (let i = 0; Date.now() < end; i++) {
    stream.send(`word ${i} `)
    text += `word ${i} `
    await until(() => textOf() === text, 'the text')
  }
  stream.end()
  expect(sockets).toHaveLength(1)
  expect(states).toEqual(['open'])
  expect(asked - before).toBeGreaterThanOrEqual(2)
  // Each thing shown continues what was shown before.
  for (const [i, one] of shown.entries()) if (i > 0) expect(one.startsWith(shown[i - 1]!)).toBe(true)
})

test('expired without renewal it ends in 4401, and comes back after sign-in with the missing bytes only', async () => {
  const { fake, server } = await startShortLived()
  const stream = fake.manual()
  const live = tokenFor(1_500)
  let token = live
  const { client, sockets, shown, textOf, states } = await follow(server, () => token)
  const long = 'A long beginning of this answer. '.repeat(2_000)
  stream.send(long)
  await until(() => textOf() === long, 'the beginning')
  expect(sockets[0]!.bytes).toBeGreaterThan(long.length)
  // The old token once more does not help: it gives up, and says why.
  await until(() => client.connection.getSnapshot().status === 'closed', '4401')
  expect(client.connection.getSnapshot()).toMatchObject({
    code: 4401,
    message: 'Sign in again: the token has expired.',
  })
  expect(sockets.map(({ closed }) => closed)).toEqual([4401, 4401])
  const missing = 'And what came meanwhile.'
  stream.send(missing)
  // A person signs in again.
  token = tokenFor(60_000)
  client.connection.retry()
  await until(() => textOf() === long + missing, 'the rest')
  stream.end()
  expect(sockets).toHaveLength(3)
  expect(sockets[2]!.bytes).toBeLessThan(missing.length + 1_000)
  expect(new Set(shown.filter((one) => one !== long && one !== long + missing && !long.startsWith(one)))).toEqual(
    new Set(),
  )
  expect(states.at(-1)).toBe('open')
})

test('with a fresh token at hand 4401 is one step, not the end', async () => {
  const { fake, server } = await startShortLived()
  const stream = fake.manual()
  const first = tokenFor(1_200)
  const { client, sockets, textOf } = await follow(server, () =>
    Date.now() < Number(first.split(' ')[1]) ? first : tokenFor(60_000),
  )
  const long = 'A long beginning of this answer. '.repeat(2_000)
  stream.send(long)
  await until(() => textOf() === long, 'the beginning')
  await until(() => sockets.length === 2 && client.connection.getSnapshot().status === 'open', 'the return')
  stream.send('More.')
  await until(() => textOf() === `${long}More.`, 'more text')
  stream.end()
  expect(sockets.map(({ closed }) => closed)).toEqual([4401, null])
  expect(sockets[1]!.bytes).toBeLessThan(1_500)
})
