/** Whoever reaches Redis can say something on the channels of the nodes, and a client can ask many times at once. */
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import * as Y from 'yjs'
import { encodePublication } from '../../server/cluster/redis-entry.ts'
import { isReadable } from '../../server/room/readable.ts'
import { encodeChannelMessage, encodeStock } from '../../shared/protocol.ts'
import { Collector, type StartedRunnel } from '../../testing/index.ts'
import { chosenSeeds, Random } from '../fuzz/random.ts'
import { longVarUint } from '../fuzz/var-uints.ts'
import { until } from '../socket/sockets.ts'
import { newWorld, usePostgres } from './nodes.ts'

usePostgres()

const [seed] = chosenSeeds(1) as [number]

async function ended({ url }: StartedRunnel, messageId: string): Promise<void> {
  const viewer = new Collector(url)
  await viewer.toEnd(messageId)
  await viewer.close()
}

async function startTwo() {
  const world = await newWorld()
  const [a, b] = await Promise.all([world.node(), world.node()])
  const raw = new Redis(world.redis.url)
  onTestFinished(() => raw.disconnect())
  const { id } = (await a.call('POST', '/api/chats', { title: 'one' })).body as { id: string }
  const viewer = new Collector(b.url)
  onTestFinished(() => viewer.close())
  const [chat] = await viewer.follow(id)
  const title = () => (chat!.json as { chat: { title: string } }).chat.title
  await viewer.until(() => chat!.subscribed !== null && chat!.updates > 0 && title() === 'one', 'the chat')
  return { a, b, raw, id, viewer, chat: chat!, title }
}

test('news that are none end no node and stand in the way of none', async () => {
  const { a, raw, id, viewer, title } = await startTwo()
  const news: unknown[] = [
    null,
    undefined,
    1,
    'order',
    [],
    {},
    { type: null },
    { type: 'order' },
    { type: 'order', taskId: {} },
    { type: 'presence', chat: id },
    { type: 'presence', chat: id, node: 'x', shared: null },
    { type: 'presence', chat: id, node: 'x', shared: { viewers: 1 } },
    { type: 'presence', chat: id, node: 'x', shared: { viewers: -1, states: [] } },
    ...[null, [], [1], [0, '{"user":{"id":"x","name":"x"}}'], [1.5, '{"user":{"id":"x","name":"x"}}'], [1, 'null']].map(
      (state) => ({ type: 'presence', chat: id, node: 'x', shared: { viewers: 1, states: [state] } }),
    ),
    { type: 'presence', chat: id, node: 'x', shared: { viewers: 1, states: [[7, '{"user":{}}']] } },
    { type: 'sync' },
    { type: 'sync', node: a.runnel.stats(), session: 1 },
    ...['', 'AAAA', 'gQA=', '?'].map((frames) => ({
      type: 'sync',
      node: 'x',
      from: 'y',
      id: '1',
      session: 'x.y',
      userId: 'local',
      n: 1,
      frames,
    })),
    { type: 'sync', node: 'x', from: 'y', id: '1', session: 'x', userId: 'local', n: -1, frames: '' },
    { type: 'synced', node: 'x', id: '1', outcome: { is: 'over' } },
    { type: 'succeeded', node: 'x' },
    { type: 'chat', users: 'local', event: { type: 'chat', event: 'created', chatId: id } },
    { type: 'chat', users: ['local'], event: null },
    { type: 'chat', users: ['local'], event: { type: 'welcome' } },
    { type: 'chat', users: ['local'], event: { type: 'chat', event: 'created' } },
    { type: 'access' },
    { type: 'gone', docs: null },
    { type: 'gone', docs: [null] },
    { type: 'fromTheFuture' },
  ]
  for (const told of news) await raw.publish('runnel:news', JSON.stringify(['x', told]))
  // 1e400 is read as Infinity.
  for (const text of [
    '["x"]',
    '["x",null,1]',
    '{"x":1}',
    '[1,{}]',
    `["x",{"type":"presence","chat":"${id}","node":"x","shared":{"viewers":1e400,"states":[[1e400,"{}"]]}}]`,
  ])
    await raw.publish('runnel:news', text)
  await a.call('PATCH', `/api/chats/${id}`, { title: 'two' })
  await viewer.until(() => title() === 'two', 'the change')
  // The sweep has told what it knows, and news go on.
  await until(() => viewer.control.some((message) => message.type === 'chat' && message.title === 'two'), 'the news')
  expect(viewer.closed).toBeNull()
})

