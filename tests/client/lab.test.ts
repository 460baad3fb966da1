/** A line that is made a bad one, in front of a real server: what each fault looks like, and that nothing is lost by it. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { connect, type Client, type Message } from '../../client/index.ts'
import { Lab } from '../../client/lab/index.ts'
import { altered } from '../../client/lab/altered.ts'
import { startFakeOpenAI, startRunnel, type FakeOpenAI, type StartedRunnel } from '../../testing/index.ts'

let fake: FakeOpenAI
let server: StartedRunnel
beforeAll(async () => {
  fake = await startFakeOpenAI()
  server = await startRunnel({ OPENAI_API_KEY: 'key', OPENAI_BASE_URL: fake.url })
})
afterAll(async () => {
  await server.close()
  await fake.close()
})

/** A client on a line of the lab that follows an answer which has begun. */
async function following() {
  const lab = new Lab()
  const client = connect({ url: server.url, WebSocket: lab.WebSocket, fetch: lab.fetch })
  onTestFinished(() => client.close())
  const stream = fake.manual()
  const { id } = await client.api.createChat()
  const { messageId } = await client.api.send(id, { content: 'Why are there tides?' })
  const message = client.message(messageId)
  onTestFinished(message.subscribe(() => {}))
  const text = () => {
    const block = message.getSnapshot().message?.output[0]
    return block?.type === 'text' ? block.text : ''
  }
  const shows = (words: string) => expect.poll(text, { timeout: 12_000, interval: 10 }).toBe(words)
  stream.send('The moon pulls ')
  await shows('The moon pulls ')
  await isOn(client, 'websocket')
  return { lab, client, stream, message, shows, text }
}

const isOn = (client: Client, transport: string) =>
  expect
    .poll(() => client.connection.getSnapshot(), { timeout: 12_000, interval: 10 })
    .toMatchObject({ status: 'open', transport })

async function ends(
  { stream, shows, message }: Awaited<ReturnType<typeof following>>,
  words: string,
): Promise<Message> {
  stream.send('the sea.')
  stream.end()
  await shows(words)
  return (await message.until((snapshot) => snapshot.message?.status === 'completed')).message!
}

test('a line that is cut comes back, and misses nothing', async () => {
  const it = await following()
  it.lab.cut()
  expect(it.client.connection.getSnapshot().status).not.toBe('open')
  it.stream.send('and pulls ')
  await ends(it, 'The moon pulls and pulls the sea.')
})

test('offline for a moment: nothing can be reached, then all is there', async () => {
  const it = await following()
  const back = it.lab.offline(300)
  await expect(it.client.api.listModels()).rejects.toMatchObject({ code: 'internal' })
  it.stream.send('and pulls ')
  expect(it.text()).toBe('The moon pulls ')
  await back
  await ends(it, 'The moon pulls and pulls the sea.')
})

test('what is read slowly comes late, and whole', async () => {
  const it = await following()
  const isOver = it.lab.readSlowly(50, 1_000)
  it.stream.send('and pulls ')
  it.stream.send('and pulls ')
  await isOver
  await ends(it, 'The moon pulls and pulls and pulls the sea.')
})

test('a damaged copy is found by its digest, and mended', async () => {
  const it = await following()
  await damaged(it)
  await ends(it, 'The moon pulls and pulls and pulls the sea.')
})

async function damaged({ lab, stream, text }: Awaited<ReturnType<typeof following>>) {
  lab.corrupt()
  stream.send('and pulls and pulls ')
  await expect.poll(() => text().includes('x'), { timeout: 10_000, interval: 5 }).toBe(true)
}

test('all that goes over the line is told, with its size', async () => {
  const it = await following()
  let bytes = 0
  const types: string[] = []
  onTestFinished(
    it.lab.watch((seen) => {
      if (seen.way === 'in') bytes += seen.bytes
      if (seen.text !== undefined) types.push((JSON.parse(seen.text) as { type: string }).type)
    }),
  )
  await ends(it, 'The moon pulls the sea.')
  await expect.poll(() => types).toContain('checkpoint')
  expect(bytes).toBeGreaterThan(20)
  expect(bytes).toBeLessThan(2_000)
})

test('what is altered is as long as it was', () => {
  const bytes = new TextEncoder().encode('{"a":1} some words here')
  const changed = altered(bytes)!
  expect(changed).toHaveLength(bytes.length)
  expect([...changed].filter((byte, index) => byte !== bytes[index])).toHaveLength(1)
  expect(altered(new TextEncoder().encode('{"type":"checkpoint"}'))).toBeNull()
})

// The last one: what worked here is where the next client would begin.
test('each transport can be taken away; over HTTP the copy is damaged and mended as well', async () => {
  const it = await following()
  it.lab.only('stream')
  await isOn(it.client, 'stream')
  await damaged(it)
  it.lab.only('poll')
  await isOn(it.client, 'poll')
  await ends(it, 'The moon pulls and pulls and pulls the sea.')
}, 40_000)
