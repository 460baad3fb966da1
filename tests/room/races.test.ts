/** What happens while somebody waits: rooms that are lost, entries that come, writers that change. */
import { Writable } from 'node:stream'
import type { Response } from 'express'
import * as Y from 'yjs'
import { expect, test, vi } from 'vitest'
import type { Identity } from '../../server/auth/auth.ts'
import type { LogResult, UpdateLog } from '../../server/cluster/cluster.ts'
import { localCluster } from '../../server/cluster/local.ts'
import { ChatWriter } from '../../server/document/chat-writer.ts'
import { MessageWriter } from '../../server/document/message-writer.ts'
import { Position } from '../../server/document/position.ts'
import { EventStreams, type EventStreamsOptions } from '../../server/events/event-streams.ts'
import { CatchUpQueue } from '../../server/room/catchup.ts'
import { EventFeed } from '../../server/events/event-feed.ts'
import { binaryFrames } from '../../server/room/frame.ts'
import { Outbox } from '../../server/room/outbox.ts'
import { Rooms } from '../../server/room/rooms.ts'
import { Session } from '../../server/room/session.ts'
import { memoryStore } from '../../server/store/memory/memory.ts'
import { ChatDocuments } from '../../server/task/chat-documents.ts'
import { endMessage, takeUpLeft } from '../../server/task/ending.ts'
import { RunnelError } from '../../shared/errors.ts'
import { readChat, readMessage } from '../../shared/schema.ts'
import { chatId, flush, messageId, turn, world, writes } from './hub.ts'

const entry = (text: string) => ({
  role: 'user' as const,
  parentId: null,
  createdAt: 1,
  status: 'completed' as const,
  text,
})
const inTime = <T>(work: Promise<T>) =>
  Promise.race([
    work,
    new Promise<never>((_resolve, reject) => setTimeout(() => reject(new Error('It hangs.')), 1_000)),
  ])

test("a chat that is lost while a writer's number is drawn is an error, and nobody waits for ever", async () => {
  const { store, nodes } = await world(1, 0)
  const [first] = nodes as [Rooms, Rooms, Rooms]
  const room = (await first.open(chatId))!
  const { drawEpoch } = store
  store.drawEpoch = async (doc) => {
    const epoch = await drawEpoch(doc)
    first.forget([chatId])
    return epoch
  }
  await expect(
    inTime(new ChatDocuments(first, store).edit(chatId, (writer) => writer.setMessages([['msg_1', entry('a')]]))),
  ).rejects.toBeInstanceOf(RunnelError)
  expect(room.lost?.code).toBe('not_found')
})

test("what was read of another node is not taken in while this one's own words are on their way to the log", async () => {
  const { hub, store, nodes } = await world(1, 0)
  const [first, second] = nodes as [Rooms, Rooms, Rooms]
  const mine = (await first.open(chatId))!
  const theirs = (await second.open(chatId))!
  const writers = [
    new ChatWriter(mine.doc, await store.drawEpoch(chatId)),
    new ChatWriter(theirs.doc, await store.drawEpoch(chatId)),
  ]
  first.attach(mine, writers[0]!)
  second.attach(theirs, writers[1]!)
  writers[1]!.setMessages([['msg_1', entry('theirs')]])
  await flush(second, theirs)
  const reads: (() => void)[] = []
  const appends: (() => void)[] = []
  hub.whileReading = () => new Promise((resolve) => reads.push(resolve))
  hub.whileAppending = () => new Promise((resolve) => appends.push(resolve))
  const compared = first.compare()
  await turn()
  writers[0]!.setMessages([['msg_2', entry('first')]])
  void flush(first, mine)
  reads.shift()!()
  await turn()
  writers[0]!.setMessages([['msg_3', entry('second')]])
  void flush(first, mine)
  appends.shift()!()
  await compared
  expect(appends.length).toBe(1)
  const logged = new Y.Doc()
  for (const update of (await store.log.read(chatId))!.updates) Y.applyUpdate(logged, update)
  for (const [client, clock] of Y.decodeStateVector(mine.shown.stateVector()))
    expect(clock).toBeLessThanOrEqual(Y.getState(logged.store, client))
  appends.shift()!()
  await turn()
  expect(readChat(mine.doc).messages).toMatchObject({ msg_1: {}, msg_2: {}, msg_3: {} })
  hub.whileAppending = hub.whileReading = () => Promise.resolve()
  for (const rooms of nodes) await rooms.close()
})

