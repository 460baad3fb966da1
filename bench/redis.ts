/** What a live message costs in Redis: commands, bytes and time a flush, memory. */
import { Redis } from 'ioredis'
import * as Y from 'yjs'
import type { Cluster } from '../server/cluster/cluster.ts'
import { redisCluster } from '../server/cluster/redis.ts'
import { MessageWriter } from '../server/document/message-writer.ts'
import { LogSize } from '../server/room/log-size.ts'
import { memoryStore } from '../server/store/memory/memory.ts'
import type { Store } from '../server/store/store.ts'
import { startRedis } from '../tests/helpers/redis.ts'
import { startLine, type Line } from '../testing/line.ts'
import { quantile, token, type Figure } from './harness.ts'

const flushesASecond = 25
const chatId = 'chat_bench000000000000000'

interface Bench {
  raw: Redis
  store: Store
  owner: Cluster
  viewer: Cluster
  /** What the owner sends and gets; what the node with a viewer does. */
  own: Line
  other: Line
}

interface Cost {
  textBytes: number
  flushes: number
  in: number
  out: number
  compactions: number
  /** The most that (memory − 4 kB) was, as a multiple of the text. */
  memory: number
  /** What of it is there when the message has ended goes so much later, ms. */
  keptMs: number
  latencies: number[]
}

export async function redisCost(): Promise<Figure[]> {
  const server = await startRedis()
  const [own, other] = [await startLine(server.port), await startLine(server.port)]
  const store = memoryStore()
  // No sign of life falls into what is measured.
  const open = (port: number) => redisCluster({ url: `redis://127.0.0.1:${port}`, base: store.log, leaseMs: 3_600_000 })
  const bench: Bench = {
    raw: new Redis(server.url),
    store,
    owner: open(own.port),
    viewer: open(other.port),
    own,
    other,
  }
  await store.createChat({ id: chatId, ownerId: 'bench', title: 'Bench', system: null, createdAt: 1 }, 'lineage0')
  const figures: Figure[] = []

  // Scripts are known and connections made.
  await measure(bench, 80, 500)
  await bench.raw.config('RESETSTAT')
  const few = await measure(bench, 80, 5_000)
  const calls = Number(/cmdstat_evalsha:calls=(\d+)/.exec(await bench.raw.info('commandstats'))![1])
  const many = await measure(bench, 1_000, 10_000)
  figures.push(
    // Three more: the follower reads, the opening is written, the end is told.
    {
      name: 'commands a flush, compactions apart',
      value: (calls - 3 - few.compactions) / few.flushes,
      unit: '',
      bound: 1,
    },
    {
      name: '80 tokens/s: in, a byte of text',
      value: few.in / few.textBytes,
      unit: 'B',
      bound: 18,
      note: `${few.compactions} compactions`,
    },
    {
      name: '80 tokens/s: out to a node with viewers, a byte of text',
      value: few.out / few.textBytes,
      unit: 'B',
      bound: 9,
    },
    {
      name: '1,000 tokens/s: in, a byte of text',
      value: many.in / many.textBytes,
      unit: 'B',
      bound: 2.5,
      note: `${many.compactions} compactions`,
    },
    {
      name: '1,000 tokens/s: out to a node with viewers, a byte of text',
      value: many.out / many.textBytes,
      unit: 'B',
      bound: 2,
    },
  )
  for (const { speed, tokens, bound } of [
    { speed: flushesASecond, tokens: 20_000 },
    { speed: 80, tokens: 50_000, bound: 18 },
    { speed: 1_000, tokens: 200_000, bound: 2.5 },
  ]) {
    const cost = await measure(bench, speed, tokens)
    const at = `${tokens.toLocaleString('en')} tokens, ${speed.toLocaleString('en')} a second`
    figures.push(
      { name: `${at}: most memory above 4 kB, a byte of text`, value: cost.memory, unit: 'B', bound: 4 },
      {
        name: `${at}: in, a byte of text`,
        value: cost.in / cost.textBytes,
        unit: 'B',
        ...(bound && { bound }),
        note: `${cost.compactions} compactions`,
      },
      { name: `${at}: gone after the end`, value: cost.keptMs / 1_000, unit: 's', bound: 60 },
    )
  }
  const direct = open(server.port)
  const { latencies } = await measure({ ...bench, owner: direct }, 80, 10_000)
  figures.push(
    { name: 'append, p50', value: quantile(latencies, 0.5), unit: 'ms' },
    { name: 'append, p99', value: quantile(latencies, 0.99), unit: 'ms' },
  )
  await Promise.all([bench.owner, bench.viewer, direct].map((cluster) => cluster.close()))
  bench.raw.disconnect()
  await Promise.all([own.close(), other.close(), server.kill()])
  return figures
}

