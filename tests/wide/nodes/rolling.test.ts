/** Three nodes are restarted one after the other while people ask and watch: every run ends, nobody is left behind. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { connect, isTerminal, type Message } from '../../../client/index.ts'
import { defineTool } from '../../../server/extension/tool.ts'
import { answer } from '../../../testing/index.ts'
import { watchLoopLag } from '../../e2e/loop-lag.ts'
import { Random } from '../../fuzz/random.ts'
import { balance } from '../../many/balancer.ts'
import { Hopper } from '../../many/hopper.ts'
import { newWorld, usePostgres, view } from '../../many/nodes.ts'

usePostgres()

const seed = Number(process.env['RUNNEL_SEED'] ?? 4_711)
const backMs = 3_000

/** A call as a careful program makes it: again where nobody listens, or the server says that it goes down. */
async function call(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  key?: string,
): Promise<{ status: number; body: any; attempts: number }> {
  const deadline = Date.now() + 10_000
  for (let attempts = 1; ; attempts++) {
    try {
      const response = await fetch(url + path, {
        method,
        headers: {
          connection: 'close',
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(key && { 'idempotency-key': key }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const answered = await response.json()
      if (response.status !== 503 || Date.now() > deadline) return { status: response.status, body: answered, attempts }
      expect(response.headers.get('retry-after')).not.toBeNull()
    } catch (error) {
      if (Date.now() > deadline) throw error
    }
    await sleep(50)
  }
}

test(`a rolling restart of three nodes under load (seed ${seed})`, { timeout: 60_000 }, async () => {
  const random = new Random(seed)
  const long = 'Long answer.'
  const world = await newWorld({
    settings: { RUNNEL_DRAIN_MS: 1_200, RUNNEL_LEASE_MS: 2_000, RUNNEL_MAX_TASKS_PER_USER: 1_000 },
    fake: {
      fallback: (request) => {
        const isLong = JSON.stringify(request.body).includes(long)
        return answer({
          text: Array.from({ length: isLong ? 100 : 8 }, (_, i) => `word${i} `),
          intervalMs: isLong ? 60 : 50,
        })
      },
    },
  })
  const nodes = await Promise.all([world.node(), world.node(), world.node()])
  const door = await balance(...nodes)
  const lag = watchLoopLag()

  const asked: string[] = []
  const refused: unknown[] = []
  let retried = 0
  let asking = true
  const askers = Array.from({ length: 6 }, async (_, asker) => {
    for (let i = 0; asking; i++) {
      const key = `${asker}-${i}`
      const chat = await call(door.url, 'POST', '/api/chats', {}, `chat-${key}`)
      const sent = await call(
        door.url,
        'POST',
        `/api/chats/${chat.body.id}/messages`,
        { content: i % 5 === 2 ? long : `Short ${key}` },
        key,
      )
      if (chat.attempts + sent.attempts > 2) retried += 1
      if (chat.status !== 201 || sent.status !== 202) refused.push([chat, sent])
      else asked.push(sent.body.messageId)
      await sleep(random.integer(100, 300))
    }
  })
  // So many that each node has some; they watch answers that last over restarts.
  const watched: string[] = []
  for (let i = 0; i < 6; i++) watched.push((await nodes[i % 3]!.ask(long)).messageId)
  let slowest = 0
  const clients = watched.flatMap((id) =>
    [0, 1].map(() => {
      const client = connect({ url: door.url })
      onTestFinished(() => client.close())
      const live = client.message(id)
      const shown = new Set<string>()
      onTestFinished(
        live.subscribe(() => {
          shown.add(live.getSnapshot().status)
        }),
      )
      let lostAt: number | null = null
      const states = new Set<string>()
      onTestFinished(
        client.connection.subscribe(() => {
          const { status } = client.connection.getSnapshot()
          states.add(status)
          if (status !== 'open') lostAt ??= performance.now()
          else if (lostAt !== null) {
            slowest = Math.max(slowest, performance.now() - lostAt)
            lostAt = null
          }
        }),
      )
      return { id, client, live, states, shown, isBack: () => client.connection.getSnapshot().status === 'open' }
    }),
  )
  const raw = watched.flatMap((id) => [new Hopper(door.url, id, '/ws'), new Hopper(door.url, id, '/yjs')])
  let watching = true
  // Whatever closes them, they come again.
  const hopping = raw.map(async (viewer) => {
    for (let faults = -1; watching && !viewer.ended; await sleep(25)) {
      if (viewer.faults.length === faults) continue
      await Promise.race([viewer.hop(), sleep(1_000)])
      faults = viewer.faults.filter((fault) => fault.startsWith('closed')).length
    }
  })
  for (const { live } of clients) await live.until(({ message }) => message !== null && message.output.length > 0)

  for (let i = 0; i < 3; i++) {
    await nodes[i]!.close()
    nodes[i] = await world.node()
    door.nodes = [...nodes]
    await expect.poll(() => clients.every(({ isBack }) => isBack()), { timeout: backMs }).toBe(true)
  }
  asking = false
  await Promise.all(askers)
  const ends = new Map<string, Message>()
  await expect
    .poll(
      async () => {
        for (const id of [...asked, ...watched]) {
          if (ends.has(id)) continue
          const { body } = await nodes[0]!.call('GET', `/api/messages/${id}`)
          if (isTerminal(body.status)) ends.set(id, body)
        }
        return ends.size
      },
      { timeout: 15_000 },
    )
    .toBe(asked.length + watched.length)
  for (const { id, live, client, states, shown } of clients) {
    const { message, status } = await live.until(({ message }) => message !== null && isTerminal(message.status))
    expect(message).toEqual(ends.get(id))
    expect(status).toBe('live')
    expect([...shown].filter((status) => status === 'refused' || status === 'diverged')).toEqual([])
    expect(states.has('closed')).toBe(false)
    await client.close()
  }
  await expect.poll(() => raw.every(({ ended }) => ended)).toBe(true)
  watching = false
  await Promise.all(hopping)
  for (const [i, viewer] of raw.entries()) {
    expect(viewer.json).toEqual(ends.get(watched[Math.floor(i / 2)]!))
    expect(viewer.faults.filter((fault) => !/^closed with (1012|1013|1006)$/.test(fault))).toEqual([])
    const { output } = viewer.json as Message
    expect(viewer.textUnits).toBe(output.reduce((sum, block) => sum + ('text' in block ? block.text.length : 0), 0))
    viewer.close()
  }
  const late = lag.stop()
  const statuses = [...ends.values()].reduce<Record<string, number>>(
    (sums, { status }) => ({ ...sums, [status]: (sums[status] ?? 0) + 1 }),
    {},
  )
  console.log(
    `${asked.length} asked, ${retried} of them again, ends ${JSON.stringify(statuses)}; slowest return ${Math.round(slowest)} ms`,
  )
  expect(refused).toEqual([])
  expect(asked.length).toBeGreaterThan(20)
  expect(Object.keys(statuses).every((status) => status === 'completed' || status === 'interrupted')).toBe(true)
  expect(statuses['completed']).toBeGreaterThan(10)
  for (const { status, error } of ends.values())
    expect(error?.code).toBe(status === 'interrupted' ? 'interrupted' : undefined)
  expect(slowest - late).toBeLessThan(backMs)
})

test(
  'a run that waits for people outlives its node, twice: it is answered on the nodes that are left',
  { timeout: 30_000 },
  async () => {
    let paid = 0
    const pay = defineTool({
      name: 'pay',
      description: '',
      parameters: z.object({}),
      approval: true,
      execute: () => {
        paid++
        return 'paid'
      },
    })
    const world = await newWorld({ settings: { tools: [pay], RUNNEL_LEASE_MS: 1_000 } })
    const [a, b, c] = await Promise.all([world.node(), world.node(), world.node()])
    world.fake.enqueue(answer({ toolCalls: [{ id: 'c1', name: 'pay', arguments: '{}' }] }), answer({ text: 'Done.' }))
    const { messageId, chatId } = await a!.ask('Pay')
    const there = view(c!)
    const [copy] = await there.follow(messageId)
    await there.until(() => copy!.message.status === 'waiting', 'the question')
    const isHere = (node: typeof a) => node!.runnel.stats().runs.waiting === 1
    await expect.poll(() => isHere(a)).toBe(true)
    await a!.close()
    await expect.poll(() => isHere(b) || isHere(c), { timeout: 8_000 }).toBe(true)
    const [owner, other] = isHere(b) ? [b, c] : [c, b]
    expect((await other!.call('GET', `/api/messages/${messageId}`)).body.status).toBe('waiting')
    expect((await other!.call('POST', `/api/chats/${chatId}/messages`, { content: 'More' })).body.error.code).toBe(
      'busy',
    )
    const d = await world.node()
    if (owner === b) {
      await b!.close()
      await expect.poll(() => isHere(c) || isHere(d), { timeout: 8_000 }).toBe(true)
    }
    expect((await d.call('POST', `/api/messages/${messageId}/tool-calls/c1`, { decision: 'approve' })).status).toBe(200)
    await there.until(() => copy!.ended, 'the end')
    expect(copy!.message).toMatchObject({ status: 'completed' })
    expect(copy!.text).toBe('Done.')
    expect(copy!.json).toEqual((await d.call('GET', `/api/messages/${messageId}`)).body)
    expect(paid).toBe(1)
  },
)
