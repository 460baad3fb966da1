/** A Redis Cluster one of whose masters dies, with the newest words that its replica had not got yet. */
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { keyOf } from '../../server/cluster/redis-entry.ts'
import { Collector } from '../../testing/index.ts'
import { startRedisCluster } from '../helpers/redis-cluster.ts'
import { ChildNode } from './children.ts'
import { newWorld, usePostgres } from './nodes.ts'
import { ended, expectEqual, textOf, word, wordsOf, Witness } from './seen.ts'

usePostgres()

async function clusterWorld(leaseMs: number) {
  const cluster = await startRedisCluster()
  onTestFinished(() => cluster.close())
  const world = await newWorld({ settings: { REDIS_URL: cluster.url, RUNNEL_LEASE_MS: leaseMs, RUNNEL_FLUSH_MS: 10 } })
  return { ...world, cluster, settings: { ...world.settings, REDIS_URL: cluster.url } }
}

/** The replica gets nothing more, and can be elected all the same. */
async function cutReplica(port: number): Promise<void> {
  const client = new Redis(port, '127.0.0.1')
  try {
    // Its master takes no password.
    await client.config('SET', 'masterauth', 'wrong')
    await client.client('KILL', 'TYPE', 'MASTER')
    await expect.poll(async () => await client.info('replication')).toContain('master_link_status:down')
  } finally {
    client.disconnect()
  }
}

async function viewerOf(node: { url: string }, witness?: Witness): Promise<Collector> {
  const viewer = new Collector(node.url, witness && { onUpdate: witness.onUpdate })
  onTestFinished(() => viewer.close())
  return viewer
}

test(
  'three answers go on, whatever the replica had not got: their writer has all of it',
  { timeout: 60_000 },
  async () => {
    const world = await clusterWorld(8_000)
    const { cluster, fake, settings } = world
    const [a, b] = await Promise.all([world.node(settings as object), world.node(settings as object)])
    const witness = new Witness()
    const viewers = await Promise.all([a, b].map((node) => viewerOf(node, witness)))
    const runs: { id: string; question: string; stream: ReturnType<typeof fake.manual>; shard: number }[] = []
    for (const index of [0, 1, 2]) {
      const stream = fake.manual()
      const question = `q${index}`
      const { messageId: id } = await a.ask(question)
      await stream.request
      await Promise.all(viewers.map((viewer) => viewer.follow(id)))
      runs.push({ id, question, stream, shard: await cluster.masterOf(keyOf(id)) })
    }
    let said = 0
    const say = (count: number) => {
      for (const { question, stream } of runs) for (let i = said; i < said + count; i++) stream.send(word(question, i))
      said += count
    }
    const shown = async () => {
      for (const { id, question } of runs)
        for (const viewer of viewers)
          await viewer.until(() => viewer.documents.get(id)!.text === wordsOf(question, said), `${said} words`, 30_000)
    }
    say(20)
    await shown()
    const { shard } = runs[0]!
    await cutReplica(cluster.servers[3 + shard]!.port)
    say(20)
    await shown()
    await cluster.servers[shard]!.kill()
    const killedAt = performance.now()
    say(20)
    await shown()
    console.log(
      `shards ${runs.map((run) => run.shard).join(', ')}; master ${shard} killed; all shown after ${Math.round(performance.now() - killedAt)} ms`,
    )
    say(5)
    for (const { stream } of runs) stream.end()
    for (const { id, question } of runs) {
      const message = await ended(b, id)
      expect(message.status).toBe('completed')
      expect(textOf(message)).toBe(wordsOf(question, said))
      witness.expectKept(message, question, said)
      for (const viewer of viewers) {
        await expectEqual(viewer, id, message)
        expect(
          viewer.control
            .filter(({ type }) => type === 'subscribed')
            .flatMap((control) => ('docs' in control ? control.docs : []))
            .some((doc) => 'reset' in doc && doc.reset),
        ).toBe(false)
      }
    }
  },
)

for (const lost of [1, 6]) {
  test(
    `the exception: master and writer die at once, with ${lost} update(s) that nobody else has; who has seen them is reset, and sees the end`,
    { timeout: 60_000 },
    async () => {
      const world = await clusterWorld(2_000)
      const { cluster, fake, settings } = world
      const child = new ChildNode()
      // B only follows: it looks for orphans when others have long done so.
      const [a, b, c] = await Promise.all([
        child.start(settings),
        world.node({ ...settings, RUNNEL_LEASE_MS: 60_000 } as object),
        world.node(settings as object),
      ])
      const stream = fake.manual()
      const { messageId: id } = await a.ask('q')
      const there = await viewerOf(b)
      const [copy] = await there.follow(id)
      for (let i = 0; i < 20; i++) stream.send(word('q', i))
      await there.until(() => copy!.text === wordsOf('q', 20), 'the first words')
      const shard = await cluster.masterOf(keyOf(id))
      await cutReplica(cluster.servers[3 + shard]!.port)
      for (let i = 20; i < 20 + lost; i++) {
        stream.send(word('q', i))
        await there.until(() => copy!.text === wordsOf('q', i + 1), 'one word more')
      }
      await Promise.all([child.kill(), cluster.servers[shard]!.kill()])
      const message = await ended(c, id)
      expect(message.status).toBe('interrupted')
      expect(textOf(message)).toBe(wordsOf('q', 20))
      await there.until(() => copy!.refused !== null, 'the word that it must ask again', 10_000)
      copy!.refused = null
      await there.follow(id)
      await there.until(() => copy!.message.status === 'interrupted', 'the end')
      await expectEqual(there, id, message)
      expect(copy!.subscribed?.reset).toBe(true)
      expect((await b.call('GET', `/api/messages/${id}`)).body).toEqual(message)
    },
  )
}
