import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { startRedis, type RedisServer } from '../helpers/redis.ts'
import { bytes, chatId } from '../store/records.ts'
import { clusterContract } from '../../testing/contracts/cluster.ts'
import { doc, Heard, node, other, readText, storeWithDocuments, until, write } from './fixtures.ts'

let server: RedisServer
let raw: Redis
beforeAll(async () => {
  server = await startRedis({ args: ['--appendonly', 'no'] })
  raw = new Redis(server.url)
})
afterAll(async () => {
  raw.disconnect()
  await server.kill()
})
beforeEach(async () => {
  await raw.flushall()
})

describe('a node on Redis', () => {
  clusterContract((store) => node({ url: server.url, base: store.log, leaseMs: 300 }), { describe, it, expect })
})

describe('two nodes on one Redis', () => {
  async function pair() {
    const store = await storeWithDocuments()
    const [a, b] = [node({ url: server.url, base: store.log }), node({ url: server.url, base: store.log })]
    // What is told before there is a connection, nobody hears.
    await Promise.all([a.heads([doc]), b.heads([doc])])
    return { store, a, b }
  }

  it('hear what the other appends, each entry once, several followers alike, and nothing of their own', async () => {
    const { a, b } = await pair()
    const [own, first, second] = [new Heard(), new Heard(), new Heard()]
    await a.follow(doc, own.hear)
    await Promise.all([b.follow(doc, first.hear), b.follow(doc, second.hear)])
    await write(a, doc, 1, 0, 'a', 'b')
    await write(a, other, 1, 0, 'elsewhere')
    await write(a, doc, 1, 1, 'c')
    await until(() => first.entries.length === 2 && second.entries.length === 2, 'two entries')
    const expected = [
      { seq: 1, updates: ['a', 'b'] },
      { seq: 2, updates: ['c'] },
    ]
    expect(first.entries).toEqual(expected)
    expect(second.entries).toEqual(expected)
    expect(own.entries).toEqual([])
  })

  it('hear the changes of a chat, which are in the store', async () => {
    const { store, a, b } = await pair()
    const heard = new Heard()
    await b.follow(chatId, heard.hear)
    await a.log.append([{ doc: chatId, epoch: 0, previousSeq: 0, updates: [bytes('title')], shared: true }])
    await until(() => heard.entries.length === 1, 'the change')
    expect(heard.entries).toEqual([{ seq: 1, updates: ['title'] }])
    expect((await store.log.read(chatId))?.seq).toBe(1)
    expect(await raw.keys(`*${chatId}*`)).toEqual([])
  })

  it('get nothing of a document that they do not follow any more', async () => {
    const { a, b } = await pair()
    const [heard, kept] = [new Heard(), new Heard()]
    const stop = await b.follow(doc, heard.hear)
    await b.follow(other, kept.hear)
    stop()
    stop()
    await until(async () => ((await raw.call('PUBSUB', 'SHARDCHANNELS')) as string[]).length === 1, 'no subscription')
    await write(a, doc, 1, 0, 'a')
    await write(a, other, 1, 0, 'b')
    await until(() => kept.entries.length === 1, 'the entry of the other')
    expect(heard.entries).toEqual([])
  })

  it("know the last numbers of each other's logs", async () => {
    const { a, b } = await pair()
    await write(a, doc, 1, 0, 'a')
    await write(a, doc, 1, 1, 'b')
    await a.log.append([{ doc: chatId, epoch: 0, previousSeq: 0, updates: [bytes('title')], shared: true }])
    expect(await b.heads([other, doc, chatId])).toMatchObject([null, { seq: 2, epoch: 1 }, { seq: 1 }])
    await a.log.compact(doc, 1, 2, bytes('ab'))
    expect(await b.heads([doc])).toEqual([{ seq: 2, epoch: 1 }])
  })

  it('know the last numbers of the others where those of one cannot be read', async () => {
    const { a, b } = await pair()
    await write(a, doc, 1, 0, 'a')
    await a.log.append([{ doc: chatId, epoch: 0, previousSeq: 0, updates: [bytes('title')], shared: true }])
    for (const spoil of [
      () => raw.hset(`runnel:{${other}}`, 'q', 'many', 'e', '1'),
      () => raw.del(`runnel:{${other}}`).then(() => raw.set(`runnel:{${other}}`, 'no log')),
    ]) {
      await spoil()
      expect(await b.heads([other, doc, chatId])).toMatchObject([undefined, { seq: 1, epoch: 1 }, { seq: 1 }])
      await expect(async () => await b.log.read(other)).rejects.toMatchObject({ code: 'store_unavailable' })
    }
  })

  it('ask the store for the last numbers of chats where it can tell them', async () => {
    const { log } = await storeWithDocuments()
    const a = node({
      url: server.url,
      base: {
        ...log,
        heads: (docs) => docs.map(() => ({ seq: 7, epoch: 1 })),
        read: () => Promise.reject(new Error('too dear')),
      },
    })
    await write(a, doc, 1, 0, 'a')
    expect(await a.heads([chatId, doc, chatId])).toMatchObject([{ seq: 7 }, { seq: 1 }, { seq: 7 }])
  })

  it('pay no heed to what no node says', async () => {
    const { a, b } = await pair()
    const heard = new Heard()
    const news: unknown[] = []
    await b.follow(doc, heard.hear)
    b.onNews = (told) => news.push(told)
    await until(async () => (await raw.pubsub('NUMSUB', 'runnel:news'))[1] === 2, 'both listen')
    for (const message of ['', 'hello', 'tag.\x00\x00\x00\x01\xff', 'tag.\x00\x00\x00\x01\x09a'])
      await raw.spublish(`runnel:{${doc}}`, Buffer.from(message, 'latin1'))
    for (const message of ['', '{', 'null', '{}']) await raw.publish('runnel:news', message)
    await write(a, doc, 1, 0, 'a')
    a.tell('news')
    await until(() => heard.entries.length > 0 && news.length > 0, 'what the other node says')
    expect([heard.entries, news]).toEqual([[{ seq: 1, updates: ['a'] }], ['news']])
  })

  it("hear each other's news, not their own", async () => {
    const { a, b } = await pair()
    const [heardByA, heardByB]: [unknown[], unknown[]] = [[], []]
    a.onNews = (news) => heardByA.push(news)
    b.onNews = (news) => heardByB.push(news)
    await until(async () => (await raw.pubsub('NUMSUB', 'runnel:news'))[1] === 2, 'both listen')
    a.tell({ stop: 'task_1' })
    b.tell(['x'])
    await until(() => heardByA.length === 1 && heardByB.length === 1, 'the news')
    expect([heardByA, heardByB]).toEqual([[['x']], [{ stop: 'task_1' }]])
  })

  it('hear what is for one of them alone, and for no other', async () => {
    const { store, a, b } = await pair()
    const c = node({ url: server.url, base: store.log })
    const heard: unknown[] = []
    a.onNews = (news) => heard.push(['a', news])
    b.onNews = (news) => heard.push(['b', news])
    c.onNews = (news) => heard.push(['c', news])
    await c.heads([doc])
    await until(async () => (await raw.pubsub('NUMSUB', 'runnel:news'))[1] === 3, 'all listen')
    await until(async () => (await raw.pubsub('NUMSUB', `runnel:news:${b.node}`))[1] === 1, 'so does each alone')
    a.tell('for b', b.node)
    a.tell('for nobody', 'gone')
    a.tell('for all')
    await until(() => heard.length === 3, 'the news')
    expect(heard.toSorted()).toEqual([
      ['b', 'for all'],
      ['b', 'for b'],
      ['c', 'for all'],
    ])
  })

  it('put a whole state in place of a log that lost its tail, and tell it', async () => {
    const { a, b } = await pair()
    const heard = new Heard()
    await b.follow(doc, heard.hear)
    for (let seq = 0; seq < 3; seq++) await write(a, doc, 1, seq, `u${seq + 1}`)
    await raw.flushall()
    expect(await write(a, doc, 1, 3, 'u4')).toEqual({ status: 'gap', seq: 0 })
    expect(await a.log.restore!(doc, 1, 3, bytes('u1-u4'))).toEqual({ status: 'ok', seq: 4 })
    expect(await readText(b, doc)).toMatchObject({ epoch: 1, seq: 4, state: 'u1-u4', updates: [] })
    await until(() => heard.entries.length === 4, 'the state')
    expect(heard.entries.at(-1)).toEqual({ seq: 4, updates: ['u1-u4'] })
    expect(await write(a, doc, 1, 4, 'u5')).toEqual({ status: 'ok', seq: 5 })
  })

  it("put a new writer's state behind the last number of the log before it, and none in the place of a newer writer's", async () => {
    const { store, a, b } = await pair()
    for (let seq = 0; seq < 3; seq++) await write(a, doc, 1, seq, `u${seq + 1}`)
    const epoch = await store.drawEpoch(doc)
    expect(await b.log.restore!(doc, epoch, 1, bytes('all'))).toEqual({ status: 'ok', seq: 4 })
    expect(await a.log.restore!(doc, 1, 9, bytes('late'))).toEqual({ status: 'fenced' })
    expect(await readText(b, doc)).toMatchObject({ epoch, seq: 4, state: 'all', updates: [] })
  })

  it('put a state there once: the same one late takes nothing away', async () => {
    const { a, b } = await pair()
    expect(await a.log.restore!(doc, 1, 3, bytes('u1-u4'))).toEqual({ status: 'ok', seq: 4 })
    await write(a, doc, 1, 4, 'u5')
    expect(await a.log.restore!(doc, 1, 3, bytes('u1-u4'))).toEqual({ status: 'ok', seq: 5 })
    expect(await readText(b, doc)).toMatchObject({ seq: 5, state: 'u1-u4', updates: ['u5'] })
  })

  it('read what the store has and what is live as one', async () => {
    const { store, a, b } = await pair()
    await store.log.append([{ doc, epoch: 1, previousSeq: 0, updates: [bytes('before Redis')] }])
    await write(a, doc, 1, 0, 'a')
    expect(await readText(b, doc)).toMatchObject({ seq: 1, state: null, updates: ['before Redis', 'a'] })
    await store.log.compact(doc, 1, 1, bytes('kept'))
    expect(await readText(b, doc)).toMatchObject({ seq: 1, state: 'kept', updates: ['a'] })
    await a.log.compact(doc, 1, 1, bytes('live'))
    expect(await readText(b, doc)).toMatchObject({ seq: 1, state: 'live', updates: ['kept'] })
  })
})

