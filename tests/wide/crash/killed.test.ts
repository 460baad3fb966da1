/** Nodes that are killed at random moments of their answers: the others take over, once, and nothing that was seen is lost. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { isTerminal, type Message } from '../../../shared/schema.ts'
import { Collector } from '../../../testing/index.ts'
import { seededRandom } from '../../../testing/openai/index.ts'
import { ChildNode } from '../../many/children.ts'
import { newWorld, usePostgres } from '../../many/nodes.ts'
import { expectEqual, talk, textOf, Witness, wordsOf } from '../../many/seen.ts'

const database = usePostgres()
const leaseMs = 1_500
const words = 60
const seed = Number(process.env['RUNNEL_FUZZ_SEED'] ?? Math.floor(Math.random() * 1e9))

interface Asked {
  id: string
  question: string
  killedAt: number
}

/** Children one after the other, each killed while three answers of it are at moments of their own. */
async function killOneByOne(rounds: number, settings: object) {
  console.log(`seed ${seed}`)
  const random = seededRandom(seed)
  const world = await newWorld({
    fake: { fallback: talk(words, 12) },
    settings: { RUNNEL_LEASE_MS: leaseMs, RUNNEL_FLUSH_MS: 10, ...settings },
  })
  const [b, c] = await Promise.all([world.node(), world.node()])
  const witness = new Witness()
  const endedAt = new Map<string, number>()
  const viewers = [b, c].map(
    (node) =>
      new Collector(node.url, {
        onUpdate: (collected) => {
          witness.onUpdate(collected)
          if (isTerminal(collected.message.status) && !endedAt.has(collected.id))
            endedAt.set(collected.id, performance.now())
        },
      }),
  )
  onTestFinished(async () => {
    await Promise.all(viewers.map((viewer) => viewer.close()))
  })
  const asked: Asked[] = []
  let next = new ChildNode()
  for (let round = 0; round < rounds; round++) {
    const child = await next.start(world.settings)
    if (round + 1 < rounds) next = new ChildNode()
    const own = new Collector(child.url, { onUpdate: witness.onUpdate })
    const questions = [0, 1, 2].map((index) => `q${round}-${index}`)
    const mine: Asked[] = []
    for (const question of questions) {
      const { messageId } = await child.ask(question)
      mine.push({ id: messageId, question, killedAt: 0 })
      await Promise.all([...viewers, own].map((viewer) => viewer.follow(messageId)))
      await sleep(random() * 150)
    }
    await sleep(random() * 800)
    await child.kill()
    for (const run of mine) run.killedAt = performance.now()
    asked.push(...mine)
    await own.until(() => own.closed !== null, 'the end of its own viewer')
  }
  const read = async (id: string) => (await b.call('GET', `/api/messages/${id}`)).body as Message
  const epochs = new Map(
    (
      await Promise.all(
        asked.map(async ({ id }) => {
          await viewers[0]!.until(() => endedAt.has(id), `the end of ${id}`, 10_000)
          return id
        }),
      )
    ).map((id) => [id, 0]),
  )
  const readEpochs = async () => {
    for (const { id, epoch } of await database.postgres.run<{ id: string; epoch: string }>(
      'SELECT id, epoch FROM documents',
      world.settings.DATABASE_URL as string,
    )) {
      if (epochs.has(id)) epochs.set(id, Number(epoch))
    }
    return epochs
  }
  return { world, asked, viewers, witness, endedAt, read, readEpochs, nodes: [b, c] }
}

const kills = Number(process.env.RUNNEL_TEST_KILLS ?? 40)

test(
  'the answers end as interrupted within two leases, taken over by one node',
  { timeout: 30_000 + kills * 5_000 },
  async () => {
    const { world, asked, viewers, witness, endedAt, read, readEpochs } = await killOneByOne(kills, {})
    const took: number[] = []
    const epochs = await readEpochs()
    for (const { id, question, killedAt } of asked) {
      await expect.poll(async () => (await read(id)).status, { timeout: 5_000 }).toSatisfy(isTerminal)
      const message = await read(id)
      witness.expectKept(message, question, words)
      if (message.status === 'interrupted') {
        expect(message.error?.code).toBe('interrupted')
        took.push(endedAt.get(id)! - killedAt)
        expect(epochs.get(id)).toBe(2)
      } else {
        expect(message.status).toBe('completed')
        expect(textOf(message)).toBe(wordsOf(question, words))
      }
      for (const viewer of viewers) await expectEqual(viewer, id, message)
      expect(
        world.fake.requests.filter(({ body }) => JSON.stringify(body).includes(`"${question}"`)).length,
      ).toBeLessThanOrEqual(1)
    }
    console.log(
      `${took.length} of ${asked.length} interrupted, seen after ${Math.round(Math.min(...took))} to ${Math.round(Math.max(...took))} ms; ${[...witness.seen.values()].join('').length} characters seen`,
    )
    expect(took.length).toBeGreaterThan(asked.length / 3)
    expect(Math.max(...took)).toBeLessThan(2 * leaseMs)
  },
)

test('the answers go on by themselves, once', { timeout: 60_000 }, async () => {
  const { world, asked, viewers, witness, read, readEpochs } = await killOneByOne(4, { RUNNEL_ON_LOST_RUN: 'continue' })
  let wentOn = 0
  for (const { id, question } of asked) {
    await expect.poll(async () => (await read(id)).status, { timeout: 10_000 }).toBe('completed')
    const message = await read(id)
    witness.expectKept(message, question, words)
    expect(textOf(message)).toBe(wordsOf(question, words))
    const requests = world.fake.requests.filter(({ body }) => JSON.stringify(body).includes(`"${question}"`)).length
    const epoch = (await readEpochs()).get(id)
    expect([
      [1, 1],
      // Killed while it was queued: another node begins it.
      [1, 2],
      [2, 2],
      // Killed before it had asked the model: interrupted, and only the run that goes on asks.
      [1, 3],
      [2, 3],
    ]).toContainEqual([requests, epoch])
    if (requests === 2) wentOn += 1
    for (const viewer of viewers) await expectEqual(viewer, id, message)
  }
  console.log(`${wentOn} of ${asked.length} went on`)
  expect(wentOn).toBeGreaterThan(asked.length / 3)
})
