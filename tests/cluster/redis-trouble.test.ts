import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Cluster } from '../../server/cluster/cluster.ts'
import { freePort } from '../helpers/programs.ts'
import { startRedis, type RedisServerOptions } from '../helpers/redis.ts'
import { startLine } from '../../testing/line.ts'
import { bytes, chatId } from '../store/records.ts'
import { doc, Heard, node, readText, storeWithDocuments, until, write } from './fixtures.ts'

/** A Redis of this test's own. */
async function server(options: RedisServerOptions = {}) {
  const started = await startRedis(options)
  onTestFinished(() => started.kill())
  return started
}

/** A Redis behind a network that the test can spoil, a node on it, and one beside it that the network does not touch. */
async function behindProxy(options: { leaseMs?: number; timeoutMs?: number } = {}) {
  const redis = await server()
  const proxy = await startLine(redis.port)
  onTestFinished(() => proxy.close())
  const store = await storeWithDocuments()
  const a = node({ url: `redis://127.0.0.1:${proxy.port}`, base: store.log, timeoutMs: 300, ...options })
  const b = node({ url: redis.url, base: store.log })
  // A first connection may take longer than an answer may here.
  await until(
    () =>
      a.heads([doc]).then(
        () => true,
        () => false,
      ),
    'the node is connected',
  )
  return { redis, proxy, store, a, b }
}

async function persistentFolder(): Promise<{ folder: string; port: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-aof-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return { folder, port: await freePort() }
}

/** Writes on behind entry `last` until some of it is heard. */
async function writesUntilHeard(writer: Cluster, heard: Heard, last: number): Promise<void> {
  let seq = last
  await until(async () => {
    await write(writer, doc, 1, seq, `u${++seq}`)
    return heard.entries.some((entry) => entry.seq > last)
  }, `an entry behind ${last}`)
}

const always = ['--appendonly', 'yes', '--appendfsync', 'always']

describe('an append while Redis is away', () => {
  it('waits, and is written once Redis is back', async () => {
    const { proxy, a, b } = await behindProxy()
    await write(a, doc, 1, 0, 'a')
    proxy.mode = 'deaf'
    proxy.cut()
    const waiting = write(a, doc, 1, 1, 'b')
    await expect(
      Promise.race([waiting, new Promise((resolve) => setTimeout(() => resolve('waits'), 700))]),
    ).resolves.toBe('waits')
    proxy.mode = 'pass'
    proxy.cut()
    expect(await waiting).toEqual({ status: 'ok', seq: 2 })
    expect((await readText(b, doc))?.updates).toEqual(['a', 'b'])
  })

  it('is written once where only the answer was lost', async () => {
    const { proxy, a, b } = await behindProxy()
    const heard = new Heard()
    await b.follow(doc, heard.hear)
    await write(a, doc, 1, 0, 'a')
    proxy.mode = 'mute'
    const waiting = write(a, doc, 1, 1, 'b')
    await until(async () => (await b.heads([doc]))[0]?.seq === 2, 'the append is carried out')
    proxy.mode = 'pass'
    proxy.cut()
    expect(await waiting).toEqual({ status: 'ok', seq: 2 })
    expect(await write(a, doc, 1, 2, 'c')).toEqual({ status: 'ok', seq: 3 })
    expect((await readText(b, doc))?.updates).toEqual(['a', 'b', 'c'])
    await until(() => heard.entries.length === 3, 'three entries')
    expect(heard.entries.map(({ seq }) => seq)).toEqual([1, 2, 3])
  })

  it('is not taken for written where another writer took the document over meanwhile', async () => {
    const { proxy, store, a, b } = await behindProxy()
    await write(a, doc, 1, 0, 'a')
    proxy.mode = 'deaf'
    const waiting = write(a, doc, 1, 1, 'old')
    const epoch = await store.drawEpoch(doc)
    expect(await write(b, doc, epoch, 1, 'new')).toEqual({ status: 'ok', seq: 2 })
    proxy.mode = 'pass'
    proxy.cut()
    expect(await waiting).toEqual({ status: 'fenced' })
    expect((await readText(b, doc))?.updates).toEqual(['a', 'new'])
  })

  it('is given up after two leases, or when the node closes', async () => {
    const { proxy, a } = await behindProxy({ leaseMs: 400 })
    proxy.mode = 'deaf'
    const startedAt = performance.now()
    await expect(write(a, doc, 1, 0, 'a')).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(performance.now() - startedAt).toBeLessThan(2_000)
    const closed = expect(write(a, doc, 1, 0, 'a')).rejects.toMatchObject({ code: 'store_unavailable' })
    await a.close()
    await closed
    await expect(a.log.read(doc)).rejects.toMatchObject({ code: 'store_unavailable' })
  })

  it('of a chat is in the store all the same', async () => {
    const { proxy, store, a } = await behindProxy()
    proxy.mode = 'deaf'
    proxy.cut()
    expect(
      await a.log.append([{ doc: chatId, epoch: 0, previousSeq: 0, updates: [bytes('title')], shared: true }]),
    ).toEqual([{ status: 'ok', seq: 1 }])
    expect((await store.log.read(chatId))?.seq).toBe(1)
    expect(await a.heads([chatId])).toMatchObject([{ seq: 1 }])
  })
})

