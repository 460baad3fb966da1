/** The end of a run, and what is said to it, belong to that run: not to one that came after it, not to a message that is gone. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { localCluster } from '../../server/cluster/local.ts'
import { MessageWriter } from '../../server/document/message-writer.ts'
import type { Room } from '../../server/room/room.ts'
import type { Rooms } from '../../server/room/rooms.ts'
import { memoryStore } from '../../server/store/memory/memory.ts'
import { openPostgresStore } from '../../server/store/postgres/postgres.ts'
import type { Store } from '../../server/store/store.ts'
import { saveEnd, type Ending } from '../../server/task/ending.ts'
import { Ends } from '../../server/task/ends.ts'
import { MessageReader } from '../../server/task/message-reader.ts'
import { endLater } from '../../server/task/recovery.ts'
import { RunnelError } from '../../shared/errors.ts'
import { readChat } from '../../shared/schema.ts'
import { Random } from '../fuzz/random.ts'
import { startPostgres, type Postgres } from '../helpers/postgres.ts'
import { Hub, turn } from '../room/hub.ts'
import { askedIn, chatId, messageId, process } from './process.ts'

const user = { id: 'u', name: 'u' }
const fields = { id: messageId, chatId, parentId: null, role: 'assistant', createdAt: 1, schema: 1 } as const

/** A store of its own for one process, whose calls a test may hold up. */
function heldStore(store: Store) {
  const held = { ...store }
  const hold = <Name extends 'drawEpoch' | 'endRun'>(
    name: Name,
    match: (arg: Parameters<Store[Name]>[0]) => boolean,
  ) => {
    const reached = Promise.withResolvers<void>()
    const released = Promise.withResolvers<void>()
    held[name] = (async (arg: never) => {
      if (match(arg)) {
        reached.resolve()
        await released.promise
      }
      return await (store[name] as (arg: never) => unknown)(arg)
    }) as never
    return { reached: reached.promise, release: released.resolve }
  }
  return { held, hold }
}

async function listed(rooms: Rooms, hub?: Hub) {
  hub?.deliver()
  const room = (await rooms.open(chatId)) as Room
  await rooms.following.refresh(room)
  const { messages } = readChat(room.doc)
  rooms.unpin(room)
  return messages
}

/** Two nodes; the run of the message, which waits to be taken up, is node a's. */
async function twoNodes(storeOfA: (store: Store) => Store, now?: () => number) {
  const hub = new Hub(new Random(1), 0)
  const { store } = hub
  await askedIn(store, 'a')
  const a = process(storeOfA(store), { ...hub.cluster('a'), alive: async (nodes) => new Set(nodes) }, now)
  const b = process(store, { ...hub.cluster('b'), alive: async (nodes) => new Set(nodes) }, now)
  const close = async () => {
    for (const { tasks, rooms } of [a, b]) {
      await tasks.close(0)
      await rooms.close()
    }
  }
  return { hub, store, a, b, close }
}

/** Node a has carried the run of a message out, which has ended before: it goes on with it. */
async function continuedOn(node: ReturnType<typeof process>, store: Store): Promise<string> {
  const { taskId } = await node.tasks.continue({
    user,
    message: (await store.getMessage(messageId))!,
    claim: undefined,
  })
  return taskId
}

async function endedIn(store: Store): Promise<void> {
  const doc = new Y.Doc()
  const writer = new MessageWriter(doc, 1)
  writer.setMessage({ ...fields, taskId: 'task_1', status: 'interrupted' })
  await store.log.append([{ doc: messageId, epoch: 1, previousSeq: 0, updates: writer.commit() }])
  const message = { ...fields, taskId: 'task_1', status: 'interrupted' as const, output: [] }
  await store.endRun({ message, taskId: 'task_1', epoch: 1, state: Y.encodeStateAsUpdate(doc) })
  await store.endListed({ messageId, taskId: 'task_1' })
}

