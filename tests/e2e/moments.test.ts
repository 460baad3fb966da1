/** Forty moments of one run with all that a run can have: who comes at any of them sees the same in the end (P2), and Stop works at each (P5). */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { digestOf } from '../../shared/digest.ts'
import type { Chat, Message } from '../../shared/schema.ts'
import { Collector, type Collected } from '../../testing/index.ts'
import { watchLoopLag } from './loop-lag.ts'
import { moments } from './moments-list.ts'
import { MomentsWorld, type MomentsRun } from './moments-world.ts'

const stopMs = 100
const firstEnded = moments.findIndex(({ name }) => name === 'ended')

let world: MomentsWorld
beforeAll(async () => {
  world = await MomentsWorld.open()
})
afterAll(() => world.close())

test(
  `a viewer that joins at any of ${moments.length} moments ends with what the server has`,
  { timeout: 30_000 },
  async () => {
    const run = await world.begin()
    const joined: { name: string; viewer: Collector; copy: Collected }[] = []
    for (const { name, go } of moments) {
      await go(run)
      const viewer = new Collector(world.server.url)
      const [copy] = await viewer.follow(run.ids.messageId)
      await viewer.until(() => copy!.updates > 0, `the state of one who joins when ${name}`)
      // The run stands still, but for what waits for its half second.
      if (!run.copy.ended) expect(copy!.message.output.length, name).toBe(run.message.output.length)
      joined.push({ name, viewer, copy: copy! })
    }
    const truth = await run.read()
    expect(truth).toMatchObject({ status: 'completed', finishReason: 'stop', usage: { totalTokens: 45 } })
    expect(truth.output.map(({ type, status }) => `${type} ${status}`)).toEqual([
      'progress completed',
      'source completed',
      'reasoning completed',
      'text completed',
      ...Array(3).fill('tool_call completed'),
      'progress completed',
      'source completed',
      'file completed',
      'reasoning completed',
      'text completed',
      'tool_call failed',
      ...Array(2).fill('tool_call completed'),
      'progress completed',
      'reasoning completed',
      'text completed',
      'source completed',
    ])
    for (const { name, viewer, copy } of joined) {
      await viewer.until(() => copy.ended, `the end for one who joined when ${name}`)
      expect(copy.json, name).toEqual(truth)
      expect(copy.digest, name).toBe(digestOf(truth))
      expect(
        copy.checkpoints.every(({ matches }) => matches),
        name,
      ).toBe(true)
      await viewer.close()
    }
  },
)

test.each(moments.map(({ name }, index) => [name, index] as const))('Stop when: %s', async (_name, index) => {
  const run = await world.begin()
  for (const { go } of moments.slice(0, index + 1)) await go(run)
  const before = structuredClone(run.message)
  const isAsked = run.stream !== undefined && before.status === 'streaming' && !run.gates.isReached('outlet begins')
  const hungUp = isAsked ? (await run.stream.request).hungUp : performance.now()
  const aborted = Promise.all(
    run.gates.signals.map(
      (signal) =>
        new Promise<number>((resolve) => {
          if (signal.aborted) resolve(performance.now())
          else signal.addEventListener('abort', () => resolve(performance.now()))
        }),
    ),
  )

  const lag = watchLoopLag()
  const at = performance.now()
  const { status, body } = await world.server.call('POST', `/api/messages/${run.ids.messageId}/stop`, {
    taskId: run.ids.taskId,
  })
  expect([status, body.status]).toEqual([200, index < firstEnded ? 'stopped' : 'completed'])
  if (index < firstEnded) {
    const felt = Math.max(...(await aborted), await hungUp)
    expect(felt - at - lag.stop()).toBeLessThan(stopMs)
  } else lag.stop()
  await run.end()
  const message = await run.read()
  expectStopped(message, before, index < firstEnded ? 'stopped' : 'completed')
  expect(run.copy.json).toEqual(message)

  await bringTheLate(run)
  expect(await run.read()).toEqual(message)
  expect(run.copy.json).toEqual(message)
  expect(run.copy.digest).toBe(digestOf(message))
  expect(run.copy.checkpoints.at(-1)).toMatchObject({ final: true, matches: true })
  const chat = await chatOf(run)
  expect(chat.messages[run.ids.messageId]!.status).toBe(message.status)
  expect((await world.server.call('GET', '/api/tasks')).body.items).toEqual([])
})

/** The end is an end everywhere, and keeps what was there. */
function expectStopped(message: Message, before: Message, status: string): void {
  expect(message).toMatchObject({ status, endedAt: expect.any(Number) })
  expect(message.error).toBeUndefined()
  for (const block of message.output) {
    expect(block.status, JSON.stringify(block)).toMatch(/^(completed|incomplete|cancelled|failed)$/)
    if (block.type === 'progress') expect(block.done).toBe(true)
  }
  for (const [index, block] of before.output.entries()) {
    const kept = message.output[index]!
    expect(kept.id).toBe(block.id)
    if (block.type !== 'progress' && 'text' in block) expect(kept).toMatchObject({ text: block.text })
    if (block.type === 'tool_call')
      expect(kept).toMatchObject({
        arguments: block.arguments,
        ...(block.output !== undefined && { output: block.output }),
      })
  }
}

/** Tools and filters that did not heed their signal go on to their ends; the provider says more. */
async function bringTheLate(run: MomentsRun): Promise<void> {
  run.busy.end()
  run.gates.openAll()
  for (const stream of run.streams) {
    stream.send('late')
    stream.end()
  }
  while (run.gates.working > 0) await sleep(1)
  // Nothing can be waited for: it is what must not come.
  await sleep(10)
  // Answers that were never asked for must not be given to the next run.
  world.fake.reset()
}

async function chatOf(run: MomentsRun): Promise<Chat> {
  const [chat] = await world.viewer.follow(run.ids.chatId)
  await world.viewer.until(
    () => (chat!.json as Chat).messages[run.ids.messageId]?.status === run.message.status,
    'the chat says so',
  )
  return chat!.json as Chat
}