it('fails reads, numbers, following and the probe within two seconds while Redis is away', async () => {
  const { proxy, a } = await behindProxy({ timeoutMs: 1_000 })
  for (const spoil of ['deaf', 'mute'] as const) {
    proxy.mode = spoil
    const startedAt = performance.now()
    const attempts = [a.log.read(doc), a.heads([doc]), a.follow(doc, () => {}), a.probe(), a.alive([a.node])]
    await Promise.all(attempts.map((attempt) => expect(attempt).rejects.toMatchObject({ code: 'store_unavailable' })))
    expect(performance.now() - startedAt).toBeLessThan(2_000)
    proxy.mode = 'pass'
    proxy.cut()
    await until(
      () =>
        a.heads([doc]).then(
          () => true,
          () => false,
        ),
      'Redis is back',
    )
  }
})

it('bounds what is under way', async () => {
  const redis = await server()
  const { log } = await storeWithDocuments()
  const a = node({ url: redis.url, base: log, maxPending: 10 })
  await a.log.read(doc)
  await expect(a.heads(Array.from({ length: 11 }, () => doc))).rejects.toMatchObject({ code: 'store_unavailable' })
  expect(await a.heads([doc])).toEqual([null])
})

describe('a follower', () => {
  it('follows again after its connection was cut', async () => {
    const { proxy, a, b } = await behindProxy()
    const heard = new Heard()
    await a.follow(doc, heard.hear)
    proxy.cut()
    await writesUntilHeard(b, heard, 0)
  })

  it('follows again after its connection died silently', async () => {
    const { proxy, a, b } = await behindProxy({ leaseMs: 600 })
    const heard = new Heard()
    await a.follow(doc, heard.hear)
    proxy.mode = 'deaf'
    await new Promise((resolve) => setTimeout(resolve, 700))
    proxy.mode = 'pass'
    await writesUntilHeard(b, heard, 0)
  })

  it('that missed the last publication sees by the number that there is one', async () => {
    const { redis, a, b } = await behindProxy()
    const heard = new Heard()
    await b.follow(doc, heard.hear)
    const raw = new Redis(redis.url)
    onTestFinished(() => raw.disconnect())
    await write(a, doc, 1, 0, 'a')
    await until(() => heard.entries.length === 1, 'the first entry')
    await raw.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await write(a, doc, 1, 1, 'b')
    expect(await b.heads([doc])).toMatchObject([{ seq: 2 }])
    expect((await readText(b, doc))?.updates).toEqual(['a', 'b'])
  })
})

