/**
 * Two nodes and three, as they are run, on a Postgres and a Redis of their own: what the way from node to node costs.
 * Ratios and differences are of pairs in turn, so that a busy machine is busy for both.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { startPostgres } from '../tests/helpers/postgres.ts'
import { startRedis } from '../tests/helpers/redis.ts'
import { startLine, type Line } from '../testing/line.ts'
import { median, post, quantile, watch, type Figure } from './harness.ts'
import { ageOf, startProvider } from './load.ts'
import { cpuTimeOf, startServer, type BenchServer } from './server.ts'

const tokensPerSecond = 80
const settleMs = 2_000

interface Node extends BenchServer {
  /** Its way to Redis. */
  redis: Line
}

interface World {
  /** Two that serve, and one that nobody asks. */
  a: Node
  b: Node
  idle: Node
  raw: Redis
  redisPid: number
  /** Tokens that the provider has sent. */
  sent: () => number
}

export async function betweenNodes(): Promise<Figure[]> {
  const [postgres, redis, provider] = await Promise.all([startPostgres(), startRedis(), startProvider(tokensPerSecond)])
  const folder = mkdtempSync(join(tmpdir(), 'runnel-bench-files-'))
  const nodes: Node[] = []
  const database = await postgres.database()
  for (let i = 0; i < 3; i++) {
    const proxy = await startLine(redis.port)
    const server = await startServer({
      DATABASE_URL: database,
      REDIS_URL: `redis://127.0.0.1:${proxy.port}`,
      OPENAI_BASE_URL: provider.url,
      RUNNEL_FILES_DIR: folder,
      RUNNEL_DRAIN_MS: '0',
    })
    nodes.push({ ...server, redis: proxy })
  }
  const [a, b, idle] = nodes as [Node, Node, Node]
  const raw = new Redis(redis.url)
  try {
    const world: World = { a, b, idle, raw, redisPid: redis.pid, sent: provider.sent }
    return [...(await addedLatency(world)), ...(await cpuOfTwo(world))]
  } finally {
    raw.disconnect()
    provider.close()
    await Promise.all(nodes.map((node) => node.close()))
    await Promise.all(nodes.map((node) => node.redis.close()))
    await Promise.all([redis.kill(), postgres.close()])
    rmSync(folder, { recursive: true })
  }
}

