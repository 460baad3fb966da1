/** What a node that is killed leaves to the others: decisions that its runs had not heard of, ends that nobody was told of. */
import { existsSync, mkdtempSync, readFileSync, rmSync, appendFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { defineTool } from '../../server/extension/tool.ts'
import { isTerminal, type Message, type ToolCallBlock } from '../../shared/schema.ts'
import { seededRandom } from '../../testing/openai/index.ts'
import { answer, type StartedRunnel } from '../../testing/index.ts'
import { ChildNode } from './children.ts'
import { newWorld, usePostgres, view, type World } from './nodes.ts'
import { expectEqual, textOf } from './seen.ts'

usePostgres()
const leaseMs = 1_000

function traces() {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-inherited-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'lines')
  return { path, lines: () => (existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : []) }
}

const payTool = (execute: () => string) =>
  defineTool({ name: 'pay', description: '', parameters: z.object({}), approval: true, execute })
const callsOf = (message: Message) => message.output.filter((block) => block.type === 'tool_call') as ToolCallBlock[]

/** A run on a child that waits for a decision, and two nodes that outlive it. */
async function waitingOnChild(
  world: World,
  child: ChildNode,
  path: string,
  nodes?: [StartedRunnel, StartedRunnel],
  more: object = {},
) {
  const tools = [
    payTool(() => {
      appendFileSync(path, 'paid\n')
      return 'paid'
    }),
  ]
  const [a, [b, c]] = await Promise.all([
    child.start({ ...world.settings, ...more, TOOL_RUNS: path }),
    nodes ?? Promise.all([world.node({ tools }), world.node({ tools })]),
  ])
  world.fake.enqueue(answer({ text: 'I pay. ', toolCalls: [{ id: 'c1', name: 'pay', arguments: '{}' }] }))
  const { id: chatId } = (await a.call('POST', '/api/chats', {})).body
  const { body } = await a.call('POST', `/api/chats/${chatId}/messages`, { content: 'Pay', stream: false })
  expect(body.status).toBe('waiting')
  return { a, b, c, id: body.id as string }
}

async function until(node: StartedRunnel, id: string, condition: (message: Message) => boolean): Promise<Message> {
  await expect
    .poll(async () => condition((await node.call('GET', `/api/messages/${id}`)).body), { timeout: 8_000 })
    .toBe(true)
  return (await node.call('GET', `/api/messages/${id}`)).body
}

test(
  'a run that waits for a decision waits on; one given before the takeover is not lost, and the call runs once',
  { timeout: 40_000 },
  async () => {
    const world = await newWorld({
      settings: { RUNNEL_LEASE_MS: leaseMs },
      fake: { fallback: answer({ text: 'Done.' }) },
    })
    const { path, lines } = traces()
    let nodes: [StartedRunnel, StartedRunnel] | undefined
    for (const when of ['before the takeover', 'after it', 'while its node stands still']) {
      const { a, b, c, id } = await waitingOnChild(world, new ChildNode(), path, nodes)
      nodes = [b, c]
      const before = lines().length
      const there = view(c)
      await there.follow(id)
      if (when === 'while its node stands still') a.process.kill('SIGSTOP')
      else await a.kill()
      if (when === 'after it') {
        await sleep(2.5 * leaseMs)
        expect((await c.call('GET', `/api/messages/${id}`)).body.status).toBe('waiting')
      }
      const decide = (node: StartedRunnel) =>
        node.call('POST', `/api/messages/${id}/tool-calls/c1`, { decision: 'approve' })
      expect((await decide(b)).status, when).toBe(200)
      if (when === 'while its node stands still') await a.kill()
      const message = await until(c, id, ({ status }) => isTerminal(status))
      expect(message, when).toMatchObject({ status: 'completed' })
      expect(textOf(message)).toBe('I pay. Done.')
      expect(callsOf(message)).toMatchObject([{ status: 'completed', output: 'paid' }])
      expect(lines().length - before).toBe(1)
      expect((await decide(c)).status).toBe(409)
      await expectEqual(there, id, message)
    }
    expect(world.fake.requests.length).toBe(6)
  },
)

const kills = Number(process.env.RUNNEL_TEST_KILLS ?? 2)

test(
  'a node is killed while it hears of a decision: the call has run at most once, and nobody waits for ever',
  { timeout: 60_000 + kills * 5_000 },
  async () => {
    const seed = Number(process.env['RUNNEL_FUZZ_SEED'] ?? Math.floor(Math.random() * 1e9))
    console.log(`seed ${seed}`)
    const random = seededRandom(seed)
    const world = await newWorld({
      settings: { RUNNEL_LEASE_MS: leaseMs },
      fake: { fallback: answer({ text: 'Done.' }) },
    })
    const { path, lines } = traces()
    let nodes: [StartedRunnel, StartedRunnel] | undefined
    const ends: string[] = []
    let child = new ChildNode()
    for (let round = 0; round < kills; round++) {
      const { a, b, c, id } = await waitingOnChild(world, child, path, nodes)
      nodes = [b, c]
      child = new ChildNode()
      const before = lines().length
      const deciding = b.call('POST', `/api/messages/${id}/tool-calls/c1`, { decision: 'approve' })
      await sleep(random() * 25)
      await a.kill()
      expect((await deciding).status).toBe(200)
      const message = await until(c, id, ({ status }) => isTerminal(status))
      const [call] = callsOf(message)
      if (message.status === 'completed') {
        expect(call).toMatchObject({ status: 'completed', output: 'paid' })
        expect(lines().length - before).toBe(1)
      } else {
        // It had begun: nobody can know how far it came, or what was said behind it is missing.
        expect(message).toMatchObject({ status: 'interrupted' })
        expect(lines().length - before).toBeLessThanOrEqual(1)
        if (call!.status !== 'completed')
          expect(call).toMatchObject({ status: 'failed', error: expect.stringContaining('outcome unknown') })
      }
      ends.push(`${message.status}/${call!.status}`)
      expect((await b.call('GET', `/api/messages/${id}`)).body).toEqual(message)
    }
    console.log(ends.join(', '))
  },
)