describe('Redis restarted', () => {
  it('with its append-only file goes on where it was', async () => {
    const { folder, port } = await persistentFolder()
    const first = await server({ folder, port, args: always })
    const { log } = await storeWithDocuments()
    const [a, b] = [node({ url: first.url, base: log }), node({ url: first.url, base: log })]
    const heard = new Heard()
    await b.follow(doc, heard.hear)
    for (let seq = 0; seq < 20; seq++) await write(a, doc, 1, seq, `u${seq + 1}`)
    await a.log.compact(doc, 1, 10, bytes('u1-u10'))
    await first.kill()
    const waiting = write(a, doc, 1, 20, 'u21')
    await server({ folder, port, args: always })
    expect(await waiting).toEqual({ status: 'ok', seq: 21 })
    expect(await readText(b, doc)).toMatchObject({
      seq: 21,
      state: 'u1-u10',
      updates: Array.from({ length: 11 }, (_, i) => `u${i + 11}`),
    })
    await writesUntilHeard(a, heard, 21)
  })

  it('empty says so to the writer, which gives its whole state', async () => {
    const port = await freePort()
    const first = await server({ port })
    const { log } = await storeWithDocuments()
    const a = node({ url: first.url, base: log })
    await write(a, doc, 1, 0, 'a')
    await first.kill()
    const waiting = write(a, doc, 1, 1, 'b')
    await server({ port })
    expect(await waiting).toEqual({ status: 'gap', seq: 0 })
    expect(await a.log.restore!(doc, 1, 1, bytes('ab'))).toEqual({ status: 'ok', seq: 2 })
    expect(await readText(a, doc)).toMatchObject({ seq: 2, state: 'ab', updates: [] })
  })

  it('empty does not make nodes that live look dead', async () => {
    const port = await freePort()
    const first = await server({ port })
    const { log } = await storeWithDocuments()
    const [a, b] = [
      node({ url: first.url, base: log, leaseMs: 1_500 }),
      node({ url: first.url, base: log, leaseMs: 1_500 }),
    ]
    const both = new Set([a.node, b.node])
    const seen = () => a.alive([a.node, b.node, 'nobody']).catch(() => null)
    await until(async () => (await seen())?.size === 2, 'both are seen')
    await first.kill()
    await server({ port })
    // Whatever is answered is right; it may take a lease until something is.
    let answers = 0
    await until(async () => {
      const found = await seen()
      if (found) expect(found).toEqual(both)
      return found && ++answers > 3
    }, 'both are seen again')
  })
})

describe('a write that Redis refuses for now', () => {
  it('for lack of memory waits until there is some', async () => {
    const redis = await server()
    const raw = new Redis(redis.url)
    onTestFinished(() => raw.disconnect())
    const { log } = await storeWithDocuments()
    const a = node({ url: redis.url, base: log })
    await write(a, doc, 1, 0, 'a')
    await raw.config('SET', 'maxmemory', '1')
    const waiting = write(a, doc, 1, 1, 'b')
    await until(async () => (await refusals(raw, 'OOM')) > 0, 'a refusal')
    await raw.config('SET', 'maxmemory', '0')
    expect(await waiting).toEqual({ status: 'ok', seq: 2 })
  })

  it('as a replica waits until it is made the master', async () => {
    const master = await server({ args: ['--repl-diskless-sync-delay', '0'] })
    const redis = await server({ args: ['--replicaof', '127.0.0.1', String(master.port)] })
    const raw = new Redis(redis.url)
    onTestFinished(() => raw.disconnect())
    await until(async () => (await raw.info('replication')).includes('master_link_status:up'), 'the replica is in step')
    const { log } = await storeWithDocuments()
    const a = node({ url: redis.url, base: log })
    const waiting = write(a, doc, 1, 0, 'a')
    await until(async () => (await refusals(raw, 'READONLY')) > 0, 'a refusal')
    await raw.replicaof('NO', 'ONE')
    expect(await waiting).toEqual({ status: 'ok', seq: 1 })
  })
})

/** How often Redis has answered with this error. */
async function refusals(raw: Redis, code: string): Promise<number> {
  return Number(new RegExp(`^errorstat_${code}:count=(\\d+)`, 'm').exec(await raw.info('errorstats'))?.[1] ?? 0)
}