let messages = 0

/** One message of so many tokens, written as fast as it goes in the flushes of that speed, and followed by a second node. */
async function measure(
  { raw, store, owner, viewer, own, other }: Bench,
  tokensASecond: number,
  tokens: number,
): Promise<Cost> {
  const id = `msg_bench${String(++messages).padStart(15, '0')}`
  await store.startRun({
    userMessage: null,
    lineage: 'lineage1',
    assistant: {
      id,
      chatId,
      parentId: null,
      createdAt: 1,
      taskId: `task_${id}`,
      userId: 'bench',
      node: 'local',
      status: 'queued',
      request: null,
    },
  })
  let heard = 0
  const stop = await viewer.follow(id, ({ seq }) => {
    heard = seq
  })
  await viewer.log.read(id)
  const doc = new Y.Doc({ guid: id })
  const writer = new MessageWriter(doc, 1)
  writer.onEdit = () => {}
  writer.setMessage({
    id,
    chatId,
    parentId: null,
    role: 'assistant',
    model: 'bench',
    taskId: `task_${id}`,
    status: 'streaming',
    createdAt: 1_800_000_000_000,
    schema: 1,
  })
  const block = writer.openBlock({ type: 'text', status: 'in_progress' })
  let seq = 0
  // As rooms compact what is in another machine's memory.
  const log = new LogSize({ lineage: 'lineage1', epoch: 1, seq: 0, state: null, updates: [] }, true)
  const cost: Cost = { textBytes: 0, flushes: 0, in: 0, out: 0, compactions: 0, memory: 0, keptMs: 0, latencies: [] }
  const flush = async () => {
    const updates = writer.commit()
    const startedAt = performance.now()
    const [result] = await owner.log.append([{ doc: id, epoch: 1, previousSeq: seq, updates }])
    cost.latencies.push(performance.now() - startedAt)
    if (result!.status !== 'ok') throw new Error(result!.status)
    seq = result!.seq
    log.add(updates)
    const due = log.isDue
    // It is at its largest before a compaction.
    if (due || cost.flushes % 100 === 0) await weigh()
    if (!due) return
    const state = Y.encodeStateAsUpdate(doc)
    log.compacted(state.length)
    cost.compactions += 1
    await owner.log.compact(id, 1, seq, state)
  }
  const weigh = async () => {
    const sizes = await Promise.all([
      raw.memory('USAGE', `runnel:{${id}}`, 'SAMPLES', 0),
      raw.memory('USAGE', `runnel:{${id}}l`, 'SAMPLES', 0),
    ])
    const used = sizes.reduce<number>((sum, size) => sum + Number(size ?? 0), 0)
    if (cost.textBytes > 0) cost.memory = Math.max(cost.memory, (used - 4_000) / cost.textBytes)
  }
  await flush()
  const before = { in: own.bytes.in, out: other.bytes.out }
  let written = 0
  while (written < tokens) {
    cost.flushes += 1
    const upTo = Math.min(tokens, Math.floor((cost.flushes * tokensASecond) / flushesASecond))
    for (; written < upTo; written++) {
      writer.append(block, 'text', token(written))
      cost.textBytes += Buffer.byteLength(token(written))
    }
    await flush()
  }
  while (heard < seq) await new Promise((resolve) => setTimeout(resolve, 1))
  cost.in = own.bytes.in - before.in
  cost.out = other.bytes.out - before.out
  stop()
  await owner.log.release!(id, 1)
  cost.keptMs = Math.max(...(await Promise.all([raw.pttl(`runnel:{${id}}`), raw.pttl(`runnel:{${id}}l`)])))
  return cost
}
