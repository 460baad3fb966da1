/** A node that stands still (SIGSTOP) for longer than its lease, and comes back after others took its answers over. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Message } from '../../shared/schema.ts'
import { ChildNode } from './children.ts'
import { newWorld, usePostgres, view } from './nodes.ts'
import { expectEqual, textOf, watchedAnswer, word, wordsOf } from './seen.ts'

const database = usePostgres()
const leaseMs = 1_000

async function stoppedNode(settings: object = {}) {
  const world = await newWorld({ settings: { RUNNEL_LEASE_MS: leaseMs, RUNNEL_FLUSH_MS: 10, ...settings } })
  const b = await world.node()
  const a = await new ChildNode().start(world.settings)
  return { ...world, a, b, ...(await watchedAnswer(world.fake, a, b)) }
}

async function epochOf(url: unknown, id: string): Promise<number> {
  const rows = await database.postgres.run<{ id: string; epoch: string }>(
    'SELECT id, epoch FROM documents',
    url as string,
  )
  return Number(rows.find((row) => row.id === id)!.epoch)
}

test(
  'it changes nothing and shows nothing of what it wrote on; its viewers come back to the truth',
  { timeout: 40_000 },
  async () => {
    const { a, b, messageId, stream, witness, own, there, copy, ownCopy, settings } = await stoppedNode()
    a.process.kill('SIGSTOP')
    // They wait in its socket, and are the first that it finds.
    for (let i = 20; i < 200; i++) stream.send(word('q', i))
    await there.until(() => copy.ended, 'the takeover', 5 * leaseMs)
    const message = (await b.call('GET', `/api/messages/${messageId}`)).body as Message
    expect(message.status).toBe('interrupted')
    expect(textOf(message)).toBe(wordsOf('q', 20))
    expect(ownCopy.text).toBe(wordsOf('q', 20))
    a.process.kill('SIGCONT')
    await own.until(() => ownCopy.refused !== null, 'the refusal of its own viewer')
    for (let i = 200; i < 220; i++) stream.send(word('q', i))
    stream.end()
    // What follows a document is told to ask again.
    expect(ownCopy.refused!.code).toBe('store_unavailable')
    expect(ownCopy.text).toBe(wordsOf('q', 20))
    ownCopy.refused = null
    await expect.poll(async () => (await a.call('GET', '/readyz')).status, { timeout: 5_000 }).toBe(200)
    await own.follow(messageId)
    await expectEqual(own, messageId, message)
    await expectEqual(there, messageId, message)
    expect(copy.text).toBe(wordsOf('q', 20))
    expect((await a.call('GET', `/api/messages/${messageId}`)).body).toEqual(message)
    expect((await b.call('GET', `/api/messages/${messageId}`)).body).toEqual(message)
    expect(await epochOf(settings.DATABASE_URL, messageId)).toBe(2)
    witness.expectKept(message, 'q', 20)
    expect((await a.call('GET', '/api/tasks')).body.items).toEqual([])
  },
)

test('it loses its answer to a node that goes on with it', { timeout: 40_000 }, async () => {
  const { a, b, fake, messageId, stream, own, there, copy, ownCopy, witness } = await stoppedNode({
    RUNNEL_ON_LOST_RUN: 'continue',
  })
  const second = fake.manual()
  a.process.kill('SIGSTOP')
  for (let i = 20; i < 60; i++) stream.send(`not ${word('q', i)}`)
  await second.request
  second.send(word('q', 20))
  await there.until(() => copy.text === wordsOf('q', 21), 'the first word of the other')
  a.process.kill('SIGCONT')
  await own.until(() => ownCopy.refused !== null, 'the refusal of its own viewer')
  for (let i = 21; i < 60; i++) {
    stream.send(`not ${word('q', i)}`)
    second.send(word('q', i))
    await sleep(5)
  }
  stream.end()
  await own.follow(messageId)
  await there.until(() => copy.text === wordsOf('q', 60), 'all words of the other')
  second.end()
  await there.until(() => copy.ended && copy.message.status === 'completed', 'the end')
  await expect
    .poll(async () => (await b.call('GET', `/api/messages/${messageId}`)).body, { timeout: 5_000 })
    .toMatchObject({ status: 'completed' })
  const message = (await b.call('GET', `/api/messages/${messageId}`)).body as Message
  witness.expectKept(message, 'q', 60)
  expect(textOf(message)).toBe(wordsOf('q', 60))
  await expectEqual(own, messageId, message)
  await expectEqual(there, messageId, message)
  expect(fake.requests.length).toBe(2)
})

test('stopped for less than its lease it goes on as if nothing had been', { timeout: 40_000 }, async () => {
  const { a, b, messageId, stream, there, copy } = await stoppedNode({ RUNNEL_LEASE_MS: 6_000 })
  const late = view(b)
  await late.follow(messageId)
  a.process.kill('SIGSTOP')
  for (let i = 20; i < 60; i++) stream.send(word('q', i))
  await sleep(1_500)
  a.process.kill('SIGCONT')
  stream.end()
  await there.until(() => copy.ended, 'the end')
  expect(copy.text).toBe(wordsOf('q', 60))
  expect(copy.message.status).toBe('completed')
  await late.until(() => late.documents.get(messageId)!.ended, 'the end')
  expect(late.documents.get(messageId)!.digest).toBe(copy.digest)
})
