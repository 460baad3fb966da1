import type { StreamContext } from '../server/extension/filter.ts'
import { redaction } from '../server/extension/redaction.ts'
import type { ProviderEvent } from '../server/provider/events.ts'
import { BenchDocument, cpuOf, median, token, type Figure } from './harness.ts'

const windowTokens = 1_000

/** A secret in four of 20 tokens. */
const secret = [' sk', '-ab', '12cd', '34']
const text = (i: number) => secret[(i % 20) - 16] ?? token(i)

// As long as what it replaces: the log then shows what replacing costs.
const variants = {
  none: null,
  'matches held back': redaction({ patterns: [{ pattern: /sk-[a-z0-9]{8}/, replacement: '[redaction]' }] }),
  'matches shown, then replaced': redaction({
    patterns: [{ pattern: /sk-[a-z0-9]{8}/, replacement: '[redaction]' }],
    maxHeldChars: 0,
  }),
  'matches shown, then removed': redaction({
    patterns: [{ pattern: / sk-[a-z0-9]{8}/, replacement: '' }],
    maxHeldChars: 0,
  }),
}

type Variant = keyof typeof variants

interface Cost {
  cpu: number
  log: number
}

/** P9 with a filter: one hit in 20 tokens, one flush a token, one viewer, SQLite. */
export async function redactedTokens(): Promise<Figure[]> {
  const figures: Figure[] = []
  let plainLog = 0
  await measure('none', 20 * windowTokens)
  for (const variant of Object.keys(variants) as Variant[]) {
    const early: Cost[] = []
    // Short documents before and after the long one, against the machine's noise.
    await measure(variant, 10 * windowTokens)
    for (let i = 0; i < 5; i++) early.push(...(await measure(variant, windowTokens)))
    const late = (await measure(variant, 100_000)).slice(-5)
    for (let i = 0; i < 5; i++) early.push(...(await measure(variant, windowTokens)))
    const [first, last] = [early, late].map((costs) => ({
      cpu: median(costs.map(({ cpu }) => cpu)),
      log: median(costs.map(({ log }) => log)),
    })) as [Cost, Cost]
    const name = variant === 'none' ? 'no filter' : variant
    figures.push({
      name: `${name}: cpu a token at 100,000 tokens`,
      value: last.cpu,
      unit: 'µs',
      note: `${first.cpu.toFixed(2)} at 1,000`,
    })
    figures.push({
      name: `${name}: cpu a token, 100,000 against 1,000`,
      value: last.cpu / first.cpu,
      unit: '×',
      bound: 1.3,
    })
    figures.push({
      name: `${name}: log a token, 100,000 against 1,000`,
      value: last.log / first.log,
      unit: '×',
      bound: 1.3,
    })
    if (variant === 'none') plainLog = last.log
    else
      figures.push({
        name: `${name}: log a token, more than without`,
        value: last.log - plainLog,
        unit: 'B',
        bound: 25,
      })
  }
  return figures
}

/** The cost of each window of a message that grows to `total` tokens. */
async function measure(variant: Variant, total: number): Promise<Cost[]> {
  const document = await BenchDocument.open()
  await document.addViewer()
  const { writer } = document
  const id = writer.openBlock({ type: 'text', status: 'in_progress' })
  const context = {
    blockOf: () => id,
    tail: (_key, field, count) => writer.tail(id, field, count),
    length: (_key, field) => writer.length(id, field),
    replace: writer.replace.bind(writer),
  } satisfies Partial<StreamContext>
  // A redaction of deltas uses no more of it.
  const filter = variants[variant]?.stream!(context as unknown as StreamContext) ?? ((event: ProviderEvent) => event)
  const costs: Cost[] = []
  for (let done = 0; done < total; done += windowTokens) {
    const log = document.logBytes
    const cpu = cpuOf(() => {
      for (let i = 0; i < windowTokens; i++) {
        const event = filter({ type: 'delta', key: 't', field: 'text', text: text(i) }) as ProviderEvent | null
        if (event?.type === 'delta') writer.append(id, event.field, event.text)
        document.flush()
      }
    })
    costs.push({ cpu: cpu / windowTokens, log: (document.logBytes - log) / windowTokens })
    // As a process does: timers and I/O get their turn.
    await new Promise((resolve) => setImmediate(resolve))
  }
  await document.close()
  return costs
}
