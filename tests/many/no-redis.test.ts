/** All nodes lose Redis for longer than a lease: what docs/OPERATIONS.md says of it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { answer } from '../../testing/index.ts'
import { startRedis } from '../helpers/redis.ts'
import { newWorld, usePostgres, view } from './nodes.ts'
import { ended, expectEqual, textOf, word, wordsOf } from './seen.ts'

usePostgres()
const leaseMs = 1_000

test(
  'answers end with what was shown, ended ones are read, new ones are refused; on its return all serve as before',
  { timeout: 60_000 },
  async () => {
    const { fake, redis, node } = await newWorld({ settings: { RUNNEL_LEASE_MS: leaseMs } })
    const [a, b] = await Promise.all([node(), node()])
    fake.enqueue(answer({ text: 'Done.' }))
    const before = await a.ask('before')
    await ended(b, before.messageId)
    const stream = fake.manual()
    const { messageId } = await a.ask('q')
    const viewer = view(b)
    const [copy] = await viewer.follow(messageId)
    stream.send(word('q', 0))
    await viewer.until(() => copy!.text === wordsOf('q', 1), 'the first word')
    await redis.kill()
    stream.send(word('q', 1))
    const request = await stream.request
    await request.hungUp
    for (const { call, url } of [a, b]) {
      expect((await call('GET', `/api/messages/${before.messageId}`)).body.status).toBe('completed')
      const refused = await fetch(`${url}/api/chats/${before.chatId}/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"content":"new"}',
      })
      expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([503, true])
      expect((await call('GET', '/readyz')).body.error.message).toMatch(/^Redis cannot be reached \(ECONNREFUSED\)/)
    }
    expect(copy!.text).toBe(wordsOf('q', 1))
    await sleep(leaseMs)
    // It comes back empty, and all have let go of the answer by then.
    const again = await startRedis({ port: redis.port })
    onTestFinished(() => again.kill())
    const message = await ended(b, messageId, 10_000)
    expect([message.status, message.error?.code]).toEqual(['failed', 'store_unavailable'])
    // What was shown; the second word was on its way when Redis went.
    expect(textOf(message)).toBe(wordsOf('q', 2))
    expect((await a.call('GET', `/api/messages/${messageId}`)).body).toEqual(message)
    for (const { call } of [a, b])
      await expect.poll(async () => (await call('GET', '/readyz')).status, { timeout: 5_000 }).toBe(200)
    copy!.refused = null
    await viewer.follow(messageId)
    await expectEqual(viewer, messageId, message)
    fake.enqueue(answer({ text: 'After.' }))
    expect(textOf(await ended(a, (await b.ask('after')).messageId, 8_000))).toBe('After.')
  },
)
