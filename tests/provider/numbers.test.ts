/** Numbers that a provider says: those that are none count as absent, and no place of a part costs more than another. */
import { expect, test } from 'vitest'
import { ChatMapper } from '../../server/provider/openai-chat.ts'
import { ResponsesMapper } from '../../server/provider/openai-responses.ts'
import { retryAfterMs } from '../../server/provider/retry-after.ts'
import { usageOf } from '../../server/provider/usage.ts'
import { addUsage } from '../../shared/schema.ts'
import { foldEvents } from '../helpers/fold-events.ts'

test.each(['1e400', '-1', '1.5', '9007199254740993', '1e308', '"7"', 'null'])(
  'usage of %s tokens is none',
  (number) => {
    const raw = JSON.parse(`{"prompt_tokens":${number},"completion_tokens":7,"total_tokens":${number},
    "prompt_tokens_details":{"cached_tokens":${number}},"completion_tokens_details":{"reasoning_tokens":${number}}}`)
    expect(usageOf(raw)).toEqual({ inputTokens: 0, outputTokens: 7, totalTokens: 7 })
  },
)

test('the sum of many rounds stays a whole number', () => {
  const round = usageOf({ prompt_tokens: 2 ** 40, completion_tokens: 2 ** 40 })!
  let sum = round
  for (let i = 0; i < 1_000; i++) sum = addUsage(sum, round)!
  expect(Object.values(sum).every(Number.isSafeInteger)).toBe(true)
})

test.each(['1e400', '-1', '1.5', '4294967294', '9007199254740991'])(
  'a part at place %s is opened and ended like any other, at once',
  (place) => {
    const mapper = new ResponsesMapper(() => {})
    const push = (event: string) => mapper.push(undefined, event)
    const started = performance.now()
    push(`{"type":"response.output_item.added","output_index":${place},"item":{"type":"message","id":"m"}}`)
    push(`{"type":"response.output_text.delta","output_index":${place},"content_index":${place},"delta":"a"}`)
    push(`{"type":"response.output_item.done","output_index":${place},"item":{"type":"message","id":"m","content":[]}}`)
    push('{"type":"response.completed","response":{"status":"completed","output":[]}}')
    expect(performance.now() - started).toBeLessThan(1_000)
    expect(foldEvents(mapper)).toMatchObject({ blocks: [{ type: 'text', text: 'a', status: 'completed' }] })
  },
)

test.each(['1e400', '-1', '1.5'])('a call at index %s is found by its id', (index) => {
  const mapper = new ChatMapper(() => {})
  const delta = (call: string) =>
    mapper.push(undefined, `{"choices":[{"index":0,"delta":{"tool_calls":[{"index":${index},${call}}]}}]}`)
  delta('"id":"call_1","function":{"name":"add","arguments":"{"}')
  delta('"id":"call_1","function":{"arguments":"}"}')
  mapper.push(undefined, '{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}')
  mapper.push(undefined, '[DONE]')
  expect(foldEvents(mapper).blocks).toMatchObject([{ type: 'tool_call', callId: 'call_1', arguments: '{}' }])
})

test.each<[object, number | undefined]>([
  [{ 'retry-after': '2' }, 2_000],
  [{ 'retry-after': '0.5' }, 500],
  [{ 'retry-after': '7 seconds' }, 7_000],
  [{ 'retry-after': '7', 'retry-after-ms': '12.2' }, 13],
  [{ 'retry-after': new Date(Date.now() - 60_000).toUTCString() }, undefined],
  [{ 'retry-after': '-1' }, undefined],
  [{ 'retry-after': '1e400' }, undefined],
  [{ 'retry-after': 'soon' }, undefined],
  [{}, undefined],
])('how long a provider asks to wait: %j', (headers, ms) => {
  expect(retryAfterMs(new Headers(headers as HeadersInit))).toBe(ms)
})

test('it may name a time instead', () => {
  const ms = retryAfterMs(new Headers({ 'retry-after': new Date(Date.now() + 60_000).toUTCString() }))
  expect(ms).toBeGreaterThan(50_000)
  expect(ms).toBeLessThan(61_000)
})
