import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Store } from '../../server/store/store.ts'
import { startRedisCluster, type RedisClusterServers } from '../helpers/redis-cluster.ts'
import type { RedisServer } from '../helpers/redis.ts'
import { bytes, chat, newRun } from '../store/records.ts'
import { memoryStore } from '../../server/store/memory/memory.ts'
import { clusterContract } from '../../testing/contracts/cluster.ts'
import { Heard, node, storeWithDocuments, until } from './fixtures.ts'
import { Follower, itemsOf, Writer } from './replica.ts'

let servers: RedisClusterServers
beforeAll(async () => {
  servers = await startRedisCluster()
}, 30_000)
afterAll(() => servers.close())

/** Documents of this test's own. */
let documents = 0
async function storeOf(count: number): Promise<{ store: Store; ids: string[] }> {
  const store = memoryStore()
  await store.createChat(chat(), 'l')
  const ids = Array.from({ length: count }, () => `msg_cluster${++documents}`)
  for (const id of ids) await store.startRun(newRun(id))
  return { store, ids }
}

describe('a node on a Redis Cluster', () => {
  clusterContract(
    ({ log }) => {
      // The contract has names of its own; each time they stand for other documents.
      const round = ++documents
      const inRound = (id: string) => `${id}_${round}`
      const outside = (id: string) => id.replace(/_\d+$/, '')
      const cluster = node({
        url: servers.url,
        leaseMs: 600,
        base: {
          append: (entries) => log.append(entries.map((entry) => ({ ...entry, doc: outside(entry.doc) }))),
          read: (id) => log.read(outside(id)),
          compact: (id, ...rest) => log.compact(outside(id), ...rest),
        },
      })
      return {
        ...cluster,
        log: {
          append: (entries) => cluster.log.append(entries.map((entry) => ({ ...entry, doc: inRound(entry.doc) }))),
          read: (id) => cluster.log.read(inRound(id)),
          compact: (id, ...rest) => cluster.log.compact(inRound(id), ...rest),
        },
      }
    },
    { describe, it, expect },
  )
})

describe('two nodes on a Redis Cluster', () => {
  it('share documents of all shards, numbers, entries and news', async () => {
    const { store, ids } = await storeOf(12)
    const [a, b] = [
      node({ url: servers.url, base: store.log }),
      node({ url: `${servers.servers[1]!.url}?cluster`, base: store.log }),
    ]
    expect(new Set(await Promise.all(ids.map((id) => servers.masterOf(`runnel:{${id}}`))))).toHaveProperty('size', 3)
    const heard = ids.map(() => new Heard())
    await Promise.all(ids.map((id, i) => b.follow(id, heard[i]!.hear)))
    await a.heads(ids)
    const results = await a.log.append(
      ids.map((id, i) => ({ doc: id, epoch: 1, previousSeq: 0, updates: [bytes(`update ${i}`)] })),
    )
    expect(results).toEqual(ids.map(() => ({ status: 'ok', seq: 1 })))
    await until(() => heard.every(({ entries }) => entries.length === 1), 'an entry of each')
    heard.forEach(({ entries }, i) => expect(entries).toEqual([{ seq: 1, updates: [`update ${i}`] }]))
    expect(await b.heads(ids)).toEqual(ids.map(() => ({ seq: 1, epoch: 1 })))

    const news: unknown[] = []
    b.onNews = (told) => news.push(told)
    await until(() => {
      a.tell('stop')
      return news.length > 0
    }, 'the news')
    expect(news[0]).toBe('stop')
  })

  it('write what lies on the shards that are there while another stands still', async () => {
    const { store, ids } = await storeOf(9)
    const a = node({ url: servers.url, base: store.log, timeoutMs: 300 })
    const masters = await Promise.all(ids.map((id) => servers.masterOf(`runnel:{${id}}`)))
    await a.heads(ids)
    const { pid } = servers.servers[2]!
    process.kill(pid, 'SIGSTOP')
    onTestFinished(() => void process.kill(pid, 'SIGCONT'))
    const results = await a.log.append(ids.map((doc) => ({ doc, epoch: 1, previousSeq: 0, updates: [bytes('a')] })))
    process.kill(pid, 'SIGCONT')
    expect(results.map(({ status }) => status)).toEqual(masters.map((master) => (master === 2 ? 'unanswered' : 'ok')))
    expect(masters).toContain(2)
    for (const result of results)
      if (result.status === 'unanswered') expect(await result.answer).toEqual({ status: 'ok', seq: 1 })
  })

  it.each([
    ['is killed', 0, async (server: RedisServer) => await server.kill()],
    // As a machine that hangs: its connections stay open, and later it comes back and believes to be a master.
    [
      'stands still for a while',
      1,
      async (server: RedisServer) => {
        process.kill(server.pid, 'SIGSTOP')
        await new Promise((resolve) => setTimeout(resolve, 4_000))
        process.kill(server.pid, 'SIGCONT')
      },
    ],
  ] as const)(
    'go on when a master %s and its replica takes over: nothing shown is lost, followers agree',
    { timeout: 60_000 },
    async (_how, failing, fail) => {
      const { store, ids } = await storeOf(9)
      const [a, b] = [
        node({ url: servers.url, base: store.log, timeoutMs: 500 }),
        node({ url: servers.url, base: store.log, timeoutMs: 500 }),
      ]
      const masters = await Promise.all(ids.map((id) => servers.masterOf(`runnel:{${id}}`)))
      expect(masters).toContain(failing)
      const writers = ids.map((id) => new Writer(a, id, 1))
      const followers = ids.map((id) => new Follower(b, id))
      await Promise.all(followers.map((follower) => follower.start(200)))
      let step = 0
      const round = () => Promise.all(writers.map((writer) => writer.write(`i${step++}`)))
      for (let i = 0; i < 20; i++) await round()
      const failed = fail(servers.servers[failing]!)
      for (let i = 0; i < 20; i++) await round()
      await failed
      const heardBefore = followers.map(({ heard }) => heard.length)
      // Subscriptions have moved with the slots.
      await until(
        async () => {
          await round()
          return followers.every(({ heard }, i) => heard.length > heardBefore[i]!)
        },
        'entries arrive by themselves again',
        20_000,
      )

      for (const [i, writer] of writers.entries()) {
        const items = itemsOf((await b.log.read(ids[i]!))!)
        expect([...items].sort()).toEqual([...writer.items].sort())
        await until(() => followers[i]!.items.size === items.size, 'the follower is there')
        expect([...followers[i]!.items].sort()).toEqual([...items].sort())
        expect(new Set(followers[i]!.heard).size).toBe(followers[i]!.heard.length)
      }
    },
  )
})

it('needs no more than one node of a Cluster to be there at the start', async () => {
  const { log } = await storeWithDocuments()
  const a = node({ url: `redis://127.0.0.1:1,${servers.servers[1]!.url}`, base: log })
  expect(await a.heads(['msg_unknown1'])).toEqual([null])
})
