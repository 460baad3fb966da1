import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { chosenSeeds, Random } from '../fuzz/random.ts'
import { startRedis, type RedisServer } from '../helpers/redis.ts'
import { startLine } from '../../testing/line.ts'
import { text } from '../store/records.ts'
import { doc, node, storeWithDocuments, until } from './fixtures.ts'
import { Follower, itemsOf, Writer } from './replica.ts'

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.kill())

const seeds = chosenSeeds(6)

it.each(seeds)(
  'whatever the network does, log and followers agree, and nothing is there twice (RUNNEL_FUZZ_SEED=%i)',
  { timeout: 60_000 },
  async (seed) => {
    const random = new Random(seed)
    const store = await storeWithDocuments()
    // Redis outlives a seed; the documents of the next are others.
    const id = `${doc}_${seed}`
    store.log.read = async (name) =>
      name === id ? { lineage: 'line', epoch: 1, seq: 0, state: null, updates: [] } : null
    const proxies = await Promise.all([startLine(server.port), startLine(server.port)])
    onTestFinished(async () => {
      await Promise.all(proxies.map((proxy) => proxy.close()))
    })
    const nodes = proxies.map(({ port }) => node({ url: `redis://127.0.0.1:${port}`, base: store.log, timeoutMs: 150 }))
    const observer = node({ url: server.url, base: store.log })
    const followers = nodes.map((cluster) => new Follower(cluster, id))
    const early = new Follower(observer, id)
    // A first connection may take longer than an answer may here.
    await Promise.all(
      [...followers, early].map((follower) =>
        until(
          () =>
            follower.start(50).then(
              () => true,
              () => false,
            ),
          'it follows',
        ),
      ),
    )

    let epoch = 1
    let writer = new Writer(nodes[0]!, id, epoch)
    const writers = [writer]
    let compacted = false
    for (let step = 0; step < 60; step++) {
      const proxy = random.pick(proxies)
      const action = random.weighted([
        [12, 'write'],
        [2, 'compact'],
        [2, 'takeover'],
        [2, 'cut'],
        [1, 'mute'],
        [1, 'deaf'],
        [2, 'delay'],
      ] as const)
      if (action === 'cut') proxy.cut()
      else if (action === 'delay') proxy.delayMs = random.integer(0, 20)
      else if (action === 'mute' || action === 'deaf') {
        proxy.mode = action
        setTimeout(
          () => {
            proxy.mode = 'pass'
            proxy.cut()
          },
          random.integer(20, 300),
        )
      } else if (action === 'compact') {
        compacted = true
        await writer.compact()
      } else if (action === 'takeover') {
        // The old writer does not know, and has something under way.
        const late = writer.write(`late${step}`)
        writer = new Writer(random.pick(nodes), id, ++epoch)
        writers.push(writer)
        let done = false
        while (!done)
          done = await writer.takeOver().then(
            () => true,
            () => false,
          )
        await late
      } else {
        await writer.write(`i${step}`)
      }
    }
    for (const proxy of proxies) {
      proxy.mode = 'pass'
      proxy.delayMs = 0
      proxy.cut()
    }
    await until(
      () =>
        writer.write('end').then(
          () => true,
          () => false,
        ),
      'the last write',
    )

    const contents = (await observer.log.read(id))!
    const items = itemsOf(contents)
    await until(
      () =>
        [...followers, early].every((follower) => items.size === follower.items.size && follower.seq === contents.seq),
      'all followers are there',
    )
    for (const follower of [...followers, early]) {
      expect([...follower.items].sort()).toEqual([...items].sort())
      expect(new Set(follower.heard).size).toBe(follower.heard.length)
    }
    for (const { shown } of writers) for (const item of shown) expect(items).toContain(item)
    expect([...writer.items].sort()).toEqual([...items].sort())
    const entries = contents.updates.map((update) => text(update)!)
    expect(new Set(entries).size).toBe(entries.length)
    if (!compacted) expect(entries).toHaveLength(contents.seq)
    // Nothing was lost, so nobody had to give its whole state; who was taken over cannot write.
    expect(writers.reduce((sum, { restored }) => sum + restored, 0)).toBe(0)
    for (const old of writers.slice(0, -1)) {
      await old.write('late')
      expect(old.isFenced).toBe(true)
    }
  },
)
