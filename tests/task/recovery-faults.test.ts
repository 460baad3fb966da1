/** What a crash left is taken up: by a process that is alone now, and from a store that fails once. */
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { localCluster } from '../../server/cluster/local.ts'
import { MessageWriter } from '../../server/document/message-writer.ts'
import { Rooms } from '../../server/room/rooms.ts'
import { memoryStore } from '../../server/store/memory/memory.ts'
import type { Store } from '../../server/store/store.ts'
import { RunnelError } from '../../shared/errors.ts'
import { Random } from '../fuzz/random.ts'
import { flush, Hub, turn } from '../room/hub.ts'
import { askedIn, chatId, messageId, process } from './process.ts'

/** A process that finds a run of an earlier one, with this in its log. */
async function found(write: (writer: MessageWriter) => void, node = 'local', now?: () => number) {
  const store = memoryStore()
  await askedIn(store, node)
  const writer = new MessageWriter(new Y.Doc(), 1)
  write(writer)
  await store.log.append([{ doc: messageId, epoch: 1, previousSeq: 0, updates: writer.commit() }])
  return { store, ...process(store, localCluster(store.log), now) }
}

/** The next call of a method does not reach the store. */
function failOnce(store: Store, method: 'getProviderData' | 'drawEpoch'): void {
  const real = store[method]
  store[method] = async () => {
    store[method] = real as never
    throw new RunnelError('store_unavailable', 'The database is away.')
  }
}

const fields = {
  id: messageId,
  chatId,
  parentId: null,
  role: 'assistant',
  createdAt: 1,
  taskId: 'task_1',
  schema: 1,
} as const

for (const method of ['getProviderData', 'drawEpoch'] as const) {
  test(`a run that waited for people is left to be taken up again where ${method} fails`, async () => {
    const { store, rooms, tasks, errors } = await found((writer) => {
      writer.setMessage({ ...fields, status: 'waiting' })
      writer.openBlock({
        type: 'tool_call',
        status: 'awaiting_approval',
        callId: 'c1',
        name: 'pay',
        executor: 'server',
      })
    })
    failOnce(store, method)
    await tasks.recover()
    expect(errors).toMatchObject([{ code: 'store_unavailable' }])
    expect(tasks.ofMessage(messageId)).toBeUndefined()
    expect(rooms.peek(messageId)!.pins).toBe(0)
    await tasks.recover()
    expect(tasks.ofMessage(messageId)).toMatchObject({ parked: true })
    await tasks.close(0)
  })
}

test('a run that is queued again begins also where its chat cannot be written', async () => {
  const { store, rooms, tasks, errors, asked } = await found((writer) =>
    writer.setMessage({ ...fields, status: 'queued' }),
  )
  const { drawEpoch } = store
  store.drawEpoch = async (doc) => {
    if (doc === messageId) return await drawEpoch(doc)
    store.drawEpoch = drawEpoch
    throw new RunnelError('store_unavailable', 'The database is away.')
  }
  await tasks.recover()
  expect(errors).toMatchObject([{ code: 'store_unavailable' }])
  await expect.poll(() => asked).toEqual(['m'])
  await tasks.close(1_000)
  expect(await store.getMessage(messageId)).toMatchObject({ status: 'completed' })
  await rooms.close()
})

test('a run of a node among several ends also where the next start is alone', async () => {
  const { store, rooms, tasks, errors } = await found(
    (writer) => writer.setMessage({ ...fields, status: 'streaming' }),
    'one-of-several',
  )
  await tasks.recover()
  expect(errors).toEqual([])
  expect(await store.getMessage(messageId)).toMatchObject({ status: 'interrupted' })
  await rooms.close()
})

