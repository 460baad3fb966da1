import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import * as Y from 'yjs'
import { afterEach, expect, test, vi } from 'vitest'
import { encodeControl } from '../../shared/protocol.ts'
import { Differences } from '../../server/room/differences.ts'
import { PlainViewer, StockViewer, type Viewer, type ViewerReport } from '../fuzz/viewers.ts'
import { World } from '../fuzz/world.ts'

const id = 'msg_bounds00'
const worlds: World[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  for (const { process } of worlds.splice(0)) {
    for (const { line } of [...process.connections.values()]) line.break()
    await process.rooms.close()
  }
})

const report: ViewerReport = {
  saw: () => {},
  fault: (viewer, what) => {
    throw new Error(`${viewer.name}: ${what}`)
  },
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
}

async function settle(): Promise<void> {
  for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** A world with one running message that holds `text`. */
async function newWorld(
  text: string,
  options: Partial<World['options']> = {},
): Promise<{ world: World; block: string; flush: () => Promise<void> }> {
  const world = new World({
    docs: [id],
    later: false,
    highWaterBytes: 1_000_000,
    kernelBytes: 16_000,
    catchUpMaxBytes: 64_000_000,
    ...options,
  })
  worlds.push(world)
  await world.create()
  const block = world.writer(id).openBlock({ type: 'text', status: 'in_progress' })
  world.writer(id).append(block, 'text', text)
  const flush = async () => {
    world.process.rooms.flusher.flushNow(world.room(id))
    await settle()
  }
  await flush()
  return { world, block, flush }
}

function join(world: World, viewer: Viewer): void {
  viewer.connect(world.connect(viewer instanceof StockViewer ? id : undefined))
  viewer.line!.deliver()
}

test('one who takes long over a large state is told that it lags, and not closed (P4)', async () => {
  const { world, block, flush } = await newWorld('x'.repeat(5_000_000))
  const viewer = new PlainViewer('slow', [id], report, () => false)
  join(world, viewer)
  await settle()
  viewer.pump(2)
  for (let i = 0; i < 50; i++) {
    world.writer(id).append(block, 'text', ' more')
    await flush()
    viewer.pump(1)
  }
  for (let i = 0; i < 2_000 && viewer.line!.waiting > 0; i++) {
    viewer.pump(10)
    await settle()
  }
  world.process.rooms.sweep()
  await settle()
  viewer.pump(100)
  expect(viewer.counts).toMatchObject({ lags: 1, closes: 0 })
  expect(viewer.json(id)).toEqual(world.watch.json(id))
})

test('a lagging one that asks for more control messages than 64 kB is closed', async () => {
  const { world } = await newWorld('x'.repeat(2_000_000), { kernelBytes: 0, highWaterBytes: 10_000 })
  const viewer = new PlainViewer('greedy', [id], report, () => false)
  join(world, viewer)
  await settle()
  for (let i = 0; i < 10_000; i++) viewer.line!.say(encodeControl({ type: 'ping' }))
  viewer.line!.deliver()
  await settle()
  const [connection] = world.process.connections.keys()
  expect(connection!.session.closed).toBe(true)
})

test('state differences that differ do not pile up while a document stands still', async () => {
  const { world } = await newWorld('x'.repeat(50_000), { kernelBytes: 10_000_000 })
  const kept = new Set<WeakRef<object>>()
  const { of: difference } = Differences.prototype
  const spy = vi.spyOn(Differences.prototype, 'of').mockImplementation(function* (this: Differences, ...args) {
    const made = yield* difference.apply(this, args)
    kept.add(new WeakRef(made))
    return made
  })
  const viewer = new StockViewer('asks', [id], report, () => false)
  join(world, viewer)
  for (let i = 1; i <= 1_000; i++) {
    // Each time another state vector, of a client id that is none of the server's.
    viewer.line!.say(Uint8Array.of(0, 0, 8, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x80 + (i % 128), i >> 7))
    viewer.line!.deliver()
    if (i % 5 === 0) {
      await settle()
      viewer.pump(Infinity)
    }
  }
  await settle()
  // Who asks again while its difference is made is given one for both.
  expect(kept.size).toBeGreaterThan(900)
  const alive = () => {
    // The spy remembers what it answered.
    spy.mockClear()
    collectGarbage()
    return [...kept].filter((ref) => ref.deref() !== undefined).length
  }
  // A megabyte of them at most, and with the next sweep none.
  expect(alive()).toBeLessThan(30)
  world.process.rooms.sweep()
  await settle()
  expect(alive()).toBeLessThan(3)
})

test('one who asks again and again stands in the line of catch-ups once', async () => {
  const { world } = await newWorld('x'.repeat(100_000), { catchUpMaxBytes: 1, kernelBytes: 0 })
  const stuck = new PlainViewer('stuck', [id], report, () => false)
  join(world, stuck)
  await settle()
  const viewer = new StockViewer('asks', [id], report, () => false)
  join(world, viewer)
  await settle()
  for (let i = 0; i < 100; i++) viewer.resync()
  viewer.line!.deliver()
  await settle()
  expect(world.process.catchUp.waiting).toBe(1)
})

test('of a thousand that return at once with one state vector, the difference is encoded once and one buffer reaches all', async () => {
  const { world, block, flush } = await newWorld('x'.repeat(50_000))
  const returning = new PlainViewer('returns', [id], report, () => false)
  join(world, returning)
  await settle()
  returning.pump(Infinity)
  const copy = returning.json(id)
  expect(copy).toEqual(world.watch.json(id))
  const stateVector = Y.encodeStateVector(world.room(id).doc)
  world.writer(id).append(block, 'text', 'y'.repeat(40_000))
  await flush()

  const differences: object[] = []
  const { of: difference } = Differences.prototype
  vi.spyOn(Differences.prototype, 'of').mockImplementation(function* (this: Differences, ...args) {
    const made = yield* difference.apply(this, args)
    differences.push(made)
    return made
  })
  const { lineage } = world.room(id)
  const lines = Array.from({ length: 1_000 }, () =>
    world.connect(undefined, { keepWritten: true, kernelBytes: 10_000_000 }),
  )
  for (const line of lines) {
    line.say(encodeControl({ type: 'hello', v: 1 }))
    line.say(encodeControl({ type: 'subscribe', docs: [{ doc: id, stateVector, lineage }] }))
    line.deliver()
  }
  await settle()
  expect(differences).toHaveLength(1_000)
  expect(new Set(differences).size).toBe(1)
  // The very same memory, not equal bytes: the difference is the only thing larger than a kilobyte.
  const large = lines.map((line) => line.written.filter((chunk) => chunk.length > 1_024))
  const bytes = large[0]!.reduce((sum, chunk) => sum + chunk.length, 0)
  expect(bytes).toBeGreaterThan(40_000)
  expect(bytes).toBeLessThan(41_000)
  expect(new Set(large.flat().map((chunk) => chunk.buffer)).size).toBe(1)
  expect(new Set(large.flat().map((chunk) => chunk.byteOffset)).size).toBe(large[0]!.length)
  expect(large.every((chunks) => chunks.length === large[0]!.length)).toBe(true)
})
