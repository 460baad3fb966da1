/** What a filter holds back when an answer ends before its time is judged and shown. */
import { expect, test } from 'vitest'
import type { Filter } from '../../server/extension/filter.ts'
import { moderation, wordList } from '../../server/extension/moderation.ts'
import { redaction } from '../../server/extension/redaction.ts'
import type { Message } from '../../shared/schema.ts'
import type { ManualStream } from '../../testing/index.ts'
import { startWithFake } from '../http/server.ts'

const numbers = redaction({
  patterns: [
    { pattern: /\d{4,}/, replacement: '[number]' },
    { pattern: /sk-[a-z]{8,}/, replacement: '[key]' },
  ],
})
const textOf = ({ output }: Message) => output.flatMap((block) => ('text' in block ? [block.text] : [])).join('|')

async function ask(filters: Filter[], settings: object = {}) {
  const { server, fake } = await startWithFake({ RUNNEL_MODEL: 'm', LOG_LEVEL: 'silent', filters, ...settings })
  const stream = fake.manual()
  const { messageId } = await server.ask('Q')
  const read = async (): Promise<Message> => (await server.call('GET', `/api/messages/${messageId}`)).body
  const shown = (text: string) => expect.poll(async () => textOf(await read()), { timeout: 5_000 }).toBe(text)
  const ended = async (): Promise<Message> => {
    await expect
      .poll(async () => (await read()).status, { timeout: 5_000 })
      .toMatch(/^(completed|failed|stopped|interrupted)$/)
    return await read()
  }
  return { server, stream, messageId, shown, ended }
}

type World = Awaited<ReturnType<typeof ask>>
const ends: Record<string, [end: (stream: ManualStream, world: World) => unknown, status: string, settings?: object]> =
  {
    'an error in the stream': [(stream) => stream.error('Overloaded.'), 'failed'],
    'a connection that is cut': [(stream) => stream.cut(), 'failed'],
    'a stream without an end': [(stream) => stream.close(), 'failed'],
    silence: [() => {}, 'failed', { RUNNEL_PROVIDER_IDLE_MS: 300 }],
    'the time limit of the run': [() => {}, 'failed', { RUNNEL_TASK_MAX_MS: 300 }],
    Stop: [(_stream, { server, messageId }) => server.call('POST', `/api/messages/${messageId}/stop`, {}), 'stopped'],
  }

test.each(Object.entries(ends))('redaction, at %s', async (how, [end, status, settings]) => {
  const world = await ask([numbers], settings)
  const { stream, shown, ended } = world
  stream.reasoning('Is it sk-')
  stream.send('Is it 123')
  stream.send('456')
  if (!settings) await shown('Is it sk-|Is it ')
  await end(stream, world)
  const message = await ended()
  expect(message.status).toBe(status)
  // The last three digits may not have come when it was stopped.
  expect(textOf(message)).toMatch(
    how === 'Stop' ? /^Is it sk-\|Is it (?:\[number\]|123)$/ : /^Is it sk-\|Is it \[number\]$/,
  )
  expect(message.output.map((block) => block.status)).toEqual(['completed', 'incomplete'])
})

test.each([
  ['lets pass is shown', 'This is fine', 'provider_error', 'This is fine'],
  ['does not let pass is not', 'This is damn', 'content_filtered', ''],
])('what a check %s, where the provider fails', async (_what, text, code, expected) => {
  const { stream, ended } = await ask([moderation({ check: wordList(['damn']) }), numbers])
  stream.send(text)
  stream.error('Overloaded.')
  const message = await ended()
  expect(message.error?.code).toBe(code)
  expect(textOf(message)).toBe(expected)
})

test('what a filter holds that has failed, or has ended the run, is not shown', async () => {
  for (const how of ['fail', 'end'] as const) {
    const holding: Filter = {
      name: 'holding',
      stream: (context) => {
        let held = ''
        return (event) => {
          if (event.type === 'block_end') return [{ type: 'delta', key: event.key, field: 'text', text: held }, event]
          if (event.type !== 'delta') return event
          held += event.text
          if (!held.includes('bad')) return null
          if (how === 'fail') throw new Error('No.')
          context.end('No.')
          return null
        }
      },
    }
    const { stream, ended } = await ask([holding])
    stream.send('This is ')
    stream.send('bad')
    const message = await ended()
    expect(message.error?.code).toBe(how === 'fail' ? 'filter_failed' : 'content_filtered')
    expect(textOf(message)).toBe('')
  }
})
