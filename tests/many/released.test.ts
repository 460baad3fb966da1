/** A message that ended so long ago that Redis has forgotten it, and goes on on a node that has read it from the store. */
import { expect, onTestFinished, test } from 'vitest'
import { RedisConnection } from '../../server/cluster/redis-connection.ts'
import { keyOf } from '../../server/cluster/redis-entry.ts'
import { ChildNode } from './children.ts'
import { newWorld, usePostgres, view } from './nodes.ts'
import { expectEqual, textOf } from './seen.ts'

usePostgres()

/** It was stopped, is followed on node b, and goes on on node c with one word more. */
async function goesOn(settings: object = {}) {
  const world = await newWorld({ settings })
  const [a, b] = await Promise.all([world.node(), world.node()])
  const { id: chatId } = (await a.call('POST', '/api/chats', {})).body
  const first = world.fake.manual()
  const { messageId } = (await a.call('POST', `/api/chats/${chatId}/messages`, { content: 'Why?' })).body
  const viewer = view(b)
  const [copy] = await viewer.follow(messageId)
  for (const word of ['The ', 'moon ', 'pulls']) {
    first.send(word)
    await viewer.until(() => copy!.text.endsWith(word), word)
  }
  await a.call('POST', `/api/messages/${messageId}/stop`)
  await expect.poll(async () => (await b.call('GET', '/api/tasks')).body.items).toEqual([])
  await a.close()
  const redis = new RedisConnection({ url: world.redis.url, timeoutMs: 1_000, maxPending: 10 })
  onTestFinished(() => redis.close())
  await redis.ask([['UNLINK', keyOf(messageId), `${keyOf(messageId)}l`]])
  const c = await new ChildNode().start(world.settings)
  const second = world.fake.manual()
  await c.call('POST', `/api/messages/${messageId}/continue`)
  await second.request
  second.send(' the water')
  return { b, c, second, messageId, viewer, copy: copy! }
}

test('who follows it sees it go on at once, and is not sent away', { timeout: 20_000 }, async () => {
  const { b, second, messageId, viewer, copy } = await goesOn()
  await viewer.until(() => copy.text.endsWith(' the water'), 'the next words', 1_500)
  second.end()
  await viewer.until(() => copy.ended, 'the end')
  expect(copy.refused).toBeNull()
  await expect.poll(async () => (await b.call('GET', `/api/messages/${messageId}`)).body.status).toBe('completed')
  await expectEqual(viewer, messageId, (await b.call('GET', `/api/messages/${messageId}`)).body)
})

test('the node that takes it over when that one is killed keeps what it had shown', { timeout: 20_000 }, async () => {
  const { b, c, messageId } = await goesOn({ RUNNEL_LEASE_MS: 600 })
  const there = view(c)
  const [seen] = await there.follow(messageId)
  await there.until(() => seen!.text.endsWith(' the water'), 'the next words')
  await c.kill()
  // The status of the run before is terminal, too, until this one is taken over.
  await expect
    .poll(async () => (await b.call('GET', `/api/messages/${messageId}`)).body.status, { timeout: 8_000 })
    .toBe('interrupted')
  const { body: message } = await b.call('GET', `/api/messages/${messageId}`)
  expect(textOf(message)).toBe('The moon pulls the water')
})
