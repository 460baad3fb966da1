/** One who follows a document throws: the others are served, that one is closed, and it is told. */
import { Writable } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { localCluster } from '../../server/cluster/local.ts'
import { MessageWriter } from '../../server/document/message-writer.ts'
import { CatchUpQueue } from '../../server/room/catchup.ts'
import { EventFeed } from '../../server/events/event-feed.ts'
import { EventReader } from '../../server/events/event-reader.ts'
import { Outbox } from '../../server/room/outbox.ts'
import type { ChangeObserver } from '../../server/room/audience.ts'
import type { Room } from '../../server/room/room.ts'
import { Rooms } from '../../server/room/rooms.ts'
import { Session } from '../../server/room/session.ts'
import type { Subscription } from '../../server/room/subscription.ts'
import { chatId, flush, messageId, turn, world } from './hub.ts'

const broken = (): never => {
  throw new Error('broken')
}

/** A room that one node writes, with what was told of its faults. */
async function opened(doc = messageId) {
  const { store } = await world(1, 0)
  const faults: string[] = []
  const rooms = new Rooms({
    cluster: localCluster(store.log),
    flushMs: 1,
    now: Date.now,
    onEvict: async () => {},
    onFault: (error, doc) => faults.push(`${doc}: ${(error as Error).message}`),
  })
  onTestFinished(() => rooms.close())
  const room = (await rooms.open(doc))!
  return { store, rooms, room, faults }
}

async function written(doc = messageId) {
  const world = await opened(doc)
  const writer = new MessageWriter(world.room.doc, await world.store.drawEpoch(messageId))
  world.rooms.attach(world.room, writer)
  const block = writer.openBlock({ type: 'text', status: 'in_progress' })
  await flush(world.rooms, world.room)
  const say = async (text: string) => {
    writer.append(block, 'text', text)
    await flush(world.rooms, world.room)
  }
  return { ...world, writer, block, say }
}

function viewer(room: Room, catchUp = new CatchUpQueue(1_000_000)) {
  const closed: string[] = []
  let bytes = 0
  const socket = new Writable({
    write: (chunk: Buffer, _encoding, taken) => {
      bytes += chunk.length
      taken()
    },
  })
  const outbox = new Outbox(socket, { highWaterBytes: 1_000_000, now: Date.now })
  const session: Session = new Session({
    format: 'channels',
    outbox,
    catchUp,
    close: ({ code }) => {
      closed.push(code)
      session.close()
    },
  })
  session.user = { id: 'u', name: 'u' }
  session.follow([{ room, stateVector: undefined, reset: false, role: 'viewer' }])
  return { session, outbox, closed, bytes: () => bytes }
}

/** Everything that was sent has reached the sockets. */
const taken = async () => {
  for (let i = 0; i < 5; i++) await turn()
}

test('a viewer whose socket throws is closed with `internal`; the others get the update', async () => {
  const { room, say, faults } = await written()
  const viewers = [viewer(room), viewer(room), viewer(room)]
  await taken()
  const before = viewers.map(({ bytes }) => bytes())
  viewers[1]!.outbox.send = broken
  await say('Hello')
  await taken()
  expect(viewers.map(({ closed }) => closed)).toEqual([[], ['internal'], []])
  expect(viewers[0]!.bytes()).toBeGreaterThan(before[0]!)
  expect(viewers[2]!.bytes()).toBe(viewers[0]!.bytes())
  expect(faults).toEqual([`${messageId}: broken`])
  expect(room.audience.viewers.size).toBe(2)
  await say(', world')
  expect(faults).toHaveLength(1)
  expect(room.lost).toBeNull()
})

test.each(['shown', 'moved', 'lost'] as const)(
  'an observer that throws in `%s` loses the document; the others go on',
  async (method) => {
    const { room, rooms, say, faults } = await written()
    const told: string[] = []
    const observer = (name: string): ChangeObserver => ({
      shown: () => void told.push(`${name} shown`),
      moved: () => void told.push(`${name} moved`),
      lost: ({ code }) => void told.push(`${name} lost ${code}`),
    })
    const bad = { ...observer('bad'), [method]: broken }
    for (const one of [observer('first'), bad, observer('last')]) room.audience.observers.add(one)
    if (method === 'shown') await say('Hello')
    else if (method === 'moved')
      room.catchUp({ lineage: 'line', epoch: 1, seq: room.seq, state: null, updates: [] }, () => {})
    else rooms.forget([messageId])
    const of = (name: string) => told.filter((line) => line.startsWith(name))
    expect(of('first')).toEqual([method === 'lost' ? 'first lost not_found' : `first ${method}`])
    expect(of('last')).toEqual([method === 'lost' ? 'last lost not_found' : `last ${method}`])
    expect(of('bad')).toEqual(method === 'lost' ? [] : ['bad lost internal'])
    expect(faults[0]).toBe(`${messageId}: broken`)
    if (method !== 'lost') {
      await say('more')
      expect(of('last')).toHaveLength(2)
      expect(of('bad')).toHaveLength(1)
    }
  },
)

