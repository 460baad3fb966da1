/** A Redis that is far away: each round trip takes its time, and nothing else changes. */
import { expect, onTestFinished, test } from 'vitest'
import type { Message } from '../../../shared/schema.ts'
import { Collector } from '../../../testing/index.ts'
import { startLine } from '../../../testing/line.ts'
import { newWorld, usePostgres, view } from '../../many/nodes.ts'
import { ended, expectEqual, talk, textOf, Witness, word, wordsOf } from '../../many/seen.ts'

usePostgres()
const words = 40

test.each([50, 300])(
  'with %s ms a round trip answers flow, and Stop holds',
  { timeout: 40_000 },
  async (roundTripMs) => {
    const { fake, redis, node } = await newWorld({
      fake: { fallback: talk(words, 50) },
      settings: { RUNNEL_LEASE_MS: 10_000 },
    })
    const proxy = await startLine(redis.port)
    onTestFinished(() => proxy.close())
    proxy.delayMs = roundTripMs / 2
    const REDIS_URL = `redis://127.0.0.1:${proxy.port}`
    const [a, b] = await Promise.all([node({ REDIS_URL }), node({ REDIS_URL })])
    await Promise.all(
      [a, b].map(({ call }) =>
        expect.poll(async () => (await call('GET', '/readyz')).status, { timeout: 8_000 }).toBe(200),
      ),
    )
    const witness = new Witness()
    const viewer = new Collector(b.url, { onUpdate: witness.onUpdate })
    onTestFinished(() => viewer.close())

    const askedAt = performance.now()
    const { messageId } = await a.ask('q')
    const answeredMs = performance.now() - askedAt
    const [copy] = await viewer.follow(messageId)
    await viewer.until(() => copy!.text !== '', 'the first words')
    const firstMs = performance.now() - askedAt
    const message = await ended(b, messageId)
    expect(message.status).toBe('completed')
    witness.expectKept(message, 'q', words)
    expect(textOf(message)).toBe(wordsOf('q', words))
    await expectEqual(viewer, messageId, message)
    // It grows while it is written: 2 s of words, an append a round trip.
    expect(copy!.updates).toBeGreaterThan(2)

    const stream = fake.manual()
    const { messageId: stopped } = await a.ask('stop')
    const request = await stream.request
    const other = view(b)
    const [half] = await other.follow(stopped)
    for (let i = 0; i < 5; i++) stream.send(word('stop', i))
    await other.until(() => half!.text === wordsOf('stop', 5), 'five words')
    const stopAt = performance.now()
    const { status, body } = await b.call('POST', `/api/messages/${stopped}/stop`)
    const stopMs = performance.now() - stopAt
    expect([status, body.status]).toEqual([200, 'stopped'])
    await request.hungUp
    stream.send(word('stop', 5))
    for (const { call } of [a, b]) {
      const shown = (await call('GET', `/api/messages/${stopped}`)).body as Message
      expect([shown.status, textOf(shown)]).toEqual(['stopped', wordsOf('stop', 5)])
    }
    console.log(
      `${roundTripMs} ms: POST after ${Math.round(answeredMs)}, first words after ${Math.round(firstMs)}, ${copy!.updates} updates in 2 s, Stop after ${Math.round(stopMs)} ms`,
    )
  },
)