for (const call of ['endRun', 'drawEpoch'] as const) {
  test(`a message that is deleted while its end is being saved elsewhere stays deleted (${call} held)`, async () => {
    let hold!: ReturnType<typeof heldStore>['hold']
    const { hub, store, a, b, close } = await twoNodes((store) => {
      const made = heldStore(store)
      hold = made.hold
      return made.held
    })
    await endedIn(store)
    await b.chats.edit(chatId, (writer) => writer.setMessages([[messageId, { ...fields, status: 'completed' }]]))
    const holding =
      call === 'endRun' ? hold('endRun', () => true) : hold('drawEpoch', (doc) => (doc as string) === chatId)
    const continuing = continuedOn(a, store)
    await holding.reached
    await b.chats.remove(chatId, [messageId])
    await store.deleteMessages(messageId)
    holding.release()
    await continuing.catch(() => {})
    await a.tasks.ofMessage(messageId)?.done
    await turn()
    for (const { rooms } of [a, b]) expect(await listed(rooms, hub)).toEqual({})
    expect(await store.unlistedEnds()).toEqual([])
    await close()
  })
}

test('an old end that is repeated after an unknown commit changes nothing of the run that came after it', async () => {
  const lost = Promise.withResolvers<void>()
  const repeated = Promise.withResolvers<string>()
  const { hub, store, a, b, close } = await twoNodes((store) => {
    let calls = 0
    return {
      ...store,
      endRun: async (final) => {
        const result = await store.endRun(final)
        if (calls++ > 0) {
          repeated.resolve(result)
          return result
        }
        lost.resolve()
        throw new RunnelError('store_unavailable', 'The answer was lost.', { details: { outcome: 'unknown' } })
      },
    }
  })
  await endedIn(store)
  await continuedOn(a, store)
  await lost.promise
  // Another node finds the end that nobody lists, lists it, and the message goes on there.
  const [end] = await store.unlistedEnds()
  await store.endListed(end!)
  const next = Promise.withResolvers<void>()
  const { endRun } = store
  store.endRun = async (final) => {
    if (final.taskId !== end!.taskId) await next.promise
    return await endRun(final)
  }
  const taskId = await continuedOn(b, store)
  const before = { row: await store.getMessage(messageId), entry: (await listed(b.rooms, hub))[messageId] }
  expect(before.row).toMatchObject({ taskId, status: 'queued', json: null })
  expect(await repeated.promise).toBe('not current')
  await turn()
  await turn()
  expect({ row: await store.getMessage(messageId), entry: (await listed(b.rooms, hub))[messageId] }).toMatchObject({
    row: before.row,
    entry: { status: expect.stringMatching(/queued|streaming/) },
  })
  next.resolve()
  await b.tasks.ofMessage(messageId)?.done
  expect(await store.getMessage(messageId)).toMatchObject({ taskId, status: 'completed' })
  await close()
})

/** Tells of ends, of which the store must know. */
function teller(store: Store) {
  const told: string[] = []
  const ends = new Ends({
    store,
    tell: ({ taskId }) => void told.push(taskId!),
    maxMs: 1_000,
    now: Date.now,
    onError: () => {},
  })
  return { ends, told }
}

/** An answer that a process began to write, and that nobody writes any more. */
async function brokenOffIn(store: Store): Promise<void> {
  const writer = new MessageWriter(new Y.Doc(), 1)
  writer.setMessage({ ...fields, taskId: 'task_1', status: 'streaming' })
  await store.log.append([{ doc: messageId, epoch: 1, previousSeq: 0, updates: writer.commit() }])
}

for (const onLostRun of ['interrupt', 'continue'] as const) {
  test(`an end whose commit had its answer lost is told at once, or with the newer end (${onLostRun})`, async () => {
    const store = memoryStore()
    await askedIn(store, 'local')
    await brokenOffIn(store)
    let ended = 0
    const losing: Store = {
      ...store,
      endRun: async (final) => {
        const result = await store.endRun(final)
        if (ended++ > 0) return result
        throw new RunnelError('store_unavailable', 'The answer was lost.', { details: { outcome: 'unknown' } })
      },
    }
    const { ends, told } = teller(store)
    const { rooms, tasks } = process(losing, localCluster(store.log), Date.now, { ends, onLostRun })
    await tasks.recover()
    await tasks.ofMessage(messageId)?.done
    await expect.poll(() => store.untoldEnds()).toEqual([])
    const { taskId } = (await store.getRow(messageId))!
    expect(told).toEqual([taskId])
    expect(taskId === 'task_1').toBe(onLostRun === 'interrupt')
    await tasks.close(0)
    await rooms.close()
    await ends.close(0)
  })
}

