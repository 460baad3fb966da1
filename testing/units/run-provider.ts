import type { Provider, ProviderEvent, ProviderRequest } from '../../server/index.ts'

export interface RunProviderOptions {
  /** The request is taken back so long after its beginning. */
  stopAfterMs?: number
  /** Default: 30 s. */
  deadlineMs?: number
}

export interface ProviderRun {
  events: { event: ProviderEvent; /** Since the request, ms. */ afterMs: number }[]
  /** What it says in all its text blocks. */
  text: string
  reasoning: string
  /** Its finish reason; null: it did not end well. */
  finish: Extract<ProviderEvent, { type: 'finish' }>['reason'] | null
  /** What it threw. */
  error: unknown
  /** What its events break of the rules of a provider, a sentence each; none: all is well. */
  broken: string[]
}

/**
 * Asks a provider of your own, and tells its events, with what they break of the rules (each block begins once, is written
 * while it is open, and has ended before `finish`, which comes once and last).
 */
export async function runProvider(
  provider: Provider,
  request: Partial<ProviderRequest> & Pick<ProviderRequest, 'prompt'>,
  { stopAfterMs, deadlineMs = 30_000 }: RunProviderOptions = {},
): Promise<ProviderRun> {
  const stopped = new AbortController()
  const late = setTimeout(() => {
    stopped.abort(new Error(`The provider did not end within ${deadlineMs} ms.`))
  }, deadlineMs)
  const stopping = stopAfterMs === undefined ? undefined : setTimeout(() => stopped.abort(), stopAfterMs)
  const startedAt = performance.now()
  const events: ProviderRun['events'] = []
  let error: unknown = null
  try {
    for await (const event of provider({ model: 'any', ...request }, stopped.signal))
      events.push({ event, afterMs: performance.now() - startedAt })
  } catch (thrown) {
    error = thrown
  } finally {
    clearTimeout(late)
    clearTimeout(stopping)
  }
  const all = events.map(({ event }) => event)
  return {
    events,
    text: written(all, 'text'),
    reasoning: written(all, 'reasoning'),
    finish: all.find((event) => event.type === 'finish')?.reason ?? null,
    error,
    broken: brokenRules(all, error),
  }
}

function written(events: readonly ProviderEvent[], type: 'text' | 'reasoning'): string {
  const keys = new Set<string>()
  let text = ''
  for (const event of events) {
    if (event.type === 'block_start' && event.block.type === type) {
      keys.add(event.key)
      text += 'text' in event.block ? (event.block.text ?? '') : ''
    }
    if (event.type === 'delta' && event.field === 'text' && keys.has(event.key)) text += event.text
  }
  return text
}

function brokenRules(events: readonly ProviderEvent[], error: unknown): string[] {
  const broken: string[] = []
  const open = new Set<string>()
  const known = new Set<string>()
  let isFinished = false
  for (const event of events) {
    if (isFinished) broken.push(`${event.type} comes behind finish.`)
    if (event.type === 'finish') isFinished = true
    if (event.type === 'block_start') {
      if (known.has(event.key)) broken.push(`The block ${event.key} begins twice.`)
      known.add(event.key)
      open.add(event.key)
    }
    if (
      event.type === 'delta' ||
      event.type === 'block_set' ||
      event.type === 'annotation' ||
      event.type === 'block_end'
    ) {
      if (!open.has(event.key)) broken.push(`${event.type} of the block ${event.key}, which is not open.`)
      if (event.type === 'block_end') open.delete(event.key)
    }
  }
  if (error === null && !isFinished) broken.push('It ended without finish, and threw nothing.')
  if (isFinished) for (const key of open) broken.push(`The block ${key} has not ended before finish.`)
  return broken
}
