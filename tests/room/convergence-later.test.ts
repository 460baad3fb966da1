import { afterEach, expect, test } from 'vitest'
import { readMessage, type Message } from '../../shared/schema.ts'
import type { UpdateLog } from '../../server/cluster/cluster.ts'
import { MessageWriter } from '../../server/document/message-writer.ts'
import { localCluster } from '../../server/cluster/local.ts'
import { newLineage, Rooms } from '../../server/room/rooms.ts'
import { memoryStore } from '../../server/store/memory/memory.ts'
import { PlainViewer, StockViewer, type ViewerReport } from '../fuzz/viewers.ts'
import { World } from '../fuzz/world.ts'

const id = 'msg_later000'
const worlds: World[] = []
afterEach(async () => {
  for (const { process } of worlds.splice(0)) {
    for (const { line } of [...process.connections.values()]) line.break()
    const closing = process.rooms.close()
    for (let i = 0; i < 5; i++) await answer(process.log)
    await closing
  }
})

const report: ViewerReport = {
  saw: () => {},
  fault: (viewer, what) => {
    throw new Error(`${viewer.name}: ${what}`)
  },
}

async function settle(): Promise<void> {
  for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve))
}

async function answer(log: World['process']['log']): Promise<void> {
  await settle()
  log.land()
  log.answer()
  await settle()
}

/** A running message, written; its log answers later. */
async function newWorld({ kernelBytes = 1_000_000, catchUpMaxBytes = 1_000_000 } = {}): Promise<World> {
  const world = new World({ docs: [id], later: true, highWaterBytes: 1_000_000, kernelBytes, catchUpMaxBytes })
  worlds.push(world)
  await world.create()
  await answer(world.process.log)
  return world
}

test('what is written behind an append in flight is called written when it is in the log itself', async () => {
  const world = await newWorld()
  const { log, rooms } = world.process
  world.writer(id).setMessage({ status: 'streaming' })
  await settle()
  expect(log.waiting).toBe(1)
  world.writer(id).setMessage({ status: 'completed' })
  let written: string | null = null
  rooms.flusher.flushNow(world.room(id), () => {
    written = (world.watch.json(id) as Message).status
  })
  await answer(log)
  expect(written).toBeNull()
  await answer(log)
  expect(written).toBe('completed')
})

test('the final checkpoint comes with the terminal status, and not when silence is noticed (W12)', async () => {
  const world = await newWorld()
  const viewer = new PlainViewer('viewer', [id], report, () => false)
  viewer.connect(world.connect())
  viewer.line!.deliver()
  await settle()
  world.writer(id).setMessage({ status: 'completed' })
  await answer(world.process.log)
  viewer.pump(Infinity)
  expect(viewer.sawFinal(id)).toBe(true)
})

test('a reader who waits for an append sees what the log has then, not what is written next', async () => {
  const world = await newWorld()
  world.writer(id).setMessage({ status: 'streaming' })
  await settle()
  // Writes again as soon as the append is through, before the reader's turn.
  world.process.rooms.flusher.flushNow(world.room(id))
  world.writer(id).setMessage({ status: 'waiting' })
  let read: Message | null = null
  void world
    .room(id)
    .read()
    .then((json) => {
      read = json as Message
    })
  await answer(world.process.log)
  expect(read).toBeNull()
  await answer(world.process.log)
  expect(read).toMatchObject({ status: 'waiting' })
  expect((world.watch.json(id) as Message).status).toBe('waiting')
})

test('one who comes to a room that was lost on the way is sent away, and never shown what the log refused (P1)', async () => {
  const world = await newWorld()
  // Connected, the room is open for it; it has not asked for the state yet.
  const viewer = new StockViewer('viewer', [id], report, () => false)
  viewer.connect(world.connect(id))
  await settle()
  world
    .writer(id)
    .setMessage({ status: 'failed', error: { code: 'internal', message: 'never stored', retryable: true } })
  world.process.log.failNext = true
  await answer(world.process.log)
  expect(readMessage(world.room(id).doc).status).toBe('failed')
  viewer.line!.deliver()
  await settle()
  viewer.pump(Infinity)
  expect(viewer.json(id)).toBeNull()
  expect(viewer.counts.closes).toBe(1)
})

test('one who stands in line behind a viewer of a lost room is never shown what the log refused (P1)', async () => {
  const world = await newWorld({ kernelBytes: 0, catchUpMaxBytes: 1 })
  const viewers = [
    new StockViewer('slow', [id], report, () => false),
    new PlainViewer('next', [id], report, () => false),
  ]
  for (const viewer of viewers) {
    viewer.connect(world.connect(viewer instanceof StockViewer ? id : undefined))
    viewer.line!.deliver()
    await settle()
    // What a plain viewer is told first goes through; the state of the first stays pending.
    if (viewer instanceof PlainViewer) viewer.pump(Infinity)
    viewer.line!.deliver()
    await settle()
  }
  expect(world.process.catchUp.waiting).toBe(1)
  world
    .writer(id)
    .setMessage({ status: 'failed', error: { code: 'internal', message: 'never stored', retryable: true } })
  world.process.log.failNext = true
  await answer(world.process.log)
  viewers[1]!.pump(Infinity)
  await settle()
  viewers[1]!.pump(Infinity)
  expect(viewers[1]!.json(id)).not.toMatchObject({ status: 'failed' })
  expect(viewers[1]!.counts.refusals).toBe(1)
})

test('a reader who waits for an append that is refused gets an error, not the text that the log never had (P1)', async () => {
  const world = await newWorld()
  world.writer(id).setMessage({ status: 'waiting' })
  world.process.log.failNext = true
  await settle()
  const reading = expect(world.room(id).read()).rejects.toMatchObject({ code: 'store_unavailable' })
  await answer(world.process.log)
  await reading
})

test('a room that is lost to a failed compaction while an append is in flight stays lost', async () => {
  const store = memoryStore()
  await store.createChat({ id: 'chat_later000', ownerId: 'local', title: '', system: null, createdAt: 1 }, newLineage())
  await store.startRun({
    userMessage: null,
    lineage: newLineage(),
    assistant: {
      id,
      chatId: 'chat_later000',
      parentId: null,
      createdAt: 1,
      taskId: 'task_1',
      userId: 'local',
      node: 'local',
      status: 'queued',
      request: null,
    },
  })
  const answers: (() => void)[] = []
  const { promise: compacting, reject: failCompaction } = Promise.withResolvers<void>()
  const log: UpdateLog = {
    append: (entries) => new Promise((resolve) => answers.push(() => resolve(store.log.append(entries)))),
    read: (doc) => store.log.read(doc),
    compact: () => compacting,
  }
  const rooms = new Rooms({ cluster: localCluster(log), flushMs: 40, now: Date.now, onEvict: () => Promise.resolve() })
  const room = (await rooms.open(id))!
  const writer = new MessageWriter(room.doc, await store.drawEpoch(id))
  rooms.attach(room, writer)
  let lost = 0
  room.onLost = () => {
    lost++
  }
  const block = writer.openBlock({ type: 'text', status: 'in_progress' })
  writer.append(block, 'text', 'x'.repeat(100_000))
  await settle()
  answers.shift()!()
  await settle()
  writer.append(block, 'text', 'more')
  rooms.flusher.flushNow(room)
  expect(answers).toHaveLength(1)
  failCompaction(new Error('the disk is full'))
  await settle()
  expect(lost).toBe(1)
  answers.shift()!()
  await settle()
  expect(lost).toBe(1)
  expect(rooms.peek(id)).toBeUndefined()
  await rooms.close()
})
