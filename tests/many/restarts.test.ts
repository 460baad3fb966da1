/** Redis and Postgres are killed and come back, under answers that are being written. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import type { Message } from '../../shared/schema.ts'
import { answer, Collector, type Collected, type ManualStream } from '../../testing/index.ts'
import { pay } from '../helpers/pay-tool.ts'
import { freePort } from '../helpers/programs.ts'
import { startRedis } from '../helpers/redis.ts'
import { ChildNode } from './children.ts'
import { newWorld, usePostgres, view, type NodeSettings, type World } from './nodes.ts'
import { ended, expectEqual, textOf, word, wordsOf, Witness } from './seen.ts'

const database = usePostgres()

/** Answers on node A, with viewers on both nodes. */
async function answers(world: World, count: number, settings: NodeSettings = {}) {
  const [a, b] = await Promise.all([world.node(settings), world.node(settings)])
  const witness = new Witness()
  const viewers = [a, b].map((node) => new Collector(node.url, { onUpdate: witness.onUpdate })) as [
    Collector,
    Collector,
  ]
  onTestFinished(async () => {
    await Promise.all(viewers.map((viewer) => viewer.close()))
  })
  const runs: { id: string; question: string; stream: ManualStream; copies: Collected[] }[] = []
  for (let index = 0; index < count; index++) {
    const question = `q${index}`
    const stream = world.fake.manual()
    const { messageId: id } = await a.ask(question)
    await stream.request
    const copies = (await Promise.all(viewers.map((viewer) => viewer.follow(id)))).map(([copy]) => copy!)
    runs.push({ id, question, stream, copies })
  }
  const say = (from: number, to: number) => {
    for (const { question, stream } of runs) for (let i = from; i < to; i++) stream.send(word(question, i))
  }
  const shown = async (to: number) => {
    for (const { question, copies } of runs) {
      for (const [i, viewer] of viewers.entries())
        await viewer.until(() => copies[i]!.text === wordsOf(question, to), `${to} words of ${question}`, 8_000)
    }
  }
  const finish = async (to: number) => {
    for (const { stream } of runs) stream.end()
    for (const { id, question } of runs) {
      const message = await ended(b, id)
      expect(message.status).toBe('completed')
      expect(textOf(message)).toBe(wordsOf(question, to))
      witness.expectKept(message, question, to)
      for (const viewer of viewers) await comesBack(viewer, id, message)
      expect((await a.call('GET', `/api/messages/${id}`)).body).toEqual(message)
    }
  }
  return { a, b, viewers, witness, runs, say, shown, finish }
}

/** As a client does: who is refused for a fault that passes asks again. */
async function comesBack(viewer: Collector, id: string, message: Message): Promise<void> {
  const copy = viewer.documents.get(id)!
  if (copy.refused) {
    copy.refused = null
    await viewer.follow(id)
  }
  await expectEqual(viewer, id, message)
}

const refusals = (copies: Collected[]) => copies.filter(({ refused }) => refused !== null).length

for (const persistence of ['with what it had', 'empty']) {
  test(`Redis is killed and comes back ${persistence}: answers pause and go on`, { timeout: 40_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'runnel-restarts-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const args = ['--appendonly', 'yes', '--appendfsync', 'always']
    const options = { port: await freePort(), ...(persistence !== 'empty' && { folder, args }) }
    const world = await newWorld({ redis: options, settings: { RUNNEL_LEASE_MS: 6_000, RUNNEL_FLUSH_MS: 10 } })
    const { runs, say, shown, finish, viewers, a, b } = await answers(world, 3)
    let said = 0
    for (let round = 0; round < 2; round++) {
      say(said, (said += 30))
      await shown(said)
      say(said, (said += 10))
      await world.redis.kill()
      const before = viewers.flatMap((viewer) => runs.map(({ id }) => viewer.documents.get(id)!.text))
      say(said, (said += 20))
      await sleep(400)
      // Nothing is shown that the log does not have: what came meanwhile was on its way before.
      for (const text of before) expect(text.split(' ').length - 1).toBeLessThanOrEqual(said - 20)
      for (const viewer of viewers)
        for (const { id, question } of runs)
          expect(viewer.documents.get(id)!.text.length).toBeLessThanOrEqual(wordsOf(question, said - 20).length)
      expect((await a.call('GET', '/readyz')).status).toBe(503)
      world.redis = await startRedis(options)
      const backAt = performance.now()
      await shown(said)
      console.log(
        `shown again after ${Math.round(performance.now() - backAt)} ms; ${runs.flatMap(({ copies }) => copies).filter(({ refused }) => refused).length} refused`,
      )
      await expect.poll(async () => (await b.call('GET', '/readyz')).status, { timeout: 5_000 }).toBe(200)
    }
    say(said, (said += 5))
    await finish(said)
    expect(refusals(runs.flatMap(({ copies }) => copies))).toBe(0)
    expect(world.fake.requests.length).toBe(3)
    await world.redis.kill()
  })
}

