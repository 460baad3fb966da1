/** What is said to runs of other nodes: heard once, and read once. */
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { defineTool, type Store } from '../../server/index.ts'
import type { Message, ToolCallBlock } from '../../shared/schema.ts'
import { answer, memoryStore, startFakeOpenAI, startRunnel } from '../../testing/index.ts'
import { Bus } from '../own/ports.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** Two nodes on one store, which notes how many orders it has given out. */
async function world() {
  const inner = memoryStore()
  const given: number[] = []
  const store: Store = {
    ...inner,
    close: async () => {},
    async ordersOf(...asked) {
      const orders = await inner.ordersOf(...asked)
      given.push(orders.length)
      return orders
    },
  }
  const fake = await startFakeOpenAI()
  closing.push(() => fake.close())
  const bus = new Bus()
  const tool = (name: string, approval = false) =>
    defineTool({ name, description: '', parameters: z.object({}), approval })
  const start = async (node: string) => {
    const server = await startRunnel({
      store,
      cluster: bus.node(node, store.log),
      OPENAI_BASE_URL: fake.url,
      OPENAI_API_KEY: 'key',
      RUNNEL_LEASE_MS: 1_000,
      tools: [tool('locate'), tool('pay', true)],
    })
    closing.push(() => server.close())
    return server
  }
  const [here, there] = [await start('here'), await start('there')]
  const callsOf = async (messageId: string) =>
    ((await there.call('GET', `/api/messages/${messageId}`)).body as Message).output.filter(
      ({ type }) => type === 'tool_call',
    ) as ToolCallBlock[]
  const say = (messageId: string, callId: string, body: object) =>
    there.call('POST', `/api/messages/${messageId}/tool-calls/${callId}`, body)
  return { here, there, fake, given, callsOf, say }
}

const asks = (...names: string[]) =>
  answer({ toolCalls: names.map((name, i) => ({ id: `c${i + 1}`, name, arguments: '{}' })) })

test('an answer of a call is read once, however long the run waits for the others', async () => {
  const { here, fake, given, callsOf, say } = await world()
  fake.enqueue(asks('locate', 'locate'), answer({ text: 'There.' }))
  const { messageId } = await here.ask('Where?')
  await expect.poll(async () => (await callsOf(messageId)).map(({ status }) => status)).toEqual(['pending', 'pending'])
  expect((await say(messageId, 'c1', { output: 'Rome' })).body).toMatchObject({ status: 'completed', output: 'Rome' })
  given.length = 0
  await expect.poll(() => given.length, { timeout: 5_000 }).toBeGreaterThan(2)
  expect(given.every((count) => count === 0)).toBe(true)
  expect((await say(messageId, 'c2', { output: 'Oslo' })).body).toMatchObject({ status: 'completed', output: 'Oslo' })
})

test('a call that waits for a decision and then for its output hears both', async () => {
  const { here, fake, given, callsOf, say } = await world()
  fake.enqueue(asks('pay'), answer({ text: 'Paid.' }))
  const { messageId } = await here.ask('Pay it')
  const statuses = async () => (await callsOf(messageId)).map(({ status }) => status)
  await expect.poll(statuses).toEqual(['awaiting_approval'])
  expect((await say(messageId, 'c1', { decision: 'approve' })).status).toBe(200)
  await expect.poll(statuses).toEqual(['pending'])
  given.length = 0
  await expect.poll(() => given.length, { timeout: 5_000 }).toBeGreaterThan(2)
  expect(await statuses()).toEqual(['pending'])
  expect((await say(messageId, 'c1', { decision: 'approve' })).status).toBe(400)
  expect((await say(messageId, 'c1', { output: 'by card' })).body).toMatchObject({
    status: 'completed',
    output: 'by card',
  })
  expect((await say(messageId, 'c1', { output: 'in cash' })).status).toBe(409)
})
