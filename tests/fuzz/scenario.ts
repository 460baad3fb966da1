import { readMessage, type Message } from '../../shared/schema.ts'
import * as Y from 'yjs'
import { digestOf } from '../../shared/digest.ts'
import { Author } from './author.ts'
import { transportNames } from '../../shared/transports.ts'
import { HttpLine } from './http-line.ts'
import { LibraryViewer } from './library-viewer.ts'
import { Random } from './random.ts'
import { PlainViewer, StockViewer, type Viewer, type ViewerReport } from './viewers.ts'
import { quickDigest } from './watched-log.ts'
import { World } from './world.ts'

/** How the test moves a clock that it has taken over. */
export interface Clock {
  /** Runs the timers of so many ms, with what follows from each. */
  advance: (ms: number) => Promise<void>
  /** Lets everything happen that waits for no timer of ours: promises, ticks of streams. */
  settle: () => Promise<void>
}

export interface Outcome {
  appends: number
  compactions: number
  kills: number
  lost: number
  lags: number
  resets: number
  refusals: number
  checkpoints: number
  checkedStates: number
  blocks: number
}

/**
 * One life of a few messages and twenty viewers, all of it chosen by the seed.
 * Throws with a sentence for whatever breaks a promise.
 */
export async function playScenario(seed: number, clock: Clock): Promise<Outcome> {
  const random = new Random(seed)
  const manyBlocks = random.chance(0.12)
  const big = random.chance(0.2)
  const docs = Array.from({ length: random.pick([1, 1, 2, 3]) }, (_, i) => `msg_fuzz000${i}`)
  const world = new World({
    docs,
    later: random.chance(0.4),
    highWaterBytes: random.pick([1_500, 4_000, 20_000, 1_000_000]),
    kernelBytes: random.pick([0, 500, 5_000, 100_000]),
    catchUpMaxBytes: random.pick([1, 3_000, 30_000, 64_000_000]),
  })
  const outcome: Outcome = {
    appends: 0,
    compactions: 0,
    kills: 0,
    lost: 0,
    lags: 0,
    resets: 0,
    refusals: 0,
    checkpoints: 0,
    checkedStates: 0,
    blocks: 0,
  }
  const fail = (what: string): never => {
    throw new Error(`seed ${seed}: ${what}`)
  }

  let checkShare = manyBlocks || big ? 0.05 : 0.2
  const faults: string[] = []
  const report: ViewerReport = {
    fault: (viewer, what) => faults.push(`${viewer.name}: ${what}`),
    saw: (viewer, doc) => {
      if (!random.chance(checkShare)) return
      const json = viewer.json(doc)
      if (!json) return
      outcome.checkedStates++
      if (!world.watch.hadState(doc, json))
        faults.push(`${viewer.name}: it shows a state of ${doc} that the log never had (P1)`)
    },
  }

  await world.create()
  const authors = new Map(docs.map((id) => [id, new Author(random)]))
  const repeatShare = random.pick([0, 0.1])
  const repeat = () => random.chance(repeatShare)
  const viewers = Array.from({ length: 20 }, (_, i): Viewer => {
    const Kind = i % 5 === 4 ? StockViewer : i % 5 === 3 ? LibraryViewer : PlainViewer
    return new Kind(`${Kind.name} ${i}`, random.chance(0.5) ? docs : [random.pick(docs)], report, repeat)
  })
  /** How many messages a viewer takes a step; a slow one takes none for long times. */
  const speeds = new Map(viewers.map((viewer) => [viewer, random.pick([1, 5, 50, 50])]))
  const sessions = new Map<Viewer, string | null>()
  const connect = (viewer: Viewer) => {
    if (viewer instanceof StockViewer) return viewer.connect(world.connect(viewer.docs[0]))
    const transport = random.pick(transportNames)
    if (transport === 'websocket') return viewer.connect(world.connect())
    const instead = sessions.get(viewer) ?? null
    viewer.connect(world.connectHttp(transport, random.chance(0.8) ? instead : null, repeat))
  }

  const checkFaults = () => {
    if (faults.length > 0) fail(faults.slice(0, 3).join('; '))
  }

  /** The network moves: some speak, some read, some lines break, some come back. */
  const moveNetwork = async (everybody: boolean) => {
    for (const viewer of viewers) {
      if (viewer.line instanceof HttpLine) sessions.set(viewer, viewer.line.session)
      if (viewer.line?.broken) viewer.line = null
      if (!viewer.line) {
        if (everybody || random.chance(0.15)) connect(viewer)
        else continue
      }
      if (!everybody && random.chance(0.02)) {
        viewer.line!.break()
        viewer.line = null
        continue
      }
      if (!everybody && random.chance(0.03)) speeds.set(viewer, random.pick([0, 0, 1, 5, 50]))
      if (!everybody && random.chance(0.02)) {
        if (viewer instanceof PlainViewer) viewer.resubscribe(random.pick(viewer.docs))
        else if (viewer instanceof StockViewer) viewer.resync()
      }
      viewer.line!.deliver(everybody ? Infinity : random.integer(0, 3))
      viewer.pump(everybody ? Infinity : speeds.get(viewer)!)
    }
    await clock.settle()
  }

  const moveLog = async (all: boolean) => {
    const { log } = world.process
    while (log.waiting > 0 && (all || random.chance(0.6))) {
      if (all || random.chance(0.5)) log.land()
      if (all || random.chance(0.5)) log.answer()
      await clock.settle()
    }
  }

  /** Writes all that can be written into the log. */
  const flushAll = async () => {
    for (let i = 0; i < 3; i++) {
      for (const id of docs) world.process.rooms.flusher.flushNow(world.room(id))
      await clock.settle()
      await moveLog(true)
    }
  }

  const checkWritten = () => {
    for (const id of docs) {
      const faults = authors.get(id)!.faults(world.watch.json(id) as Message)
      if (faults.length > 0) fail(`${id}: ${faults[0]}`)
    }
  }

  /** The room was lost (its log refused): it is taken up anew, from the log. */
  const takeUpLost = async () => {
    for (const id of docs) {
      if (world.process.rooms.peek(id) === world.room(id)) continue
      outcome.lost++
      await world.takeUp(id)
      authors.get(id)!.recovered(readMessage(world.room(id).doc))
    }
  }

  const kill = async () => {
    outcome.kills++
    const isClean = random.chance(0.4)
    if (isClean) {
      await flushAll()
      await takeUpLost()
      checkWritten()
    } else if (random.chance(0.5)) {
      // An append that was on its way may have reached the log, unheard.
      world.process.log.land()
    }
    const dead = world.kill()
    for (const viewer of viewers) viewer.line = null
    await world.start()
    if (random.chance(0.3)) {
      // It was no kill but a long pause: the old process goes on, and the log knows its epoch.
      dead.log.dead = false
      for (const { room, writer } of dead.open.values()) {
        writer.setMessage({ status: 'failed' })
        dead.rooms.flusher.flushNow(room)
      }
      await clock.settle()
      while (dead.log.waiting > 0) {
        dead.log.land()
        dead.log.answer()
        await clock.settle()
      }
      dead.log.dead = true
    }
    for (const id of docs) {
      const message = readMessage(world.room(id).doc)
      if (quickDigest(message) !== quickDigest(world.watch.json(id)))
        fail(`${id} was recovered as something else than the log has`)
      authors.get(id)!.recovered(message)
    }
  }

  const steps = manyBlocks ? 130 : 90
  for (let step = 0; step < steps; step++) {
    for (let edits = random.integer(0, manyBlocks ? 8 : 5); edits > 0; edits--) {
      const id = random.pick(docs)
      if (world.writer(id) === world.room(id).writer)
        authors.get(id)!.edit(world.writer(id), { big, maxBlocks: manyBlocks ? 100 : 20 })
    }
    if (random.chance(0.01)) world.process.log.failNext = true
    await clock.advance(
      random.weighted([
        [5, 0],
        [5, random.integer(1, 60)],
        [1, random.integer(900, 6_000)],
      ]),
    )
    if (random.chance(0.2)) world.sweep()
    await moveLog(false)
    await takeUpLost()
    await moveNetwork(false)
    checkFaults()
    if (random.chance(0.025)) await kill()
  }

  // The end: everything is written, everybody reads everything.
  world.process.log.failNext = false
  await flushAll()
  await takeUpLost()
  checkWritten()
  for (const id of docs) authors.get(id)!.finish(world.writer(id))
  checkShare = 0.3
  await flushAll()
  checkWritten()
  const isThrough = (viewer: Viewer) =>
    viewer.line?.waiting === 0 && viewer.docs.every((id) => viewer.json(id) && viewer.sawFinal(id))
  // Polls that come no more hold what they were to be sent until their session is given up.
  const isIdle = () => world.process.catchUp.waiting === 0 && world.process.catchUp.pendingBytes === 0
  for (let round = 0; round < 300 && !(round > 3 && viewers.every(isThrough) && isIdle()); round++) {
    await moveNetwork(true)
    // Checkpoints that are due wait for the sweep, silence is told of after 5 s, the library asks again after a refusal.
    await clock.advance(round < 3 ? 2_000 : 200)
    if (round < 3 || round % 5 === 0) world.sweep()
  }
  checkFaults()
  const { pendingBytes, waiting } = world.process.catchUp
  if (pendingBytes !== 0 || waiting !== 0)
    fail(`the catch-up queue still has ${pendingBytes} bytes and ${waiting} waiters`)

  for (const id of docs) {
    const truth = world.watch.json(id)
    const digest = digestOf(truth)
    const room = world.room(id)
    if (digestOf(readMessage(room.doc)) !== digest) fail(`${id}: the room differs from the log`)
    if (room.doc.store.pendingStructs ?? room.doc.store.pendingDs)
      fail(`${id}: the room waits for updates that do not exist`)
    const contents = (await world.store.log.read(id))!
    const loaded = new Y.Doc()
    for (const update of [...(contents.state ? [contents.state] : []), ...contents.updates])
      Y.applyUpdate(loaded, update)
    if (digestOf(readMessage(loaded)) !== digest) fail(`${id}: the log reads differently from what it took`)
    for (const viewer of viewers.filter(({ docs }) => docs.includes(id))) {
      const json = viewer.json(id)
      if (!json || digestOf(json) !== digest) fail(`${viewer.name} did not converge on ${id}`)
      if (!viewer.sawFinal(id)) fail(`${viewer.name} got no final checkpoint of ${id}`)
      if (viewer instanceof LibraryViewer && viewer.reloads > 0)
        fail(`${viewer.name} found its copy wrong ${viewer.reloads} times`)
    }
  }

  for (const viewer of viewers) {
    for (const key of ['lags', 'resets', 'refusals', 'checkpoints'] as const) outcome[key] += viewer.counts[key]
    viewer.line?.break()
    if (viewer instanceof LibraryViewer) viewer.close()
  }
  if (outcome.resets > 0) fail('a copy was reset, though the log lost nothing')
  await world.process.rooms.close()
  return {
    ...outcome,
    appends: world.watch.appends,
    compactions: world.watch.compactions,
    blocks: Math.max(...docs.map((id) => authors.get(id)!.blocks)),
  }
}