test("a writer's number that was given back is used by nobody who has not seen what was written under it", async () => {
  const { hub, store, nodes } = await world(1, 0)
  const [first, second] = nodes as [Rooms, Rooms, Rooms]
  const here = (await second.open(chatId))!
  const mine = (await first.open(chatId))!
  const epoch = await store.drawEpoch(chatId)
  const writer = new ChatWriter(mine.doc, epoch)
  first.attach(mine, writer)
  writer.setMessages([['msg_1', entry('first')]])
  await flush(first, mine)
  await first.close()
  await store.releaseEpoch(chatId, epoch)
  await new ChatDocuments(second, store).edit(chatId, (writer) => writer.setMessages([['msg_2', entry('second')]]))
  hub.deliver()
  await second.compare()
  const logged = new Y.Doc()
  const { state, updates } = (await store.log.read(chatId))!
  for (const update of [...(state ? [state] : []), ...updates]) Y.applyUpdate(logged, update)
  expect(Object.keys(readChat(logged).messages)).toEqual(['msg_1', 'msg_2'])
  expect(readChat(here.doc)).toEqual(readChat(logged))
})

test('a node is closed also where a document is being opened that cannot be read', async () => {
  const { hub, nodes } = await world(1, 0)
  const [first] = nodes as [Rooms, Rooms, Rooms]
  let fail!: (error: Error) => void
  hub.whileReading = () =>
    new Promise((_resolve, reject) => {
      fail = reject
    })
  const opening = expect(first.open(messageId)).rejects.toThrow('Redis')
  await turn()
  const closed = first.close()
  fail(new RunnelError('store_unavailable', 'Redis does not answer.'))
  await closed
  await opening
})

test('a takeover waits for what is being read of the document already', async () => {
  const { hub, store, nodes } = await world(1, 0)
  const [first, second] = nodes as [Rooms, Rooms, Rooms]
  const { room, writer } = await writes(first, store)
  const follower = (await second.open(messageId))!
  for (const word of ['a', 'b']) {
    writer.setMessage({ status: 'streaming', id: word })
    await flush(first, room)
    if (word === 'a') hub.held.length = 0
  }
  hub.whileReading = () => new Promise((resolve) => setTimeout(resolve, 100))
  hub.deliver()
  await turn()
  await second.following.takeUp(follower, await store.drawEpoch(messageId))
  expect(readMessage(follower.doc)).toEqual(readMessage(room.doc))
})

for (const many of [false, true]) {
  test(`the last words of an earlier writer come between the reading and the taking up${many ? ', where there are other nodes' : ''}`, async () => {
    const { store, nodes } = await world(1, 0)
    const rooms = many
      ? nodes[0]!
      : new Rooms({ cluster: localCluster(store.log), flushMs: 1, now: Date.now, onEvict: async () => {} })
    const { drawEpoch } = store
    const late = new Y.Doc()
    const writer = new MessageWriter(late, 1)
    writer.setMessage({
      id: messageId,
      chatId,
      parentId: null,
      role: 'assistant',
      status: 'streaming',
      createdAt: 1,
      schema: 1,
    })
    writer.append(writer.openBlock({ type: 'text', status: 'in_progress' }), 'text', 'last words')
    store.drawEpoch = async (doc) => {
      await store.log.append([{ doc, epoch: 1, previousSeq: 0, updates: writer.commit() }])
      return await drawEpoch(doc)
    }
    const row = (await store.getMessage(messageId))!
    const places = {
      rooms,
      store,
      chats: new ChatDocuments(rooms, store),
      now: Date.now,
      ends: null,
      node: 'local',
      onError: () => {},
    }
    const { room } = await endMessage(places, row, await takeUpLeft(places, row), 'interrupted', {
      error: { code: 'interrupted', message: '', retryable: true },
    })
    expect(await room.read()).toMatchObject({
      status: 'interrupted',
      output: [{ text: 'last words', status: 'incomplete' }],
    })
    await rooms.close()
  })
}

test('a viewer that lagged while an entry came before its forerunner gets it', async () => {
  const { hub, store, nodes } = await world(1, 0)
  const [first, second] = nodes as [Rooms, Rooms, Rooms]
  const mine = (await first.open(chatId))!
  const writer = new ChatWriter(mine.doc, await store.drawEpoch(chatId))
  first.attach(mine, writer)
  const room = (await second.open(chatId))!
  let taken: (() => void) | null = null
  const socket = new Writable({
    highWaterMark: 1,
    write: (_chunk, _encoding, done) => {
      taken = done
    },
  })
  const session = new Session({
    format: 'channels',
    outbox: new Outbox(socket, { highWaterBytes: 1_000, now: Date.now }),
    catchUp: new CatchUpQueue(1_000_000),
    close: () => {},
  })
  const drain = async () => {
    for (; taken; await turn()) {
      const done = taken
      taken = null
      done()
    }
  }
  session.follow([{ room, stateVector: undefined, reset: false, role: 'viewer' }])
  await drain()
  const difference = vi.spyOn(room.shown.differences, 'of')
  session.send(binaryFrames(new Uint8Array(800)))
  session.send(binaryFrames(new Uint8Array(800)))
  expect(session.outbox.lagging).toBe(true)
  for (const id of ['msg_1', 'msg_2']) {
    writer.setMessages([[id, entry(id)]])
    await flush(first, mine)
  }
  const [one, two] = hub.held.splice(0)
  two!()
  await drain()
  expect(session.outbox.lagging).toBe(false)
  expect(difference).toHaveBeenCalledOnce()
  one!()
  session.close()
  for (const rooms of nodes) await rooms.close()
})