test('an end that another node saved in place of this one is told there only', async () => {
  const store = memoryStore()
  await askedIn(store, 'local')
  await brokenOffIn(store)
  const { rooms, chats } = process(store, localCluster(store.log))
  const room = (await rooms.open(messageId))!
  await store.takeOver(messageId, 'local', 'other')
  const message = { ...fields, taskId: 'task_1', status: 'interrupted' as const, output: [] }
  await store.endRun({ message, taskId: 'task_1', epoch: 1, state: Y.encodeStateAsUpdate(room.doc), tell: true })
  const { ends, told } = teller(store)
  const ending: Ending = { messageId, taskId: 'task_1', chatId, room, epoch: 1, providerData: [] }
  const options = { rooms, store, chats, now: Date.now, ends, node: 'local', onError: () => {} }
  expect(await saveEnd(options, ending, () => false)).toMatchObject({ id: messageId })
  await turn()
  expect([told, await store.untoldEnds()]).toEqual([[], [{ messageId, taskId: 'task_1' }]])
  await rooms.close()
})

test('an end that a kill left out of the list is listed by the next start', async () => {
  const store = memoryStore()
  await askedIn(store, 'local')
  await endedIn(store)
  const { held, hold } = heldStore(store)
  const killed = process(held, localCluster(store.log))
  const holding = hold('drawEpoch', (doc) => doc === chatId)
  const continuing = continuedOn(killed, store)
  await holding.reached
  // It never writes into the chat any more.
  void continuing.catch(() => {})
  const run = killed.tasks.ofMessage(messageId)!
  run.end('stopped')
  await expect.poll(async () => (await store.getMessage(messageId))!.status).toBe('stopped')
  expect(await store.unlistedEnds()).toEqual([{ messageId, taskId: run.taskId }])
  const { tasks, rooms, errors } = process(store, localCluster(store.log))
  await tasks.recover()
  expect(await listed(rooms)).toMatchObject({ [messageId]: { role: 'assistant', status: 'stopped' } })
  expect([await store.unlistedEnds(), errors]).toEqual([[], []])
  await tasks.close(0)
  await rooms.close()
})

test('an end that a node left out of the list is listed by another after a lease, and not sooner', async () => {
  let time = 0
  const { hub, store, b, close } = await twoNodes(
    (store) => store,
    () => time,
  )
  const message = { ...fields, taskId: 'task_1', status: 'completed' as const, output: [] }
  await store.endRun({ message, taskId: 'task_1', epoch: 1, state: Y.encodeStateAsUpdate(new Y.Doc()) })
  for (; time < 1_000; time += 300) {
    b.tasks.sweepNodes()
    await turn()
    expect(await store.unlistedEnds()).toHaveLength(1)
  }
  b.tasks.sweepNodes()
  await expect.poll(() => store.unlistedEnds()).toEqual([])
  expect(await listed(b.rooms, hub)).toMatchObject({ [messageId]: { status: 'completed' } })
  await close()
})

test('what the log refused of a run is not written into the run that came after it', async () => {
  const { store, a, close } = await twoNodes((store) => store)
  await endedIn(store)
  await store.continueRun({ messageId, taskId: 'task_2', userId: 'u', node: 'a', request: null })
  const options = { rooms: a.rooms, store, chats: a.chats, now: Date.now, ends: null, node: 'a', onError: () => {} }
  const saved: Ending[] = []
  const save = async (ending: Ending) => {
    saved.push(ending)
    return null
  }
  const room = (await a.rooms.open(messageId))!
  const lost = { messageId, taskId: 'task_1', room, writer: new MessageWriter(room.doc, 1) }
  expect(await endLater(options, lost, save, () => false)).toBeNull()
  a.rooms.unpin(room)
  expect(saved).toEqual([])
  expect((await store.log.read(messageId))!.epoch).toBe(1)
  await close()
})

