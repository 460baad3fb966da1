/** What an operator of several nodes sees: each node's part in an answer, takeovers, and whether Redis and Postgres answer. */
import { expect, test } from 'vitest'
import { newWorld, usePostgres, view } from './nodes.ts'

const server = usePostgres()

async function scrape({ metricsUrl }: { metricsUrl?: string }): Promise<(name: string) => number | undefined> {
  const page = await (await fetch(metricsUrl!)).text()
  const samples = new Map(
    page
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.split(' ') as [string, string]),
  )
  return (name) => (samples.has(name) ? Number(samples.get(name)) : undefined)
}

async function twoNodes() {
  const world = await newWorld({ settings: { RUNNEL_METRICS_PORT: 0 } })
  const [a, b] = await Promise.all([world.node(), world.node()])
  const { id: chatId } = (await a.call('POST', '/api/chats', {})).body
  return { ...world, a, b, chatId }
}

test('the node of a run counts its writes and orders, the node of a viewer what it shows of them', async () => {
  const { a, b, fake, chatId } = await twoNodes()
  const stream = fake.manual()
  const { messageId } = (await a.call('POST', `/api/chats/${chatId}/messages`, { content: 'Why?' })).body
  const there = view(b)
  const [copy] = await there.follow(messageId)
  await there.until(() => copy!.subscribed !== null && copy!.message.status === 'streaming', 'the subscription')
  const before = (await scrape(b))('runnel_remote_entry_seconds_count')!
  stream.send('The moon')
  await there.until(() => copy!.text === 'The moon', 'the words')
  const [onA, onB] = await Promise.all([scrape(a), scrape(b)])
  expect(onB('runnel_remote_entry_seconds_count')).toBeGreaterThan(before)
  expect(onB('runnel_remote_entry_seconds_sum')).toBeLessThan(1)
  expect(onA('runnel_log_append_seconds_count')).toBeGreaterThan(1)
  expect(onA('runnel_live_log_entries')).toBeGreaterThan(1)
  expect(onA('runnel_live_log_bytes')).toBeGreaterThan('The moon'.length)
  expect(onA('runnel_orders_heard_total')).toBe(0)
  for (const part of ['store', 'redis']) {
    expect(onA(`runnel_up{part="${part}"}`), part).toBe(1)
    expect(onA(`runnel_probe_seconds{part="${part}"}`), part).toBeGreaterThan(0)
  }
  await b.call('POST', `/api/messages/${messageId}/stop`, {})
  await expect.poll(async () => (await scrape(a))('runnel_store_save_seconds_count')).toBe(1)
  expect((await scrape(a))('runnel_orders_heard_total')).toBe(1)
  expect((await scrape(b))('runnel_orders_heard_total')).toBe(0)
})

test('a run that is taken over counts once', async () => {
  const { a, b, fake, chatId, settings } = await twoNodes()
  fake.manual()
  const { messageId } = (await a.call('POST', `/api/chats/${chatId}/messages`, { content: 'Why?' })).body
  await fake.received(1)
  await server.postgres.run(
    `UPDATE messages SET node = 'gone' WHERE id = '${messageId}'`,
    settings.DATABASE_URL as string,
  )
  const taken = async () =>
    (await Promise.all([a, b].map(scrape))).reduce(
      (sum, read) => sum + read('runnel_takeovers_total{outcome="taken"}')!,
      0,
    )
  await expect.poll(taken, { timeout: 10_000 }).toBe(1)
  for (const node of [a, b]) expect((await scrape(node))('runnel_takeovers_total{outcome="failed"}')).toBe(0)
})

test('a Redis that is gone shows at the next scrape, which does not wait for it', async () => {
  const { a, redis } = await twoNodes()
  await redis.kill()
  const began = performance.now()
  const read = await scrape(a)
  expect(performance.now() - began).toBeLessThan(2_500)
  expect([read('runnel_up{part="redis"}'), read('runnel_up{part="store"}')]).toEqual([0, 1])
})
