/** A node that Redis does not hear, or that does not hear Redis: behind a network that drops, delays and cuts. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { startLine, type Line } from '../../testing/line.ts'
import { newWorld, usePostgres, view, type NodeSettings } from './nodes.ts'
import { ended, expectEqual, textOf, watchedAnswer, word, wordsOf } from './seen.ts'

usePostgres()

/** Node A behind a proxy, node B not; one answer on A, twenty words of which everybody has. */
async function behindProxy(settings: NodeSettings = {}) {
  const world = await newWorld({ settings: { RUNNEL_FLUSH_MS: 10, ...settings } })
  const proxy = await startLine(world.redis.port)
  onTestFinished(() => proxy.close())
  const [a, b] = await Promise.all([world.node({ REDIS_URL: `redis://127.0.0.1:${proxy.port}` }), world.node()])
  return { ...world, proxy, a, b, ...(await watchedAnswer(world.fake, a, b)) }
}

const troubles: Record<string, { begin: (proxy: Line) => void; end: (proxy: Line) => void }> = {
  deaf: {
    begin: (proxy) => {
      proxy.mode = 'deaf'
    },
    end: (proxy) => {
      proxy.mode = 'pass'
      proxy.cut()
    },
  },
  mute: {
    begin: (proxy) => {
      proxy.mode = 'mute'
    },
    end: (proxy) => {
      proxy.mode = 'pass'
      proxy.cut()
    },
  },
  slow: {
    begin: (proxy) => {
      proxy.delayMs = 700
    },
    end: (proxy) => {
      proxy.delayMs = 0
    },
  },
}

for (const [name, { begin, end }] of Object.entries(troubles)) {
  test(
    `${name} for less than a lease: nothing new is shown that the log does not have, then it goes on`,
    { timeout: 40_000 },
    async () => {
      const { a, b, messageId, proxy, stream, witness, own, there, ownCopy, copy } = await behindProxy({
        RUNNEL_LEASE_MS: 9_000,
      })
      begin(proxy)
      for (let i = 20; i < 60; i++) {
        stream.send(word('q', i))
        await sleep(40)
        // Whoever follows on the node itself is never ahead of what a node that is not cut off has or can read.
        if (name === 'deaf') expect(ownCopy.text).toBe(wordsOf('q', 20))
      }
      end(proxy)
      for (let i = 60; i < 80; i++) stream.send(word('q', i))
      stream.end()
      await Promise.all(
        [own, there].map((viewer) => viewer.until(() => viewer.documents.get(messageId)!.ended, 'the end', 15_000)),
      )
      const message = await ended(b, messageId, 8_000)
      expect(message.status).toBe('completed')
      expect(textOf(message)).toBe(wordsOf('q', 80))
      witness.expectKept(message, 'q', 80)
      await Promise.all([expectEqual(own, messageId, message), expectEqual(there, messageId, message)])
      expect((await a.call('GET', `/api/messages/${messageId}`)).body).toEqual(message)
      expect([ownCopy.refused, copy.refused]).toEqual([null, null])
    },
  )
}

for (const name of ['deaf', 'mute']) {
  test(
    `${name} for longer than a lease: the answer ends by takeover, new ones are refused, and the node says that it is not ready`,
    { timeout: 40_000 },
    async () => {
      const { begin, end } = troubles[name]!
      const { a, b, chatId, messageId, proxy, stream, witness, own, there, copy, ownCopy, fake } = await behindProxy({
        RUNNEL_LEASE_MS: 1_500,
      })
      begin(proxy)
      const cutAt = performance.now()
      for (let i = 20; i < 40; i++) stream.send(word('q', i))
      const request = await stream.request
      // A question at once meets a log that is away; it waits, is refused, and says when to come again.
      const { id: other } = (await b.call('POST', '/api/chats', {})).body
      const refused = await fetch(`${a.url}/api/chats/${other}/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"content":"new"}',
      })
      expect(refused.status).toBe(503)
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
      const ready = await fetch(`${a.url}/readyz`)
      expect(ready.status).toBe(503)
      expect(Number(ready.headers.get('retry-after'))).toBeGreaterThan(0)
      expect((await a.call('GET', '/healthz')).status).toBe(200)
      expect((await b.call('GET', '/readyz')).status).toBe(200)
      await there.until(() => copy.ended, 'the takeover', 6_000)
      expect(performance.now() - cutAt).toBeLessThan(4 * 1_500)
      await request.hungUp
      const message = await ended(b, messageId, 8_000)
      expect(message.status).toBe('interrupted')
      witness.expectKept(message, 'q', 40)
      if (name === 'deaf') expect(textOf(message)).toBe(wordsOf('q', 20))
      expect(ownCopy.refused?.code).toBe('store_unavailable')
      end(proxy)
      await expect.poll(async () => (await a.call('GET', '/readyz')).status, { timeout: 6_000 }).toBe(200)
      ownCopy.refused = null
      await own.follow(messageId)
      await Promise.all([expectEqual(own, messageId, message), expectEqual(there, messageId, message)])
      expect((await a.call('GET', `/api/messages/${messageId}`)).body).toEqual(message)
      expect(fake.requests.length).toBe(1)
      // It serves as before.
      const next = fake.manual()
      const asked = await a.call('POST', `/api/chats/${chatId}/messages`, { content: 'again' })
      expect(asked.status).toBe(202)
      await next.request
      next.send('yes')
      next.end()
      expect((await ended(b, asked.body.messageId, 8_000)).status).toBe('completed')
    },
  )
}

test(
  'the last word of an answer is lost on its way to another node: it is there within four seconds',
  { timeout: 40_000 },
  async () => {
    const world = await newWorld({ settings: { RUNNEL_FLUSH_MS: 10, RUNNEL_LEASE_MS: 60_000 } })
    const proxy = await startLine(world.redis.port)
    onTestFinished(() => proxy.close())
    const [a, b] = await Promise.all([world.node(), world.node({ REDIS_URL: `redis://127.0.0.1:${proxy.port}` })])
    for (const how of ['cut', 'deaf']) {
      const stream = world.fake.manual()
      const { messageId } = await a.ask('q')
      await stream.request
      const there = view(b)
      const [copy] = await there.follow(messageId)
      stream.send(word('q', 0))
      await there.until(() => copy!.text === wordsOf('q', 1), 'the first word')
      // What is published now reaches nobody: the connection is gone, or takes nothing any more.
      proxy.mode = 'deaf'
      if (how === 'cut') proxy.cut()
      stream.send(word('q', 1))
      stream.end()
      const message = await ended(a, messageId, 8_000)
      expect(copy!.text).toBe(wordsOf('q', 1))
      proxy.mode = 'pass'
      if (how === 'deaf') proxy.cut()
      const backAt = performance.now()
      await there.until(() => copy!.ended, 'the end', 4_500)
      console.log(`${how}: the end came after ${Math.round(performance.now() - backAt)} ms`)
      await expectEqual(there, messageId, message)
    }
  },
)