describe('what is in Redis', () => {
  it('has an end, put off by every write, soon once the message has ended', async () => {
    const { log } = await storeWithDocuments()
    const a = node({ url: server.url, base: log, ttlMs: 100_000 })
    const ends = async () => await Promise.all((await raw.keys('runnel:{msg*')).map((key) => raw.pttl(key)))
    await write(a, doc, 1, 0, 'a')
    expect(await ends()).toHaveLength(2)
    for (const key of await raw.keys('runnel:{msg*')) await raw.pexpire(key, 5_000)
    await write(a, doc, 1, 1, 'b')
    for (const ms of await ends()) expect(ms).toBeGreaterThan(90_000)
    await a.log.compact(doc, 1, 1, bytes('a'))
    for (const ms of await ends()) expect(ms).toBeGreaterThan(90_000)

    await a.log.release!(doc, 0)
    for (const ms of await ends()) expect(ms).toBeGreaterThan(90_000)
    await a.log.release!(doc, 1)
    expect(await ends()).toHaveLength(2)
    for (const ms of await ends()) expect(ms).toBeLessThanOrEqual(60_000)
    await until(async () => (await raw.pttl(`runnel:{nodes}:${a.node}`)) > 0, 'a sign of life')
    for (const key of await raw.keys('*')) expect(await raw.pttl(key), key).toBeGreaterThan(0)
  })

  it('goes at once when the message was deleted', async () => {
    const { log } = await storeWithDocuments()
    const a = node({ url: server.url, base: log })
    await write(a, doc, 1, 0, 'a')
    await write(a, other, 1, 0, 'a')
    await a.log.forget!([doc, 'msg_unknown1'])
    expect((await raw.keys('runnel:{msg*')).sort()).toEqual([`runnel:{${other}}`, `runnel:{${other}}l`])
  })

  it('holds no byte of what compaction replaced', async () => {
    const { log } = await storeWithDocuments()
    const a = node({ url: server.url, base: log })
    await write(a, doc, 1, 0, 'my secret is')
    await write(a, doc, 1, 1, 'safe')
    await a.log.compact(doc, 1, 1, bytes('[redacted]'))
    expect(await readText(a, doc)).toMatchObject({ state: '[redacted]', updates: ['safe'] })
    for (const key of await raw.keys('runnel:{msg*')) expect((await raw.dumpBuffer(key)).includes('secret')).toBe(false)
  })
})

it('refuses what Redis refuses for good, without waiting', async () => {
  const { log } = await storeWithDocuments()
  const a = node({ url: server.url, base: log })
  await raw.set(`runnel:{${doc}}`, 'not a log')
  await expect(write(a, doc, 1, 0, 'a')).rejects.toMatchObject({
    code: 'store_unavailable',
    message: 'Redis refuses: WRONGTYPE.',
  })
  onTestFinished(async () => {
    await raw.flushall()
  })
})
