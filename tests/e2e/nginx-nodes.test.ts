/** The example for several nodes, run by Debian's nginx before three real ones: whoever answers, it is one answer. */
import { readFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { settings } from '../../server/config/config.ts'
import { SseReader, type Collector } from '../../testing/index.ts'
import { nodesExample, startNginx } from '../helpers/nginx.ts'
import { newWorld, usePostgres, view } from '../many/nodes.ts'
import { playBehindNginx } from './nginx-transports.ts'

usePostgres()

/** Three nodes, and an answer of one of them that was asked for through nginx and has not begun. */
async function answerBehindNginx() {
  const world = await newWorld({ settings: { RUNNEL_TRUST_PROXY: 'loopback' } })
  const nodes = [await world.node(), await world.node(), await world.node()]
  const nginx = await startNginx(
    nodes.map(({ url }) => url),
    1,
  )
  onTestFinished(() => nginx.close())
  const call = async (method: string, path: string, body?: object) => {
    const response = await fetch(nginx.url + path, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
    return (await response.json()) as any
  }
  const chat = await call('POST', '/api/chats', {})
  const stream = world.fake.manual()
  const { messageId } = await call('POST', `/api/chats/${chat.id}/messages`, { content: 'Why?' })
  await stream.request
  return { nodes, nginx, call, stream, messageId }
}

test('viewers of one answer sit on all nodes, and a stop through any of them ends it for all', async () => {
  const { nodes, nginx, call, stream, messageId } = await answerBehindNginx()
  const viewers = Array.from({ length: 9 }, () => view(nginx))
  const copies = await Promise.all(viewers.map(async (viewer) => (await viewer.follow(messageId))[0]!))
  const reader = new SseReader(nginx.url, messageId)
  onTestFinished(() => reader.close())
  stream.send('The moon')
  await Promise.all(viewers.map((viewer, i) => viewer.until(() => copies[i]!.text === 'The moon', 'the words')))
  // `least_conn` spreads what stays open.
  for (const { runnel } of nodes) expect(runnel.stats().connections).toBeGreaterThanOrEqual(2)
  expect((await call('POST', `/api/messages/${messageId}/stop`, {})).status).toBe('stopped')
  await Promise.all(viewers.map((viewer, i) => viewer.until(() => copies[i]!.ended, 'the end')))
  for (const copy of copies) expect(copy.message).toEqual(copies[0]!.message)
  await expect.poll(() => reader.message).toEqual(copies[0]!.message)
})

test('a node that ends takes its viewers to the others, and no request with it', async () => {
  const { nodes, nginx, call, stream, messageId } = await answerBehindNginx()
  const owner = nodes.find(({ runnel }) => runnel.stats().runs.streaming > 0)!
  stream.send('The moon')
  const gone = nodes.find((node) => node !== owner)!
  let viewer: Collector
  do viewer = view(nginx)
  while (
    await viewer.follow(messageId).then(async ([copy]) => {
      await viewer.until(() => copy!.text === 'The moon', 'the words')
      return gone.runnel.stats().viewers === 0
    })
  )
  await gone.close()
  await viewer.until(() => viewer.closed !== null, 'the close')
  expect(viewer.closed!.code).toBe(1012)
  const again = view(nginx)
  again.adopt(viewer.documents.get(messageId)!)
  const [copy] = await again.follow(messageId)
  stream.send(' pulls.')
  await again.until(() => copy!.text === 'The moon pulls.', 'the rest')
  for (let i = 0; i < 9; i++) expect((await call('GET', `/api/messages/${messageId}`)).id).toBe(messageId)
  stream.end()
  await again.until(() => copy!.ended, 'the end')
})

test(
  'without its lines for upgrades streams and polls pass, what is said lands on any node, and nobody comes and goes',
  {
    timeout: 60_000,
  },
  async () => {
    await playBehindNginx(4_000)
  },
)

test('compose.yaml names its nodes as nginx does, and sets only what there is', () => {
  const compose = readFileSync(new URL('../../deploy/compose.yaml', import.meta.url), 'utf8')
  const upstreams = [...nodesExample.matchAll(/server (node\d):8787/g)].map(([, name]) => name!)
  expect(upstreams).toEqual([...compose.matchAll(/^ {2}(node\d): \*node$/gm)].map(([, name]) => name!))
  const environment = /^ {2}environment:\n((?: {4}.*\n)+)/m.exec(compose)![1]!
  const named = [...environment.matchAll(/^ {4}([A-Z_]+):/gm)].map(([, name]) => name!)
  expect(named.length).toBeGreaterThan(5)
  for (const name of named) expect(Object.keys(settings)).toContain(name)
})
