/** What leads to the next model and what does not, what is said of it, and what never goes along. */
import { expect, test } from 'vitest'
import { errorCodes, RunnelError, type ErrorCode } from '../../shared/errors.ts'
import type { Provider, ProviderEvent, ProviderRequest } from '../../server/provider/events.ts'
import { askingProvider } from '../../server/provider/fallback.ts'
import { ownProvider } from '../../server/provider/own-provider.ts'
import type { Target } from '../../server/provider/models.ts'

type Script = (ProviderEvent | Error)[]

const start: ProviderEvent = { type: 'block_start', key: 't', block: { type: 'text', status: 'in_progress' } }
const say = (text: string): ProviderEvent => ({ type: 'delta', key: 't', field: 'text', text })
const finish: ProviderEvent = { type: 'finish', reason: 'stop' }
const usage: ProviderEvent = { type: 'usage', usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 } }
const well: Script = [start, say('Well.'), usage, finish]
const fault = (code: ErrorCode = 'provider_error', words = 'It failed.') => new RunnelError(code, words)

function asking(scripts: Record<string, Script>) {
  const asked: ProviderRequest[] = []
  const outcomes: string[] = []
  let left = 0
  const playing = (script: Script): Provider =>
    async function* (request, signal) {
      asked.push(request)
      try {
        for (const event of script) {
          await Promise.resolve()
          signal.throwIfAborted()
          if (event instanceof Error) throw event
          yield event
        }
      } finally {
        left++
      }
    }
  const provider = askingProvider({
    target: (id): Target => {
      const [name = '', model = ''] = id.split('/')
      const script = scripts[name]
      if (!script) throw new RunnelError('bad_request', 'model: there is none')
      return { id, model, provider: { name, ask: playing(script), models: [], takesAny: true, fallback: [] } }
    },
    onOutcome: ({ id }, outcome) => outcomes.push(`${id} ${outcome}`),
  })
  const run = async (fallback: string[], signal = new AbortController().signal) => {
    const events: ProviderEvent[] = []
    let error: any
    try {
      for await (const event of provider({ model: 'a/x', fallback, prompt: [], user: 'ada' }, signal))
        events.push(event)
    } catch (thrown) {
      error = thrown
    }
    return { events, error }
  }
  return { run, asked, outcomes, left: () => left }
}

test('the first answers: its events are its own, as they came', async () => {
  const { run, asked, outcomes } = asking({ a: well, b: well })
  expect(await run(['b/y'])).toEqual({ events: well, error: undefined })
  expect(asked).toEqual([{ model: 'x', prompt: [], user: 'ada' }])
  expect(outcomes).toEqual(['a/x answering'])
})

test.each(errorCodes.filter((code) => code.startsWith('provider_')))('%s before the first token', async (code) => {
  const helps = !['provider_auth', 'provider_rejected'].includes(code)
  for (const before of [
    [],
    [start],
    [start, usage, { type: 'provider_data', key: 't', data: { s: 's' } } as ProviderEvent],
  ]) {
    const { run, asked, outcomes, left } = asking({ a: [...before, fault(code)], b: well })
    const { events, error } = await run(['b/y'])
    if (helps) {
      expect(events).toEqual([
        { type: 'waiting', words: 'a: It failed. b/y is asked instead.' },
        { type: 'waiting', words: null },
        { type: 'model', model: 'b/y' },
        ...well,
      ])
      expect(asked.map(({ model }) => model)).toEqual(['x', 'y'])
      expect(outcomes).toEqual([`a/x ${code}`, 'b/y answering'])
      expect(left()).toBe(2)
    } else {
      expect(events).toEqual([])
      expect(error).toMatchObject({ code, message: 'a: It failed.', details: { provider: 'a' } })
    }
  }
})

test.each<[string, ProviderEvent]>([
  ['a token', say('W')],
  ['a file', { type: 'file', key: 't', name: 'a', mimeType: 'image/png', data: new Uint8Array() }],
  ['a field', { type: 'block_set', key: 't', fields: { progress: 'x' } }],
  ['an end', { type: 'block_end', key: 't', status: 'completed' }],
])('behind %s nobody else is asked', async (_name, shown) => {
  const { run, asked } = asking({ a: [start, shown, fault()], b: well })
  const { events, error } = await run(['b/y'])
  expect(events).toEqual([start, shown])
  expect(error).toMatchObject({ code: 'provider_error', message: 'a: It failed.' })
  expect(asked).toHaveLength(1)
})

test('one after the other, each named; where none answers all of them are', async () => {
  const scripts = {
    a: [fault('provider_rate_limited', 'Slow down.')],
    b: [start],
    c: [fault('provider_timeout', 'Silence.')],
    d: well,
  }
  const first = asking(scripts)
  const { events } = await first.run(['b/y', 'c/z', 'd/w'])
  const notices = events.flatMap((event) =>
    event.type === 'waiting' && event.words !== null ? [event.words.split('\n').at(-1)] : [],
  )
  expect(notices).toEqual([
    'a: Slow down. b/y is asked instead.',
    'b: The model provider ended its answer before it began. c/z is asked instead.',
    'c: Silence. d/w is asked instead.',
  ])
  expect(events.slice(3)).toEqual([{ type: 'waiting', words: null }, { type: 'model', model: 'd/w' }, ...well])
  const none = await asking(scripts).run(['c/z'])
  expect(none.error).toMatchObject({ code: 'provider_timeout', message: 'a: Slow down. c: Silence.' })
})