test(
  'a node is killed at the first word of a tool that was allowed on another: the call has run once, and nobody says how it went',
  { timeout: 40_000 },
  async () => {
    const world = await newWorld({ settings: { RUNNEL_LEASE_MS: leaseMs } })
    const { path, lines } = traces()
    const { a, b, c, id } = await waitingOnChild(world, new ChildNode(), path, undefined, { TOOL_FALLS: true })
    expect((await b.call('POST', `/api/messages/${id}/tool-calls/c1`, { decision: 'approve' })).status).toBe(200)
    await a.exited
    const message = await until(c, id, ({ status }) => isTerminal(status))
    expect(callsOf(message)).toMatchObject([{ status: 'failed', error: expect.stringContaining('outcome unknown') }])
    expect(lines()).toEqual(['paid'])
  },
)

test(
  'a stop that comes when the node of a run is dead already stops it: it neither goes on nor begins elsewhere',
  { timeout: 40_000 },
  async () => {
    const world = await newWorld({
      settings: { RUNNEL_LEASE_MS: leaseMs, RUNNEL_ON_LOST_RUN: 'continue', RUNNEL_MAX_TASKS: 1 },
      fake: { fallback: answer({ text: 'Never.' }) },
    })
    const [a, b] = await Promise.all([new ChildNode().start(world.settings), world.node()])
    const stream = world.fake.manual()
    const ids: string[] = []
    for (const content of ['First', 'Second']) {
      const { id: chatId } = (await a.call('POST', '/api/chats', {})).body
      ids.push((await a.call('POST', `/api/chats/${chatId}/messages`, { content })).body.messageId as string)
      if (content === 'First') await stream.request
    }
    stream.send('The moon')
    await until(b, ids[0]!, ({ output }) => output.length > 0)
    await a.kill()
    const stopped = await Promise.all(ids.map((id) => b.call('POST', `/api/messages/${id}/stop`)))
    expect(stopped.map(({ status }) => status)).toEqual([200, 200])
    for (const id of ids)
      expect(await until(b, id, ({ status }) => isTerminal(status))).toMatchObject({ status: 'stopped' })
    await sleep(leaseMs)
    for (const id of ids) expect((await b.call('GET', `/api/messages/${id}`)).body).toMatchObject({ status: 'stopped' })
    expect(world.fake.requests.length).toBe(1)
    expect((await b.call('GET', '/api/tasks')).body.items).toEqual([])
  },
)

test('a decision is of one call: a later one of the same id waits for its own', { timeout: 20_000 }, async () => {
  let ran = 0
  const world = await newWorld({ settings: { RUNNEL_LEASE_MS: 900, tools: [payTool(() => `paid ${++ran}`)] } })
  const [a, b] = await Promise.all([world.node(), world.node()])
  const asks = () => answer({ toolCalls: [{ id: 'c1', name: 'pay', arguments: '{}' }] })
  world.fake.enqueue(asks(), asks(), answer({ text: 'Done.' }))
  const { id: chatId } = (await a.call('POST', '/api/chats', {})).body
  const { body } = await a.call('POST', `/api/chats/${chatId}/messages`, { content: 'Pay', stream: false })
  const decide = () => b.call('POST', `/api/messages/${body.id}/tool-calls/c1`, { decision: 'approve' })
  expect((await decide()).status).toBe(200)
  await until(a, body.id, (message) => callsOf(message)[1]?.status === 'awaiting_approval')
  // Orders are read every third of a lease.
  await sleep(1_000)
  expect(callsOf((await a.call('GET', `/api/messages/${body.id}`)).body).map(({ status }) => status)).toEqual([
    'completed',
    'awaiting_approval',
  ])
  expect(ran).toBe(1)
  expect((await decide()).status).toBe(200)
  expect(await until(b, body.id, ({ status }) => isTerminal(status))).toMatchObject({ status: 'completed' })
  expect(ran).toBe(2)
})

test(
  'an end that its node was killed over is told by another node, once; one that a living node tells is its own',
  { timeout: 40_000 },
  async () => {
    const { path, lines } = traces()
    const world = await newWorld({ settings: { RUNNEL_LEASE_MS: 500 } })
    const told: string[] = []
    let failures = 0
    const onMessageEnd = ({ id }: Message) => {
      told.push(id)
    }
    const a = await new ChildNode().start({ ...world.settings, TOLD: path })
    const b = await world.node({ onMessageEnd })
    // Two that look at the same moment may both tell: at least once is the promise.
    await sleep(400)
    await world.node({ onMessageEnd })
    const failing = await world.node({
      onMessageEnd: () => {
        failures++
        throw new Error('not now')
      },
    })
    const mine = (await failing.ask('mine')).messageId
    const { messageId } = await a.ask('q')
    await a.exited
    expect(lines()).toEqual([messageId])
    const diedAt = performance.now()
    await expect.poll(() => told, { timeout: 12_000 }).toContain(messageId)
    console.log(`told after ${Math.round(performance.now() - diedAt)} ms`)
    expect((await b.call('GET', `/api/messages/${messageId}`)).body.status).toBe('completed')
    await sleep(4_000)
    expect(told).toEqual([messageId])
    expect(told).not.toContain(mine)
    expect(failures).toBeGreaterThan(1)
    await failing.close()
    await expect.poll(() => told, { timeout: 12_000 }).toContain(mine)
  },
)