test('a try to put back what the log refused leaves its room as it found it', async () => {
  const { store, a, close } = await twoNodes((store) => store)
  const { following } = a.rooms
  const putBack = following.putBack.bind(following)
  const errors: unknown[] = []
  following.putBack = async () => {
    following.putBack = putBack
    throw new RunnelError('store_unavailable', 'Redis is away.')
  }
  const options = {
    ...{ rooms: a.rooms, store, chats: a.chats, now: Date.now, ends: null, node: 'a' },
    onError: (error: unknown) => errors.push(error),
  }
  const room = (await a.rooms.open(messageId))!
  a.rooms.unpin(room)
  const lost = { messageId, taskId: 'task_1', room, writer: new MessageWriter(room.doc, 1) }
  let pins = 0
  const save = async (ending: Ending) => {
    pins = ending.room.pins
    a.rooms.unpin(ending.room)
    return null
  }
  await endLater(options, lost, save, () => false)
  expect([errors.length, pins, room.pins]).toEqual([1, 1, 0])
  await close()
})

test('what was deleted while it was being read is left out of the list of tasks', async () => {
  const { store, b, close } = await twoNodes((store) => store)
  const { read } = store.log
  store.log.read = async (doc) => {
    await store.deleteMessages(doc)
    return await read(doc)
  }
  const row = (await store.getMessage(messageId))!
  expect(await b.tasks.list('u')).toEqual([])
  // The history of a chat leaves it out by the same.
  expect(await new MessageReader(b.rooms, store).find(row)).toBeNull()
  await close()
})

test('a stop between the writing of a new run and its admission stops it', async () => {
  const store = memoryStore()
  await askedIn(store, 'local')
  await endedIn(store)
  const written = Promise.withResolvers<string>()
  const admitted = Promise.withResolvers<void>()
  const { rooms, tasks, asked } = process(
    {
      ...store,
      startRun: async (run) => {
        const claimed = await store.startRun(run)
        written.resolve(run.assistant.id)
        await admitted.promise
        return claimed
      },
    },
    localCluster(store.log),
  )
  const chat = (await store.getChat(chatId))!
  const starting = tasks.start({
    user,
    chat,
    question: { content: 'Why?' },
    parentId: undefined,
    request: { model: 'm' },
    claim: undefined,
  })
  const row = (await store.getMessage(await written.promise))!
  const stopping = tasks.stop(row, { id: 'user_1', name: 'Ada' })
  await expect.poll(() => rooms.peek(row.id)).toBeDefined()
  admitted.resolve()
  await starting
  expect(await stopping).toMatchObject({ status: 'stopped' })
  await tasks.ofMessage(row.id)?.done
  expect(asked).toEqual([])
  expect(await store.getMessage(row.id)).toMatchObject({ status: 'stopped' })
  await tasks.close(0)
  await rooms.close()
})

describe('without other nodes', () => {
  let postgres: Postgres
  beforeAll(async () => {
    postgres = await startPostgres()
  }, 30_000)
  afterAll(() => postgres.close())

  for (const kind of ['memory', 'Postgres'] as const) {
    test(`a stop between the writing of a run that goes on and its admission stops it (${kind})`, async () => {
      const store = kind === 'memory' ? memoryStore() : openPostgresStore(await postgres.database())
      await askedIn(store, 'local')
      await endedIn(store)
      const { held, hold } = heldStore(store)
      const { rooms, tasks, asked } = process(held, localCluster(store.log))
      const holding = hold('drawEpoch', (doc) => doc === messageId)
      const continuing = continuedOn({ tasks } as never, store)
      await holding.reached
      const row = (await store.getMessage(messageId))!
      const stopping = tasks.stop(row, { id: 'user_1', name: 'Ada' })
      await expect.poll(() => store.ordersOf([row.taskId!])).toHaveLength(1)
      holding.release()
      await continuing
      expect(await stopping).toMatchObject({ status: 'stopped' })
      expect(asked).toEqual([])
      await tasks.close(0)
      await rooms.close()
      expect(await store.getMessage(messageId)).toMatchObject({ status: 'stopped' })
      await store.close()
    })
  }
})