test('a reader of events that throws ends; the others of its feed are sent the event', async () => {
  const { room, say, faults } = await written()
  const readers = [0, 1, 2].map(() => {
    const outbox = new Outbox(new Writable({ write: (_chunk, _encoding, taken) => taken() }), {
      highWaterBytes: 1_000_000,
      now: Date.now,
    })
    const read = { outbox, over: 0, sent: '' }
    const reader = EventFeed.join(
      room,
      Date.now,
      (feed) =>
        new EventReader({
          feed,
          mode: 'deltas',
          since: null,
          catchUp: new CatchUpQueue(1_000_000),
          now: Date.now,
          outbox,
          onOver: () => {
            read.over += 1
            reader.close()
          },
        }),
    )
    reader.begin()
    outbox.send = (frames) => void (read.sent += Buffer.concat([...frames]).toString())
    return read
  })
  await taken()
  readers[1]!.outbox.send = broken
  await say('Hello')
  expect(readers.map(({ over }) => over)).toEqual([0, 1, 0])
  await say('world')
  for (const { sent } of [readers[0]!, readers[2]!]) expect(sent).toMatch(/Hello[^]*world/)
  expect(faults).toEqual([`${messageId}: broken`])
})

test('those who wait for a document are each called, whatever one of them throws', async () => {
  const { room, faults } = await written()
  const called: number[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  room.hold(
    (function* () {
      for (const end = performance.now() + 30; performance.now() < end;) yield
    })(),
    () => room.whenSettled(() => called.push(1)),
    broken,
  )
  expect(room.appending).toBe(true)
  room.whenSettled(broken)
  room.whenSettled(() => {
    called.push(2)
    resolve()
  })
  await promise
  expect(called).toEqual([2, 1])
  expect(faults).toEqual([`${messageId}: broken`])
})

test('long work that throws leaves the document free, and its caller knows', async () => {
  const { room, say } = await written()
  for (const pieces of [0, 30]) {
    const failed = new Promise<unknown>((resolve) =>
      room.hold(
        (function* () {
          for (const end = performance.now() + pieces; performance.now() < end;) yield
          broken()
        })(),
        broken,
        resolve,
      ),
    )
    expect(((await failed) as Error).message).toBe('broken')
    await turn()
    expect(room.appending).toBe(false)
  }
  await say('goes on')
})

test('a document that cannot be read fails who asks for it, and the sweep goes on to the others', async () => {
  const { room, rooms, faults } = await written()
  const other = (await rooms.open(chatId))!
  const [seen, alsoSeen] = [viewer(room), viewer(other)]
  // Something in it that is no block.
  Object.defineProperty(room.doc.getMap('message'), 'get', { value: broken })
  Object.defineProperty(room.doc.getMap('message'), 'toJSON', { value: broken })
  await taken()
  const before = alsoSeen.bytes()
  expect(() => rooms.sweep()).not.toThrow()
  await taken()
  expect(alsoSeen.bytes()).toBeGreaterThan(before)
  expect(faults).toContain(`${messageId}: broken`)
  expect(seen.closed).toEqual([])
  await expect(room.read()).rejects.toThrow('broken')
  Reflect.deleteProperty(room.doc.getMap('message'), 'get')
  Reflect.deleteProperty(room.doc.getMap('message'), 'toJSON')
})

test('an encoder that throws while one catches up closes that one; others catch up behind it', async () => {
  const { room, faults } = await written()
  const catchUp = new CatchUpQueue(1_000_000)
  const { of } = room.shown.differences
  room.shown.differences.of = function* () {
    yield
    broken()
    return null as never
  }
  const first = viewer(room, catchUp)
  room.shown.differences.of = of
  const second = viewer(room, catchUp)
  expect(first.closed).toEqual(['internal'])
  expect(second.closed).toEqual([])
  expect([...room.audience.viewers].map((left) => (left as Subscription).lags)).toEqual([false])
  expect(faults).toEqual([`${messageId}: broken`])
})

test('presence that one cannot be told is told to the others', async () => {
  const { rooms, room, faults } = await opened(chatId)
  const [first, bad, last] = [viewer(room), viewer(room), viewer(room)] as const
  const [, viewerOfBad] = [...room.audience.viewers]
  viewerOfBad!.tellPresence = broken
  room.presence!.takeShared('another', { viewers: 1, states: [[7, JSON.stringify({ user: { id: 'v', name: 'v' } })]] })
  await taken()
  const before = last.bytes()
  rooms.sweep()
  await taken()
  expect(bad.closed).toEqual(['internal'])
  expect([first.closed, last.closed]).toEqual([[], []])
  expect(last.bytes()).toBeGreaterThan(before)
  expect(faults).toEqual([`${chatId}: broken`])
})

test('a fault in what shows an entry loses that document alone', async () => {
  const { rooms, room, say, faults } = await written()
  room.log.add = broken
  await say('Hello')
  expect(room.lost?.code).toBe('internal')
  expect(faults).toEqual([`${messageId}: broken`])
  expect((await rooms.open(chatId))?.lost).toBeNull()
})
