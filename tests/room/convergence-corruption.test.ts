import * as Y from 'yjs'
import { afterEach, expect, test } from 'vitest'
import { outputArray } from '../../shared/schema.ts'
import { LibraryViewer } from '../fuzz/library-viewer.ts'
import type { ViewerReport } from '../fuzz/viewers.ts'
import { World } from '../fuzz/world.ts'

const id = 'msg_corrupt0'
const open: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

const report: ViewerReport = {
  saw: () => {},
  fault: (viewer, what) => {
    throw new Error(`${viewer.name}: ${what}`)
  },
}

/** A running message and a viewer of the client library that has it. */
async function newPair() {
  const world = new World({
    docs: [id],
    later: false,
    highWaterBytes: 1_000_000,
    kernelBytes: 1_000_000,
    catchUpMaxBytes: 1_000_000,
  })
  await world.create()
  open.push(() => world.process.rooms.close())
  const writer = world.writer(id)
  const block = writer.openBlock({ type: 'text', status: 'in_progress' })
  writer.append(block, 'text', 'Nothing that was taken back may stay: my key is 12345.')
  const viewer = new LibraryViewer('library', [id], report, () => false)
  open.push(
    () => viewer.close(),
    () => viewer.line?.break(),
  )
  /** Everything that waits is written, and what is said is heard, both ways. */
  const move = async () => {
    world.process.rooms.flusher.flushNow(world.room(id))
    for (let i = 0; i < 6; i++) {
      await new Promise((resolve) => setImmediate(resolve))
      viewer.line?.deliver()
      viewer.pump(Infinity)
    }
  }
  viewer.connect(world.connect())
  await move()
  world.process.rooms.sweep()
  await move()
  expect(viewer.json(id)).toEqual(world.watch.json(id))
  expect(viewer.counts.checkpoints).toBe(1)
  return { world, writer, block, viewer, move }
}

test('a copy that was corrupted is found by its next checkpoint, loads again once, and is right', async () => {
  const { world, writer, viewer, move } = await newPair()
  const doc = viewer.replica(id).shown!.doc
  ;(outputArray(doc).get(0).get('text') as Y.Text).insert(3, 'XXX')
  expect(viewer.json(id)).not.toEqual(world.watch.json(id))
  writer.setMessage({ status: 'completed' })
  await move()
  expect(viewer.reloads).toBe(1)
  expect(viewer.json(id)).toEqual(world.watch.json(id))
  world.process.rooms.sweep()
  await move()
  expect(viewer.counts.checkpoints).toBe(3)
  expect(viewer.reloads).toBe(1)
  expect(viewer.replica(id).state.status).toBe('live')
})

test('a deletion that was lost shows in no state vector, and is found by the checkpoint all the same', async () => {
  const { world, writer, block, viewer, move } = await newPair()
  viewer.tamper = () => null
  writer.replace(block, 'text', 48, 5, '')
  await move()
  viewer.tamper = (frame) => frame
  expect((world.watch.json(id) as { output: { text: string }[] }).output[0]!.text).not.toContain('12345')
  expect(JSON.stringify(viewer.json(id))).toContain('12345')
  expect(Y.encodeStateVector(viewer.replica(id).shown!.doc)).toEqual(world.room(id).shown.stateVector())
  writer.setMessage({ status: 'completed' })
  await move()
  expect(viewer.reloads).toBe(1)
  expect(viewer.json(id)).toEqual(world.watch.json(id))
})

test('an update that was lost is found by the checkpoint, as what follows it cannot be shown', async () => {
  const { world, writer, block, viewer, move } = await newPair()
  viewer.tamper = () => null
  writer.append(block, 'text', ' One.')
  await move()
  viewer.tamper = (frame) => frame
  writer.append(block, 'text', ' Two.')
  await move()
  expect(JSON.stringify(viewer.json(id))).not.toContain('Two.')
  writer.setMessage({ status: 'completed' })
  await move()
  expect(viewer.reloads).toBe(1)
  expect(viewer.json(id)).toEqual(world.watch.json(id))
})