test(
  'Redis comes back empty while an answer waits for a person: the other node shows it, and takes the decision',
  { timeout: 40_000 },
  async () => {
    const options = { port: await freePort() }
    const world = await newWorld({
      redis: options,
      settings: { RUNNEL_LEASE_MS: 6_000, tools: [pay] },
      fake: { fallback: answer({ text: 'Done.' }) },
    })
    const [a, b] = await Promise.all([world.node(), world.node()])
    world.fake.enqueue(answer({ text: 'I pay. ', toolCalls: [{ id: 'c1', name: 'pay', arguments: '{}' }] }))
    const { id: chatId } = (await a.call('POST', '/api/chats', {})).body
    const { body: waiting } = await a.call('POST', `/api/chats/${chatId}/messages`, { content: 'Pay', stream: false })
    expect(waiting.status).toBe('waiting')
    await world.redis.kill()
    world.redis = await startRedis(options)
    // Its node compares every two seconds, and puts back what the log has lost.
    await expect
      .poll(async () => (await b.call('GET', `/api/messages/${waiting.id}`)).body, { timeout: 8_000 })
      .toEqual(waiting)
    expect((await b.call('POST', `/api/messages/${waiting.id}/tool-calls/c1`, { decision: 'approve' })).status).toBe(
      200,
    )
    expect(await ended(b, waiting.id)).toMatchObject({ status: 'completed' })
    expect(textOf((await b.call('GET', `/api/messages/${waiting.id}`)).body)).toBe('I pay. Done.')
    await world.redis.kill()
  },
)

for (const how of ['kill', 'fast'] as const) {
  test(
    `Postgres goes (${how}) while answers end, and comes back: every end is saved`,
    { timeout: 40_000 },
    async () => {
      const world = await newWorld({ settings: { RUNNEL_LEASE_MS: 3_000, RUNNEL_FLUSH_MS: 10 } })
      const { runs, say, shown, a, b, viewers, witness } = await answers(world, 6)
      say(0, 30)
      await shown(30)
      // Half of them end before, half after.
      for (const { stream } of runs.slice(0, 2)) stream.end()
      const stopped = database.postgres.stop(how)
      for (const { stream } of runs.slice(2, 4)) stream.end()
      await stopped
      say(30, 40)
      for (const { stream } of runs.slice(4)) stream.end()
      // The log of live messages is elsewhere: viewers see the end at once.
      for (const { copies } of runs.slice(4))
        await viewers[1].until(
          () => copies[1]!.text.length > 0 && copies[1]!.message.status === 'completed',
          'the end',
          8_000,
        )
      expect((await a.call('GET', '/readyz')).status).toBe(503)
      await sleep(1_000)
      await database.postgres.start()
      for (const [i, { id, question }] of runs.entries()) {
        const message = await ended(b, id)
        expect(message.status).toBe('completed')
        expect(textOf(message)).toBe(wordsOf(question, i < 4 ? 30 : 40))
        witness.expectKept(message, question, 40)
        for (const viewer of viewers) await comesBack(viewer, id, message)
      }
      await expect
        .poll(
          async () =>
            (
              await database.postgres.run<{ status: string }>(
                "SELECT status FROM messages WHERE role = 'assistant'",
                world.settings.DATABASE_URL as string,
              )
            ).map(({ status }) => status),
          { timeout: 10_000 },
        )
        .toEqual(runs.map(() => 'completed'))
      expect((await b.call('GET', '/api/tasks')).body.items).toEqual([])
      expect(world.fake.requests.length).toBe(6)
    },
  )
}

test(
  'a takeover of which only the first half was done is done again by the node that began it',
  { timeout: 40_000 },
  async () => {
    const world = await newWorld({ settings: { RUNNEL_LEASE_MS: 800, RUNNEL_FLUSH_MS: 10 } })
    const url = world.settings.DATABASE_URL as string
    const b = await world.node()
    const a = await new ChildNode().start(world.settings)
    const stream = world.fake.manual()
    const { messageId } = await a.ask('q')
    const viewer = view(b)
    const [copy] = await viewer.follow(messageId)
    stream.send(word('q', 0))
    await viewer.until(() => copy!.text === word('q', 0), 'the first word')
    const { messageId: other } = await b.ask('Who is this?')
    await ended(b, other)
    await a.kill()
    await database.postgres.run(
      `UPDATE messages SET node = (SELECT node FROM messages WHERE id = '${other}') WHERE id = '${messageId}'`,
      url,
    )
    const message = await ended(b, messageId)
    expect(message).toMatchObject({ status: 'interrupted', output: [{ text: word('q', 0) }] })
    await expectEqual(viewer, messageId, message)
    expect((await b.call('GET', '/api/tasks')).body.items).toEqual([])
  },
)