test(`entries that are none end no node, and nobody sees them (seed ${seed})`, async () => {
  const { a, b, raw, id, viewer, chat, title } = await startTwo()
  const random = new Random(seed)
  const good = new Y.Doc()
  good.clientID = 64 * 1_000
  good.getMap('stranger').set('a', 1)
  const update = Y.encodeStateAsUpdate(good)
  // What can be read, nobody can tell from a node's words.
  const hostile = Array.from({ length: 90 }, (_, i): Uint8Array => {
    const number = longVarUint(random.pick([9, 148, random.integer(10, 200)]), random)
    if (i % 3 === 0) return Buffer.concat([Uint8Array.of(0, 1, 64, 1), number, Uint8Array.of(1)])
    if (i % 3 === 1) return Buffer.concat([Uint8Array.of(1, 1), number, Uint8Array.of(0, 4, 1, 1, 97, 1, 98, 0)])
    const cut = random.integer(1, update.length - 1)
    return Buffer.concat([update.subarray(0, cut), number, update.subarray(cut)])
  }).filter((bytes) => !isReadable(bytes))
  expect(hostile.length).toBeGreaterThan(30)
  for (const [i, bytes] of hostile.entries()) {
    for (const number of [i + 1, 2 ** 32 - 1])
      await raw.spublish(
        `runnel:{${id}}`,
        encodePublication(Uint8Array.of(1, 2, 3, 4), { seq: number, updates: [bytes] }),
      )
  }
  for (const bytes of [Uint8Array.of(), Uint8Array.of(1, 2, 3, 4, 0, 0, 0, 1, ...longVarUint(148, random))])
    await raw.spublish(`runnel:{${id}}`, Buffer.from(bytes))
  await a.call('PATCH', `/api/chats/${id}`, { title: 'two' })
  await viewer.until(() => title() === 'two', 'the change')
  // Who joins gets the whole state, encoded anew.
  const late = new Collector(b.url)
  onTestFinished(() => late.close())
  const [joined] = await late.follow(id)
  await late.until(() => joined!.checkpoints.length > 0, 'the checkpoint')
  expect(joined!.checkpoints.every(({ matches }) => matches)).toBe(true)
  expect(joined!.json).toEqual(chat.json)
})

test('what stands in Redis of a message and is no log is a document that cannot be had, not the end of a node', async () => {
  const { a, b, raw, title } = await startTwo()
  const { messageId } = await a.ask('Hello')
  await ended(a, messageId)
  for (const [epoch, seq] of [
    ['Infinity', '1'],
    ['1', '1e400'],
    ['-1', 'x'],
  ] as const) {
    await raw.hset(`runnel:{${messageId}}`, { e: epoch, q: seq })
    const other = new Collector(b.url)
    const [message] = await other.follow(messageId)
    await other.until(() => message!.refused !== null, 'the refusal')
    expect(message!.refused).toMatchObject({ code: 'store_unavailable' })
    await other.close()
  }
  expect(title()).toBe('one')
  expect((await b.call('GET', '/api/chats')).status).toBe(200)
})

test('thousands of sync step 1s that are ahead, in one frame, make Redis look twice', async () => {
  const { b, raw, a } = await startTwo()
  const { messageId } = await a.ask('Hello')
  await ended(a, messageId)
  const viewer = new Collector(b.url)
  const [message] = await viewer.follow(messageId)
  await viewer.until(() => message!.ended, 'the end')
  const ahead = encodeStock({ type: 'syncStep1', stateVector: Y.encodeStateVector(new Map([[64, 2 ** 40]])) })
  const asked = async () => {
    const [, calls] = /cmdstat_hmget:calls=(\d+)/.exec(await raw.info('commandstats')) ?? []
    return Number(calls ?? 0)
  }
  const before = await asked()
  await viewer.send(
    Buffer.concat(
      Array.from({ length: 5_000 }, () => Buffer.from(encodeChannelMessage(message!.subscribed!.channel, ahead))),
    ),
  )
  await viewer.until(() => viewer.closed !== null, 'the end')
  expect(viewer.closed!.code).toBe(4409)
  // Two looks of this room, and those that every node makes by itself.
  expect((await asked()) - before).toBeLessThan(12)
})