async function ask({ url }: Node): Promise<{ messageId: string; stop: () => Promise<void> }> {
  const { id } = await post(`${url}/api/chats`, {})
  const { messageId } = await post(`${url}/api/chats/${id}/messages`, { content: 'go' })
  return { messageId, stop: () => post(`${url}/api/messages/${messageId}/stop`, {}) }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** A viewer on the owner's node and one on another follow the same answers: the same chunk, the same flush, one hop more. */
async function addedLatency({ a, b, idle, raw }: World, streams = 10, seconds = 20): Promise<Figure[]> {
  const ages: { here: number[]; there: number[] } = { here: [], there: [] }
  const added: number[] = []
  let measuring = false
  const asked = await Promise.all(Array.from({ length: streams }, () => ask(a)))
  const sockets = await Promise.all(
    asked.flatMap(({ messageId }) => {
      /** Arrival of each flush, by its bytes behind the channel's number. */
      const arrived = new Map<string, number>()
      return (
        [
          ['here', a],
          ['there', b],
        ] as const
      ).map(([side, node]) =>
        watch(node.url, messageId, (data) => {
          if (!measuring) return
          const age = ageOf(data)
          if (age === null || age < 0) return
          ages[side].push(age)
          const text = data.toString('latin1', Math.max(0, data.length - 24))
          const now = performance.now()
          const other = arrived.get(text)
          if (other === undefined) arrived.set(text, side === 'here' ? now : -now)
          else {
            arrived.delete(text)
            // Negative: the one that was first was there.
            added.push(side === 'there' ? now - Math.abs(other) : Math.abs(other) - now)
          }
        }),
      )
    }),
  )
  await pause(settleMs)
  await raw.config('RESETSTAT')
  const before = { idle: { ...idle.redis.bytes }, b: { ...b.redis.bytes } }
  measuring = true
  await pause(seconds * 1_000)
  measuring = false
  const calls = commandCalls(await raw.info('commandstats'))
  // What of it are signs of life and the comparing of numbers does not grow with the tokens.
  const idleBytes = idle.redis.bytes.out - before.idle.out + idle.redis.bytes.in - before.idle.in
  const followed = b.redis.bytes.out - before.b.out
  for (const socket of sockets) socket.terminate()
  await Promise.all(asked.map(({ stop }) => stop()))
  const flushes = ages.here.length
  const load = `load ${loadavg()[0]!.toFixed(1)}`
  return [
    { name: 'chunk to viewer on the node of the run: p50', value: quantile(ages.here, 0.5), unit: 'ms', note: load },
    { name: 'the same: p99', value: quantile(ages.here, 0.99), unit: 'ms' },
    { name: 'chunk to viewer on another node: p50', value: quantile(ages.there, 0.5), unit: 'ms' },
    { name: 'the same: p99', value: quantile(ages.there, 0.99), unit: 'ms' },
    {
      name: 'added by the hop, p99 against p99',
      value: quantile(ages.there, 0.99) - quantile(ages.here, 0.99),
      unit: 'ms',
      bound: 15,
    },
    {
      name: 'added by the hop, flush by flush: p50',
      value: quantile(added, 0.5),
      unit: 'ms',
      note: `${added.length} flushes of ${streams} answers seen on both`,
    },
    { name: 'the same: p99', value: quantile(added, 0.99), unit: 'ms', bound: 15, note: load },
    {
      name: 'scripts a flush (one round trip each)',
      value: (calls.get('evalsha') ?? 0) / flushes,
      unit: '',
      bound: 1.1,
      note: 'compactions of a log are among them',
    },
    { name: 'Redis to a node with viewers, an answer', value: followed / seconds / streams / 1_000, unit: 'kB/s' },
    {
      name: 'Redis and a node without viewers, both ways, in all',
      value: idleBytes / seconds / 1_000,
      unit: 'kB/s',
      bound: 0.2,
      note: 'its sign of life, of no answer',
    },
  ]
}

/** CPU a delivered token with all viewers on one node, and with half of them on each of two. */
async function cpuOfTwo(
  { a, b, redisPid, sent }: World,
  streams = 20,
  viewers = 10,
  seconds = 6,
  pairs = 5,
): Promise<Figure[]> {
  const spans: { one: Span[]; two: Span[] } = { one: [], two: [] }
  for (let pair = 0; pair < pairs; pair++) {
    for (const side of pair % 2 === 0 ? (['one', 'two'] as const) : (['two', 'one'] as const))
      spans[side].push(await span(side === 'one' ? [a, a] : [a, b]))
  }
  /** Of both nodes: what an idle one uses by itself is in both. */
  async function span([first, second]: readonly [Node, Node]): Promise<Span> {
    const asked = await Promise.all(Array.from({ length: streams }, () => ask(a)))
    const sockets = await Promise.all(
      asked.flatMap(({ messageId }) =>
        Array.from({ length: viewers }, (_, i) => watch((i % 2 === 0 ? first : second).url, messageId, () => {})),
      ),
    )
    await pause(settleMs)
    const used = () => [a, b].reduce((sum, { child }) => sum + cpuTimeOf(child.pid!), 0)
    const [cpu, redis, before] = [used(), cpuTimeOf(redisPid), sent()]
    await pause(seconds * 1_000)
    const delivered = (sent() - before) * viewers
    const result = {
      nodes: ((used() - cpu) * 1_000) / delivered,
      redis: ((cpuTimeOf(redisPid) - redis) * 1_000) / delivered,
    }
    for (const socket of sockets) socket.terminate()
    await Promise.all(asked.map(({ stop }) => stop()))
    return result
  }
  const ratios = spans.two.map(({ nodes }, i) => nodes / spans.one[i]!.nodes)
  const name = `${streams} answers × ${viewers} viewers`
  const note = `medians of ${pairs} pairs in turn, load ${loadavg()[0]!.toFixed(1)}`
  return [
    {
      name: `${name} on one node: CPU a delivered token`,
      value: median(spans.one.map(({ nodes }) => nodes)),
      unit: 'µs',
      note,
    },
    {
      name: `${name}, half of them on another node: CPU of both`,
      value: median(spans.two.map(({ nodes }) => nodes)),
      unit: 'µs',
    },
    {
      name: 'two nodes against one',
      value: median(ratios),
      unit: '×',
      bound: 1.25,
      note: ratios.map((ratio) => ratio.toFixed(2)).join(' '),
    },
    {
      name: 'Redis, viewers on one node',
      value: median(spans.one.map(({ redis }) => redis)),
      unit: 'µs',
      note: 'not among the above',
    },
    {
      name: 'Redis, viewers on two nodes',
      value: median(spans.two.map(({ redis }) => redis)),
      unit: 'µs',
      note: 'not among the above',
    },
  ]
}

/** CPU a delivered token, µs. */
interface Span {
  nodes: number
  redis: number
}

function commandCalls(info: string): Map<string, number> {
  return new Map([...info.matchAll(/cmdstat_(\w+):calls=(\d+)/g)].map(([, name, calls]) => [name!, Number(calls)]))
}
