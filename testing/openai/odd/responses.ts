/** What providers make of the Responses API. */
import { responsesEncoder } from '../responses-frames.ts'
import { stepsOfAnswer } from '../answer.ts'
import type { Content } from '../script.ts'
import { CALL, TEXT, THOUGHT, type OddExpected, type Oddity } from './oddity.ts'

type Fields = Record<string, any>

/** A thought as raw text. */
function withRawThought(event: Fields): Fields {
  const raw = { summary: [], content: [{ type: 'reasoning_text', text: THOUGHT }] }
  const rawItem = (item: Fields): Fields =>
    item.type === 'reasoning' && item.summary.length > 0 ? { ...item, ...raw } : item
  if (String(event.type).startsWith('response.reasoning_summary_text'))
    return { ...event, type: event.type.replace('summary_text', 'text'), content_index: 0 }
  if (event.item) return { ...event, item: rawItem(event.item) }
  if (event.response) return { ...event, response: { ...event.response, output: event.response.output.map(rawItem) } }
  return event
}

/** The events of a plain answer: a thought, a text, a call. */
function plain(options: Parameters<typeof stepsOfAnswer>[0]): Fields[] {
  const encoder = responsesEncoder({ body: { model: 'odd', input: 'Hello' } } as never, 0)
  return [...encoder.start(), ...stepsOfAnswer(options).flatMap((step) => encoder.encode(step as Content))].map(
    (event) => JSON.parse(event.slice(event.indexOf('data: ') + 6)) as Fields,
  )
}

const { callId, name } = CALL
const all = plain({ reasoning: THOUGHT, text: TEXT, toolCalls: [{ id: callId, name, arguments: ['{"q":', '"sea"}'] }] })
const words = plain({ text: TEXT })
const expected = { status: 'completed', text: TEXT, reasoning: THOUGHT, toolCalls: [CALL] } as const
const textOnly = { status: 'completed', text: TEXT } as const

const sse = (events: Fields[]): string =>
  events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('')
const odd = (about: string, body: string | Fields[], wanted: OddExpected): Oddity => ({
  about,
  api: 'responses',
  body: typeof body === 'string' ? body : sse(body),
  expected: wanted,
})

export const RESPONSES = {
  'copilot-item-ids-change': odd(
    'another `item_id` in every event; only `output_index` holds an item together',
    all.map((event, index) => ({
      ...event,
      ...(event.item_id !== undefined && { item_id: `item_${index}` }),
      ...(event.item && { item: { ...event.item, id: `item_${index}` } }),
    })),
    expected,
  ),
  'codex-empty-output': odd(
    '`response.completed` with an empty `output`',
    all.map((event) =>
      event.type === 'response.completed' ? { ...event, response: { ...event.response, output: [] } } : event,
    ),
    expected,
  ),
  'lmstudio-no-argument-deltas': odd(
    'a call whose arguments come only at its end',
    all.filter(({ type }) => !String(type).startsWith('response.function_call_arguments')),
    expected,
  ),
  'text-only-in-completed': odd(
    'no deltas: the text stands in `response.completed` only',
    words.filter(({ type }) => /created|completed|item\.added/.test(type)),
    textOnly,
  ),
  'text-only-in-done': odd(
    'no deltas: the text stands in the `done` events',
    words.filter(({ type }) => !String(type).endsWith('.delta')),
    textOnly,
  ),
  'openai-keepalive': odd(
    'events of the type `keepalive`',
    words.flatMap((event) => [event, { type: 'keepalive', sequence_number: 0 }]),
    textOnly,
  ),
  'no-sequence-numbers': odd(
    'no `sequence_number`',
    words.map(({ sequence_number: _number, ...event }) => event),
    textOnly,
  ),
  'openrouter-done-behind-completed': odd(
    '`[DONE]` behind `response.completed`',
    `${sse(words)}data: [DONE]\n\n`,
    textOnly,
  ),
  'openai-resumed': odd(
    'a stream taken up in the middle: no `response.created`',
    words.filter(({ type }) => !/created|in_progress/.test(type)),
    textOnly,
  ),
  'raw-reasoning-text': odd(
    'thoughts as `reasoning_text`, not as a summary',
    all.filter(({ type }) => !String(type).startsWith('response.reasoning_summary_part')).map(withRawThought),
    expected,
  ),
  'responses-error-without-type': odd(
    'an error without a name and a type, behind some text',
    `${sse(words.slice(0, 6))}data: ${JSON.stringify({ error: { message: 'quota used up', code: 429 } })}\n\n`,
    { status: 'failed', errorMessageContains: 'quota used up' },
  ),
  'responses-document': {
    ...odd(
      'one JSON document, though a stream was asked for',
      JSON.stringify(words.at(-1)!.response, null, 2),
      textOnly,
    ),
    contentType: 'application/json',
  },
  'responses-cut': odd('the stream ends before `response.completed`', words.slice(0, -2), { status: 'failed' }),
} as const
