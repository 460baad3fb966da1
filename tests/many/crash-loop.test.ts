/** Nodes that fall one after the other while they take up what the one before them left: what goes on by itself comes to its end. */
import { expect, onTestFinished, test } from 'vitest'
import { isTerminal, type Message } from '../../shared/schema.ts'
import { seededRandom } from '../../testing/openai/index.ts'
import { startLine } from '../../testing/line.ts'
import { ChildNode } from './children.ts'
import { newWorld, usePostgres, type NodeSettings } from './nodes.ts'
import { talk, textOf, wordsOf } from './seen.ts'

const database = usePostgres()
const leaseMs = 1_000
const words = 12
/** The rest of the answer, on a busy machine. */
const answerMs = 1_500
const seed = Number(process.env['RUNNEL_FUZZ_SEED'] ?? Math.floor(Math.random() * 1e9))

/** A way to Postgres on which pieces can be looked at. */
async function watched(settings: NodeSettings) {
  const url = new URL(settings.DATABASE_URL as string)
  const proxy = await startLine(Number(url.port))
  onTestFinished(() => proxy.close())
  url.port = String(proxy.port)
  return { proxy, settings: { ...settings, DATABASE_URL: url.href } }
}

test(
  'what a node broke off goes on, though the next one falls as it is about to begin that',
  { timeout: 30_000 },
  async () => {
    const world = await newWorld({
      fake: { fallback: talk(words, 30) },
      settings: { RUNNEL_LEASE_MS: leaseMs, RUNNEL_ON_LOST_RUN: 'continue', RUNNEL_FLUSH_MS: 10 },
    })
    const { proxy, settings } = await watched(world.settings)
    const [first, second, third] = [new ChildNode(), new ChildNode(), new ChildNode()]
    await first.start(world.settings)
    const { messageId } = await first.ask('q')
    const read = async (node: ChildNode) => (await node.call('GET', `/api/messages/${messageId}`)).body as Message
    await expect.poll(async () => textOf(await read(first)), { interval: 10 }).not.toBe('')
    await first.kill()
    proxy.onPiece = (data) => {
      if (data.includes('INSERT INTO past_tasks')) second.process.kill('SIGKILL')
    }
    await second.start(settings)
    await second.exited
    proxy.onPiece = () => {}
    await third.start(world.settings)
    await expect.poll(async () => (await read(third)).status, { timeout: 10_000 }).toBe('completed')
    expect(textOf(await read(third))).toBe(wordsOf('q', words))
  },
)

test('whatever fell before, a run that goes on has ended two leases later', { timeout: 60_000 }, async () => {
  console.log(`seed ${seed}`)
  const random = seededRandom(seed)
  const world = await newWorld({
    fake: { fallback: talk(words, 30) },
    settings: { RUNNEL_LEASE_MS: leaseMs, RUNNEL_ON_LOST_RUN: 'continue', RUNNEL_FLUSH_MS: 10 },
  })
  const { proxy, settings } = await watched(world.settings)
  const first = await new ChildNode().start(world.settings)
  const ids: string[] = []
  for (let i = 0; i < 6; i++) ids.push((await first.ask(`q${i}`)).messageId)
  // One who lives on and has no run of its own.
  const witness = await world.node({ RUNNEL_LEASE_MS: 600_000 })
  const read = async (id: string) => (await witness.call('GET', `/api/messages/${id}`)).body as Message
  await expect.poll(async () => textOf(await read(ids[5]!)).length, { interval: 10 }).toBeGreaterThan(0)
  await first.kill()
  let next = new ChildNode()
  let killedAt = 0
  for (let fall = 0; fall < 2; fall++) {
    const node = next
    next = new ChildNode()
    // So many pieces to Postgres after it has taken the first run over.
    let left = 2 + Math.floor(random() * 60)
    let taken = false
    const fell = Promise.withResolvers<void>()
    proxy.onPiece = (data) => {
      taken ||= data.includes('UPDATE messages SET node')
      if (!taken || left-- > 0) return
      proxy.onPiece = () => {}
      node.process.kill('SIGKILL')
      fell.resolve()
    }
    await node.start(settings)
    const ended = (async () => {
      for (const id of ids)
        await expect.poll(async () => isTerminal((await read(id)).status), { timeout: 10_000 }).toBe(true)
    })()
    await Promise.race([fell.promise, ended.catch(() => {})])
    await node.kill()
    killedAt = performance.now()
    proxy.cut()
  }
  proxy.onPiece = () => {}

  await next.start(world.settings)
  const startedAt = performance.now()
  // One that ended as interrupted may go on once more.
  const open = async () => [
    ...(await witness.call('GET', '/api/tasks')).body.items,
    ...(await Promise.all(ids.map(read))).filter(({ status }) => !isTerminal(status)),
  ]
  let quietSince = Infinity
  let endedAt = 0
  await expect
    .poll(
      async () => {
        const isQuiet = (await open()).length === 0
        if (isQuiet && quietSince === Infinity) endedAt = quietSince = performance.now()
        if (!isQuiet) quietSince = Infinity
        return performance.now() - quietSince > 500
      },
      { timeout: 15_000, interval: 20 },
    )
    .toBe(true)
  const took = endedAt - startedAt
  const rows = await database.postgres.run<{ status: string; recovered: boolean }>(
    `SELECT status, coalesce((request->>'recovered')::boolean, false) AS recovered FROM messages WHERE role = 'assistant'`,
    world.settings.DATABASE_URL as string,
  )
  const messages = await Promise.all(ids.map(read))
  console.log(
    `${Math.round(startedAt - killedAt)} + ${Math.round(took)} ms; ${messages.map(({ status }) => status).join(', ')}; ${world.fake.requests.length} requests`,
  )
  for (const [i, message] of messages.entries()) expect(wordsOf(`q${i}`, words).startsWith(textOf(message))).toBe(true)
  // What was broken off goes on, once.
  expect(rows.filter(({ status, recovered }) => status !== 'completed' && !recovered)).toEqual([])
  expect(took).toBeLessThan(2 * leaseMs + answerMs)
})
