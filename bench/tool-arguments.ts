import { ChatMapper } from '../server/provider/openai-chat.ts'
import { Answer } from '../server/task/answer.ts'
import { Run } from '../server/task/run.ts'
import { BenchDocument, cpuOf, median, type Figure } from './harness.ts'

/** 11 bytes, so that ten tenths of 9,000 are a megabyte. */
const fragment = 'words of a '
const tenthFragments = 9_000
const windowFragments = 1_000

/** P9: an argument of 1 MB, fragment by fragment, from the provider's frame to a viewer: does the last tenth cost more than the first? */
export async function toolArguments(): Promise<Figure[]> {
  const early: number[] = []
  await measure(20 * windowFragments)
  // Short ones before and after the long one, against the machine's noise.
  for (let i = 0; i < 3; i++) early.push(...(await measure(tenthFragments)))
  const costs = await measure(10 * tenthFragments)
  for (let i = 0; i < 3; i++) early.push(...(await measure(tenthFragments)))
  const first = median(early)
  const last = median(costs.slice(-tenthFragments / windowFragments))
  return [
    { name: 'cpu a fragment of an argument, its first 100 kB', value: first, unit: 'µs' },
    { name: 'cpu a fragment of an argument, the last 100 kB of 1 MB', value: last, unit: 'µs' },
    { name: 'cpu a fragment, the last tenth against the first', value: last / first, unit: '×', bound: 1.3 },
  ]
}

/** CPU time a fragment, window by window: one flush a fragment, one viewer, SQLite. */
async function measure(fragments: number): Promise<number[]> {
  const document = await BenchDocument.open()
  await document.addViewer()
  const run = new Run({
    taskId: 'task_bench0000',
    messageId: document.room.id,
    chatId: 'chat_bench0000',
    user: { id: 'bench', name: 'bench' },
    request: { model: 'bench' },
    createdAt: 1,
    room: document.room,
    writer: document.writer,
    now: Date.now,
    maxMessageBytes: Infinity,
    flush: () => {},
    onAnswering: () => {},
    onParked: () => {},
    onEnd: () => {},
  })
  const answer = new Answer({
    run,
    addFile: () => Promise.reject(new Error('It makes no files.')),
    now: Date.now,
    round: 0,
    executorOf: () => 'server',
    say: () => {},
    redact: (text) => text,
  })
  const mapper = new ChatMapper(() => {})
  const push = (call: object) => {
    mapper.push(undefined, JSON.stringify({ choices: [{ index: 0, delta: { tool_calls: [{ index: 0, ...call }] } }] }))
    for (const event of mapper.events) answer.apply(event)
    mapper.events.length = 0
    document.flush()
  }
  push({ id: 'call_1', function: { name: 'write', arguments: '{"text":"' } })
  const costs: number[] = []
  for (let done = 0; done < fragments; done += windowFragments) {
    costs.push(
      cpuOf(() => {
        for (let i = 0; i < windowFragments; i++) push({ function: { arguments: fragment } })
      }) / windowFragments,
    )
    // As a process does: timers and I/O get their turn.
    await new Promise((resolve) => setImmediate(resolve))
  }
  await document.close()
  return costs
}
