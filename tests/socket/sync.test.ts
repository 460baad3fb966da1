/** `/api/sync`: the rules H1 … of the protocol, on a real server, from the wire alone. */
import { expect, onTestFinished, test } from 'vitest'
import { Collector, startFakeOpenAI, startRunnel, type StartedRunnel } from '../../testing/index.ts'
import { socketOf } from '../helpers/http-socket.ts'

async function start(settings: Parameters<typeof startRunnel>[0] = {}) {
  const fake = await startFakeOpenAI()
  const server = await startRunnel({ OPENAI_BASE_URL: fake.url, OPENAI_API_KEY: 'key', ...settings })
  onTestFinished(async () => {
    await server.close()
    await fake.close()
  })
  return { fake, server }
}

export function view(server: StartedRunnel, transport: 'stream' | 'poll'): Collector {
  const viewer = new Collector(server.url, { WebSocket: socketOf(transport) })
  onTestFinished(() => viewer.close())
  return viewer
}

test.each(['stream', 'poll'] as const)('an answer is followed as it grows: %s', async (transport) => {
  const { fake, server } = await start()
  const stream = fake.manual()
  const { messageId } = await server.ask('Hello')
  await stream.request
  const viewer = view(server, transport)
  const [seen] = await viewer.follow(messageId)
  stream.send('The moon')
  await viewer.until(() => seen!.text === 'The moon', 'the words')
  expect(server.runnel.stats().transports).toEqual({ websocket: 0, stream: 0, poll: 0, [transport]: 1 })
  stream.send(' pulls.')
  stream.end()
  await viewer.until(() => seen!.ended, 'the end')
  expect(seen!.text).toBe('The moon pulls.')
  expect(seen!.checkpoints.every(({ matches }) => matches)).toBe(true)
  await viewer.close()
  await expect.poll(() => server.runnel.stats().connections).toBe(0)
})
