/** Viewers that go from node to node: the same truth everywhere, and nothing is paid twice (P2, P3). */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import * as Y from 'yjs'
import { digestOf } from '../../../shared/digest.ts'
import { encodeControl, encodeStock } from '../../../shared/protocol.ts'
import type { Message } from '../../../shared/schema.ts'
import { answer, Collected } from '../../../testing/index.ts'
import { Random } from '../../fuzz/random.ts'
import { startLine } from '../../../testing/line.ts'
import { balance } from '../../many/balancer.ts'
import { Hopper } from '../../many/hopper.ts'
import { newWorld, usePostgres, view } from '../../many/nodes.ts'

usePostgres()

const seed = Number(process.env['RUNNEL_SEED'] ?? 20_261)
const textOf = ({ output }: Message) => output.map((block) => ('text' in block ? block.text : '')).join('')

test(
  `thirty messages, three nodes, 300 viewers that change nodes all the time (seed ${seed})`,
  { timeout: 60_000 },
  async () => {
    const random = new Random(seed)
    const chunks = 150
    const text = (i: number) => Array.from({ length: chunks }, (_, j) => `m${i} t${j}${j % 9 === 0 ? '\n🌊 ' : ' '}`)
    const world = await newWorld({
      settings: { RUNNEL_MAX_TASKS_PER_USER: 100 },
      fake: {
        fallback: (request) =>
          answer({
            text: text(
              Number(/\d+/.exec(JSON.stringify(request.body.messages?.at(-1) ?? request.body.input?.at(-1)))![0]),
            ),
            intervalMs: 50,
          }),
      },
    })
    const nodes = await Promise.all([world.node(), world.node(), world.node()])
    const door = await balance(...nodes)
    const ids = await Promise.all(
      Array.from({ length: 30 }, async (_, i) => (await nodes[i % 3]!.ask(`Number ${i}`)).messageId),
    )
    const viewers = ids.flatMap((id) =>
      Array.from({ length: 10 }, (_, i) => new Hopper(door.url, id, i === 9 ? '/yjs' : '/ws')),
    )
    const followed = viewers.map(async (viewer) => {
      while (!viewer.ended) {
        await viewer.hop()
        const stays = random.integer(600, 1_400)
        for (let waited = 0; waited < stays && !viewer.ended; waited += 50) await sleep(50)
      }
    })
    await Promise.all(followed)
    const truths = new Map(
      await Promise.all(
        ids.map(async (id) => [id, (await nodes[0]!.call('GET', `/api/messages/${id}`)).body as Message] as const),
      ),
    )
    let hops = 0
    let units = 0
    let bytes = 0
    let lacked = 0
    for (const [i, viewer] of viewers.entries()) {
      const truth = truths.get(ids[Math.floor(i / 10)]!)!
      expect(truth.status).toBe('completed')
      expect(textOf(truth)).toBe(text(Math.floor(i / 10)).join(''))
      expect(viewer.json).toEqual(truth)
      expect(viewer.digest).toBe(digestOf(truth))
      expect(viewer.faults).toEqual([])
      expect(viewer.resets).toBe(0)
      // Every character once, over all its sockets.
      expect(viewer.textUnits).toBe(textOf(truth).length)
      // P3: a kilobyte a return; an update that is broadcast has its own small frame.
      const size = Buffer.byteLength(textOf(truth))
      expect(viewer.bytes).toBeLessThanOrEqual(1.05 * size + 900 + 1_000 * viewer.hops + 60 * viewer.updates)
      hops += viewer.hops
      units += viewer.textUnits
      bytes += viewer.bytes
      lacked += size
    }
    expect(hops).toBeGreaterThan(900)
    for (const { url } of nodes) expect(door.taken.get(url)).toBeGreaterThan(hops / 4)
    console.log(`${hops} hops, ${units} characters, ${lacked} bytes of text, ${bytes} bytes received`)
    for (const viewer of viewers) viewer.close()
    for (const node of nodes)
      for (const id of ids.slice(0, 5))
        expect((await node.call('GET', `/api/messages/${id}`)).body).toEqual(truths.get(id))
  },
)

