import * as Y from 'yjs'
import { BenchDocument, cpuOf, median, token, type Figure } from './harness.ts'

/** P9: does a token cost more in a long message than in a short one? One flush a token, one viewer, SQLite. */
export async function costAToken(): Promise<Figure[]> {
  const windowTokens = 1_000
  const early: Cost[] = []
  const late: Cost[] = []
  // Several documents, short and long by turns, against the machine's noise.
  await measure(2_000, windowTokens)
  for (let i = 0; i < 5; i++) early.push(...(await measure(windowTokens, windowTokens)))
  const long = await measure(100_000, windowTokens)
  late.push(...long.slice(-5))
  for (let i = 0; i < 5; i++) early.push(...(await measure(windowTokens, windowTokens)))
  const figures: Figure[] = []
  for (const [key, unit] of [
    ['cpu', 'µs'],
    ['wire', 'B'],
    ['log', 'B'],
  ] as const) {
    const first = median(early.map((cost) => cost[key]))
    const last = median(late.map((cost) => cost[key]))
    figures.push({ name: `${key} a token at 1,000 tokens`, value: first, unit })
    figures.push({ name: `${key} a token at 100,000 tokens`, value: last, unit })
    figures.push({ name: `${key} a token, 100,000 against 1,000`, value: last / first, unit: '×', bound: 1.3 })
  }
  const [once, continued]: [number[], number[]] = [[], []]
  for (let i = 0; i < 5; i++) {
    once.push(...(await measure(windowTokens, windowTokens)).map(({ cpu }) => cpu))
    continued.push(...(await measure(windowTokens, windowTokens, 50)).map(({ cpu }) => cpu))
  }
  const value = median(continued) / median(once)
  figures.push({ name: 'cpu a token, after 50 Continues against none', value, unit: '×', bound: 1.3 })
  return figures
}

interface Cost {
  cpu: number
  wire: number
  log: number
}

/** The cost of each window of a message that grows to `total` tokens, by the last of so many runs that went on with it. */
async function measure(total: number, windowTokens: number, continues = 0): Promise<Cost[]> {
  const document = await BenchDocument.open()
  for (let i = 0; i < continues; i++) await document.goOn()
  const sink = await document.addViewer()
  const id = document.writer.openBlock({ type: 'text', status: 'in_progress' })
  const costs: Cost[] = []
  for (let done = 0; done < total; done += windowTokens) {
    const wire = sink.bytes
    const log = document.logBytes
    const cpu = cpuOf(() => {
      for (let i = 0; i < windowTokens; i++) {
        document.writer.append(id, 'text', token(i))
        document.flush()
      }
    })
    costs.push({
      cpu: cpu / windowTokens,
      wire: (sink.bytes - wire) / windowTokens,
      log: (document.logBytes - log) / windowTokens,
    })
    // As a process does: timers and I/O get their turn.
    await new Promise((resolve) => setImmediate(resolve))
  }
  await document.close()
  return costs
}

/** Bytes on `/ws`, all framing included, at two speeds; and the state of a rich message. */
export async function bytesOnTheWire(): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const [speed, bound] of [
    [80, 2.6],
    [1_000, 1.2],
  ] as const) {
    const document = await BenchDocument.open()
    const sink = await document.addViewer()
    for (let i = 0; i < 10; i++) {
      const call = document.writer.openBlock({
        type: 'tool_call',
        status: 'streaming',
        callId: `call_${i}`,
        name: 'search',
        executor: 'provider',
      })
      document.writer.append(call, 'arguments', '{"query":"tides"}')
      document.flush()
      document.writer.closeBlock(call, 'completed')
      document.flush()
    }
    figures.push({ name: `ten tool blocks before the text`, value: sink.bytes, unit: 'B' })
    const id = document.writer.openBlock({ type: 'text', status: 'in_progress' })
    document.flush()
    const before = sink.bytes
    let text = 0
    let due = 0
    // The tick is 40 ms: so many tokens go out together.
    for (let i = 0; i < 10_000; i++) {
      document.writer.append(id, 'text', token(i))
      text += Buffer.byteLength(token(i))
      if (i === 0 || (i + 1) / speed >= due) {
        document.flush()
        due += 0.04
      }
    }
    document.flush()
    figures.push({
      name: `wire for text at ${speed} tokens/s (${(text / 10_000).toFixed(2)} B a token)`,
      value: (sink.bytes - before) / text,
      unit: '× text',
      bound,
    })
    await document.close()
  }
  return [...figures.slice(-3), await stateOfARichMessage()]
}

async function stateOfARichMessage(): Promise<Figure> {
  const document = await BenchDocument.open()
  const { writer } = document
  const progress = writer.openBlock({ type: 'progress', status: 'in_progress', text: 'Searching the web', done: false })
  const calls = [0, 1, 2].map((i) =>
    writer.openBlock({
      type: 'tool_call',
      status: 'streaming',
      callId: `call_${i}`,
      name: 'search',
      executor: 'server',
    }),
  )
  let text = 0
  for (let i = 0; i < 10_000; i++) {
    writer.append(calls[i % 3]!, 'arguments', token(i))
    text += Buffer.byteLength(token(i))
    if (i % 3 === 2) document.flush()
    if (i % 400 === 0) writer.setMessage({ status: i % 800 === 0 ? 'waiting' : 'streaming' })
    if (i % 600 === 0) writer.setBlock(progress, { text: `Reading page ${i / 600} of 17` })
  }
  for (const call of calls) writer.closeBlock(call, 'completed')
  writer.closeBlock(progress, 'completed', { done: true })
  writer.setMessage({ status: 'completed' })
  document.flush()
  const state = Y.encodeStateAsUpdate(document.room.doc).length
  await document.close()
  const bound = 1.1 * text + 4 * 200 + 700
  return {
    name: 'state of 10,000 tokens, three calls growing in turns',
    value: state,
    unit: 'B',
    bound: Math.round(bound),
    note: `text ${text} B`,
  }
}