test('a run is judged by what its log says, not by what was heard of it', async () => {
  const hub = new Hub(new Random(1), 0)
  const { store } = hub
  await askedIn(store, 'a')
  let time = 0
  const { rooms, tasks, errors, asked } = process(
    store,
    { ...hub.cluster('b'), alive: async () => new Set() },
    () => time,
  )
  const theirs = new Rooms({ cluster: hub.cluster('a'), flushMs: 1, now: Date.now, onEvict: async () => {} })
  const room = (await theirs.open(messageId))!
  const writer = new MessageWriter(room.doc, 1)
  theirs.attach(room, writer)
  writer.setMessage({ ...fields, status: 'queued' })
  await flush(theirs, room)
  rooms.unpin((await rooms.open(messageId))!)
  writer.setMessage({ status: 'streaming' })
  writer.append(writer.openBlock({ type: 'text', status: 'in_progress' }), 'text', 'Some words')
  await flush(theirs, room)
  for (; time < 1_000; time += 300) {
    tasks.sweepNodes()
    await turn()
  }
  await expect.poll(async () => (await store.getMessage(messageId))!.status).not.toBe('queued')
  expect(await store.getMessage(messageId)).toMatchObject({
    status: 'interrupted',
    json: { output: [{ text: 'Some words' }] },
  })
  expect([asked, errors]).toEqual([[], []])
  await rooms.close()
})

test('a run whose end could not be written ends a lease later, also without other nodes', async () => {
  let time = 0
  const { store, rooms, tasks, errors } = await found(
    (writer) => writer.setMessage({ ...fields, status: 'streaming' }),
    'local',
    () => time,
  )
  failOnce(store, 'drawEpoch')
  await tasks.recover()
  expect(errors).toMatchObject([{ code: 'store_unavailable' }])
  for (; time < 1_500; time += 300) {
    tasks.sweepNodes()
    await turn()
  }
  await expect.poll(async () => (await store.getMessage(messageId))!.status).toBe('interrupted')
  await rooms.close()
})

test('a run that was to go on and could not be taken up begins a lease later, also without other nodes', async () => {
  let time = 0
  const { store, rooms, tasks, asked } = await found(
    (writer) => writer.setMessage({ ...fields, status: 'streaming' }),
    'local',
    () => time,
  )
  await tasks.recover()
  failOnce(store, 'drawEpoch')
  const message = (await store.getMessage(messageId))!
  await expect(tasks.continue({ user: { id: 'u', name: 'u' }, message, claim: undefined })).rejects.toMatchObject({
    code: 'store_unavailable',
  })
  for (; time < 1_500; time += 300) {
    tasks.sweepNodes()
    await turn()
  }
  await expect.poll(() => asked).toEqual(['m'])
  await tasks.close(1_000)
  expect(await store.getMessage(messageId)).toMatchObject({ status: 'completed' })
  await rooms.close()
})

test('a stop that comes while a run is taken up on the same node stops it before it begins', async () => {
  const hub = new Hub(new Random(1), 0)
  const { store } = hub
  await askedIn(store, 'b')
  const doc = new Y.Doc()
  const writer = new MessageWriter(doc, 1)
  writer.setMessage({ ...fields, status: 'interrupted' })
  await store.log.append([{ doc: messageId, epoch: 1, previousSeq: 0, updates: writer.commit() }])
  await store.endRun({
    taskId: 'task_1',
    message: { ...fields, status: 'interrupted', output: [] },
    epoch: 1,
    state: Y.encodeStateAsUpdate(doc),
  })
  await store.endListed({ messageId, taskId: 'task_1' })
  const { rooms, tasks, asked } = process(store, hub.cluster('b'))
  let stopped: Promise<unknown> | undefined
  const { drawEpoch } = store
  store.drawEpoch = async (doc) => {
    if (!stopped) {
      stopped = tasks.stop((await store.getMessage(messageId))!, { id: 'user_1', name: 'Ada' })
      await turn()
    }
    return await drawEpoch(doc)
  }
  await tasks.continue({
    user: { id: 'u', name: 'u' },
    message: (await store.getMessage(messageId))!,
    claim: undefined,
  })
  expect(await stopped).toMatchObject({ status: 'stopped' })
  expect(asked).toEqual([])
  await tasks.close(0)
  await rooms.close()
})