/** A run on A, followed on B by a viewer that stays. */
async function followedElsewhere() {
  const world = await newWorld()
  const [a, b] = await Promise.all([world.node(), world.node()])
  const stream = world.fake.manual()
  const { messageId } = await a.ask('Why?')
  stream.send('The moon pulls.')
  const there = view(b)
  const [copy] = await there.follow(messageId)
  await there.until(() => copy!.text === 'The moon pulls.', 'the text')
  return { ...world, a, b, stream, messageId, copy: copy!, vector: Y.decodeStateVector(Y.encodeStateVector(copy!.doc)) }
}

test('a copy that is ahead is reset on /ws and closed with 4409 on /yjs, on a node that only follows', async () => {
  const { b, stream, messageId, copy, vector } = await followedElsewhere()
  const ahead = Y.encodeStateVector(new Map([...vector].map(([client, clock]) => [client, clock + 3])))
  const viewer = view(b)
  const late = viewer.adopt(new Collected(messageId))
  await viewer.send(
    encodeControl({
      type: 'subscribe',
      docs: [{ doc: messageId, stateVector: ahead, lineage: copy.subscribed!.lineage }],
    }),
  )
  await viewer.until(() => late.updates > 0, 'the state')
  expect(late.subscribed!.reset).toBe(true)
  expect(late.text).toBe('The moon pulls.')
  const socket = new WebSocket(`${b.url.replace('http', 'ws')}/yjs/${messageId}`)
  onTestFinished(() => socket.terminate())
  await once(socket, 'open')
  const closed = once(socket, 'close') as Promise<[number]>
  socket.send(encodeStock({ type: 'syncStep1', stateVector: ahead }))
  expect((await closed)[0]).toBe(4409)
  stream.end()
  await viewer.until(() => late.ended, 'the end')
})

test('a copy that is ahead of a node only because that node hears late is kept, on both wires', async () => {
  const { redis, node, a, messageId, stream, copy } = await followedElsewhere()
  const line = await startLine(redis.port)
  onTestFinished(() => line.close())
  const late = await node({ REDIS_URL: `redis://127.0.0.1:${line.port}`, RUNNEL_LEASE_MS: 10_000 })
  const waits = view(late)
  const [there] = await waits.follow(messageId)
  await waits.until(() => there!.text === 'The moon pulls.', 'the text there')
  line.delayMs = 300
  const here = view(a)
  const [mine] = await here.follow(messageId)
  await here.until(() => mine!.text === 'The moon pulls.', 'the text here')
  stream.send(' So does the sun.')
  await here.until(() => mine!.text.endsWith('sun.'), 'the rest here')
  expect(there!.text).toBe('The moon pulls.')
  const stateVector = Y.encodeStateVector(mine!.doc)
  const stock = new WebSocket(`${late.url.replace('http', 'ws')}/yjs/${messageId}`)
  onTestFinished(() => stock.terminate())
  const closes: number[] = []
  stock.on('close', (code) => closes.push(code))
  await once(stock, 'open')
  stock.send(encodeStock({ type: 'syncStep1', stateVector }))
  const answered = once(stock, 'message')
  const back = view(late)
  const kept = back.adopt(mine!)
  kept.subscribed = copy.subscribed
  const before = kept.updates
  await back.follow(messageId)
  await back.until(() => kept.updates > before, 'the return')
  expect(kept.subscribed!.reset).toBe(false)
  expect(kept.text).toBe('The moon pulls. So does the sun.')
  await Promise.race([answered, once(stock, 'close')])
  expect(closes).toEqual([])
  stream.end()
  await back.until(() => kept.ended, 'the end')
})