test.each<[details: object, helps: boolean]>([
  [{ code: 400 }, false],
  [{ code: '404' }, false],
  [{ type: 'invalid_request_error' }, false],
  [{ code: 'context_length_exceeded' }, false],
  [{ code: 'invalid_api_key' }, false],
  [{ type: 'permission_error' }, false],
  [{ code: 'content_filter' }, false],
  [{ code: 429 }, true],
  [{ code: 'insufficient_quota' }, true],
  [{ type: 'overloaded_error' }, true],
  [{ code: 1302 }, true],
  [{ code: 'of_its_own' }, true],
])('a stream that begins with an error of %j: another is asked: %s', async (details, helps) => {
  const refused = new RunnelError('provider_error', 'No.', { details })
  const { run, asked } = asking({ a: [refused], b: well })
  const { error } = await run(['b/y'])
  expect(asked).toHaveLength(helps ? 2 : 1)
  expect(error?.message).toBe(helps ? undefined : 'a: No.')
})

test.each([
  [400, false],
  [402, false],
  [408, true],
  [409, true],
  [422, false],
])('HTTP %i: another is asked: %s', async (status, helps) => {
  const { run, asked } = asking({ a: [new RunnelError('provider_rejected', 'No.', { details: { status } })], b: well })
  await run(['b/y'])
  expect(asked).toHaveLength(helps ? 2 : 1)
})

test('where none answers, one that may pass says whether to ask again, whoever refused after it', async () => {
  const slow = new RunnelError('provider_rate_limited', 'Slow down.', { details: { status: 429, retryAfterMs: 5 } })
  const { run } = asking({ a: [slow], b: [fault('provider_auth', 'Key.')], c: well })
  expect((await run(['b/y', 'c/z'])).error).toMatchObject({
    code: 'provider_rate_limited',
    message: 'a: Slow down. b: Key.',
    details: { status: 429, retryAfterMs: 5, provider: 'a' },
  })
})

test('what one waits for is said under its name, and who did not answer before stays said', async () => {
  const waits = (words: string | null): ProviderEvent => ({ type: 'waiting', words })
  const wordsOf = (events: ProviderEvent[]) =>
    events.flatMap((event) => (event.type === 'waiting' ? [event.words] : []))
  const alone = await asking({ a: [waits('A minute.'), waits(null), ...well] }).run([])
  expect(wordsOf(alone.events)).toEqual(['a: A minute.', null])
  const { events } = await asking({ a: [fault()], b: [waits('A minute.'), waits(null), ...well] }).run(['b/y'])
  const failed = 'a: It failed. b/y is asked instead.'
  expect(wordsOf(events)).toEqual([failed, `${failed}\nb: A minute.`, failed, null])
})

test('what is at fault in the request, or in the program, is told as it is', async () => {
  const refused = new RunnelError('bad_request', 'stop: the Responses API knows none')
  expect((await asking({ a: [refused], b: well }).run(['b/y'])).error).toBe(refused)
  const own = new TypeError('x is undefined')
  expect((await asking({ a: [own], b: well }).run([])).error).toBe(own)
  expect((await asking({ a: [own], b: well }).run(['b/y'])).events.at(-1)).toEqual(finish)
  expect((await asking({ a: [fault()] }).run(['gone/y'])).error).toMatchObject({ code: 'bad_request' })
})

test('a signal that is aborted while one fails asks nobody else', async () => {
  const stopped = new AbortController()
  const reason = new Error('stopped')
  const { run, asked } = asking({ a: [start, fault()], b: well })
  const running = run(['b/y'], stopped.signal)
  stopped.abort(reason)
  expect((await running).error).toBe(reason)
  expect(asked.length).toBeLessThanOrEqual(1)
})

test('what a provider of a program wants back goes to it alone', async () => {
  const seen: ProviderRequest[] = []
  const provider = ownProvider('mine', async function* (request) {
    seen.push(request)
    yield { type: 'provider_data', key: 't', data: { signature: 's' } }
  })
  const item = (data: object) => ({
    role: 'assistant' as const,
    text: 'x',
    providerData: [{ data: data as never, at: 0 }],
  })
  const kept: ProviderEvent[] = []
  const request = {
    model: 'm',
    prompt: [item({ signature: 'foreign' }), item({ from: { baseUrl: 'provider:mine', model: 'm' } })],
  }
  for await (const event of provider(request, new AbortController().signal)) kept.push(event)
  expect(kept).toEqual([
    { type: 'provider_data', key: 't', data: { signature: 's', from: { baseUrl: 'provider:mine', model: 'm' } } },
  ])
  expect(seen[0]!.prompt.map((entry) => 'providerData' in entry && entry.providerData?.length)).toEqual([0, 1])
})