test("the position of a reader who comes while the next words are on their way to the log is the document's", async () => {
  const { hub, store, nodes } = await world(1, 0)
  const [first] = nodes as [Rooms, Rooms, Rooms]
  const { room, writer } = await writes(first, store)
  writer.setMessage({
    id: messageId,
    chatId,
    parentId: null,
    role: 'assistant',
    status: 'streaming',
    createdAt: 1,
    schema: 1,
  })
  const block = writer.openBlock({ type: 'text', status: 'in_progress' })
  await flush(first, room)
  // Another kind of reader, so that changes are told.
  room.audience.observers.add({ shown: () => {}, moved: () => {}, lost: () => {} })
  const appends: (() => void)[] = []
  hub.whileAppending = () => new Promise((resolve) => appends.push(resolve))
  writer.append(block, 'text', 'one ')
  void flush(first, room)
  const response = Object.assign(new Writable({ write: (_chunk, _encoding, done) => done() }), { writeHead: () => {} })
  const streams = new EventStreams({
    rooms: first,
    now: Date.now,
    catchUp: new CatchUpQueue(1_000_000),
    limits: { commentMs: 10_000, highWaterBytes: 100_000, stallMs: 10_000 },
    access: { watchMessage: async () => ({ lost: null, listen: () => {}, close: () => {} }) },
    addresses: { keyOf: () => '' },
    admission: { admitStream: () => () => {} },
  } as unknown as EventStreamsOptions)
  const opened = streams.open(
    response as unknown as Response,
    { expiresAt: null } as Identity,
    (await store.getMessage(messageId))!,
    'deltas',
    undefined,
  )
  await turn()
  writer.append(block, 'text', 'two ')
  void flush(first, room)
  while (appends.length > 0) {
    appends.shift()!()
    await turn()
  }
  await opened
  const feed = [...room.audience.observers].find((observer) => observer instanceof EventFeed)!
  expect(feed.position).toBe(Position.of(room.doc, room.lineage).toString())
  streams.close()
  for (const rooms of nodes) await rooms.close()
})

test('a document whose append is not answered holds up no other; it is shown, or lost, when it is', async () => {
  const store = memoryStore()
  await store.createChat({ id: chatId, ownerId: 'u', title: 't', system: null, createdAt: 1 }, 'line')
  const late = new Map<string, PromiseWithResolvers<LogResult>>()
  const log: UpdateLog = {
    ...store.log,
    append: async (entries) =>
      await Promise.all(
        entries.map(async (entry): Promise<LogResult> => {
          const answer = late.get(entry.doc)
          return answer ? { status: 'unanswered', answer: answer.promise } : (await store.log.append([entry]))[0]!
        }),
      ),
  }
  const rooms = new Rooms({ cluster: localCluster(log), flushMs: 1, now: Date.now, onEvict: async () => {} })
  const written = await Promise.all(
    ['msg_atonce000', 'msg_shown0000', 'msg_lost00000'].map(async (id) => {
      await store.startRun({
        userMessage: null,
        lineage: 'line',
        assistant: {
          id,
          chatId,
          parentId: null,
          createdAt: 1,
          taskId: `task_${id}`,
          userId: 'u',
          node: 'local',
          status: 'queued',
          request: null,
        },
      })
      const room = (await rooms.open(id))!
      const writer = new MessageWriter(room.doc, await store.drawEpoch(id))
      rooms.attach(room, writer)
      return { room, writer }
    }),
  )
  const [first, second, third] = written.map(({ room }) => room)
  for (const room of [second!, third!]) late.set(room.id, Promise.withResolvers())
  for (const { room, writer } of written)
    writer.setMessage({
      id: room.id,
      chatId,
      parentId: null,
      role: 'assistant',
      status: 'queued',
      createdAt: 1,
      schema: 1,
    })
  await turn()
  await turn()
  expect(written.map(({ room }) => room.appending)).toEqual([false, true, true])
  expect(first!.seq).toBe(1)
  late.get(second!.id)!.resolve({ status: 'ok', seq: 1 })
  late.get(third!.id)!.reject(new RunnelError('store_unavailable', 'Redis does not answer.'))
  await turn()
  expect([second!.seq, second!.appending, second!.lost]).toEqual([1, false, null])
  expect(third!.lost?.message).toBe('Redis does not answer.')
  late.clear()
  await rooms.close()
})
