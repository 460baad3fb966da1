/** The chunks of a message, from its changes alone: what is sent once is never sent again, whatever happens to the text. */
import { describe, expect, test } from 'vitest'
import { ChunkEncoder } from '../../server/http/door/chunks.ts'
import type { MessageChange } from '../../shared/events.ts'
import type { Block, Message } from '../../shared/schema.ts'

const message: Message = {
  id: 'msg_aaaaaaaa',
  chatId: 'chat_aaaaaaaa',
  parentId: null,
  role: 'assistant',
  model: 'm',
  status: 'streaming',
  createdAt: 1_700_000_000_500,
  schema: 1,
  output: [],
}
const textBlock = (text = ''): Block => ({ id: 'b0', type: 'text', status: 'in_progress', text, annotations: [] })
const callBlock = (name: string, args = ''): Block => ({
  id: 'b1',
  type: 'tool_call',
  status: 'streaming',
  callId: 'call_1',
  name,
  arguments: args,
  executor: 'client',
})
const delta = (offset: number, insert: string, deleted?: number, block = 'b0'): MessageChange => ({
  type: 'delta',
  block,
  field: block === 'b0' ? 'text' : 'arguments',
  offset,
  insert,
  ...(deleted !== undefined && { delete: deleted }),
})

/** The deltas in these frames. */
function deltas(frames: string): unknown[] {
  return frames
    .split('\n\n')
    .filter((frame) => frame !== '')
    .map((frame) => (JSON.parse(frame.slice('data: '.length)) as any).choices[0].delta)
}

const encoder = () => new ChunkEncoder(message, false)

test('a chunk on the wire', () => {
  const chunks = new ChunkEncoder(message, true)
  const head = '"id":"chatcmpl-msg_aaaaaaaa","object":"chat.completion.chunk","created":1700000000,"model":"m"'
  expect(chunks.begin()).toBe(
    `data: {${head},"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}\n\n`,
  )
  expect(chunks.changes([{ type: 'block', index: 0, block: textBlock() }, delta(0, 'a "b"\n')])).toBe(
    `data: {${head},"choices":[{"index":0,"delta":{"content":"a \\"b\\"\\n"},"finish_reason":null}],"usage":null}\n\n`,
  )
  expect(
    chunks.end(
      { ...message, usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3, reasoningTokens: 1, cachedTokens: 0 } },
      'stop',
    ),
  ).toBe(
    [
      `data: {${head},"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}\n\n`,
      `data: {${head},"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":1}}}\n\n`,
      'data: [DONE]\n\n',
    ].join(''),
  )
})

test("what the provider runs itself, sources and progress are none of the caller's", () => {
  const others: Block[] = [
    { ...callBlock('web_search', '{}'), executor: 'provider' } as Block,
    { id: 'b2', type: 'source', status: 'completed', title: 'T', sourceType: 'url' },
    { id: 'b3', type: 'progress', status: 'in_progress', text: 'Searching', done: false },
  ]
  const chunks = encoder()
  expect(chunks.difference({ ...message, output: others })).toBe('')
  expect(
    chunks.changes([
      { type: 'set', block: 'b1', fields: { name: 'x' } },
      delta(0, '{', 0, 'b1'),
      { type: 'delta', block: 'b1', field: 'output', offset: 0, insert: 'x' },
    ]),
  ).toBe('')
})

describe('a call', () => {
  test('is told when its name is known, with what came before', () => {
    const chunks = encoder()
    expect(chunks.changes([{ type: 'block', index: 0, block: callBlock('') }, delta(0, '{"a"', 0, 'b1')])).toBe('')
    expect(
      deltas(chunks.changes([{ type: 'set', block: 'b1', fields: { name: 'add' } }, delta(4, ':1}', 0, 'b1')])),
    ).toEqual([
      { tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'add', arguments: '{"a"' } }] },
      { tool_calls: [{ index: 0, function: { arguments: ':1}' } }] },
    ])
    expect(chunks.difference({ ...message, output: [callBlock('add', '{"a":1}')] }, true)).toBe('')
  })

  test('without any name is told at the end', () => {
    const chunks = encoder()
    chunks.changes([{ type: 'block', index: 0, block: callBlock('') }, delta(0, '{}', 0, 'b1')])
    expect(deltas(chunks.difference({ ...message, output: [callBlock('', '{}')] }, true))).toEqual([
      { tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: '', arguments: '{}' } }] },
    ])
  })

  test('whose id comes late has it in a fragment of its own', () => {
    const chunks = encoder()
    chunks.changes([{ type: 'block', index: 0, block: callBlock('add') }, delta(0, '{}', 0, 'b1')])
    expect(deltas(chunks.changes([{ type: 'set', block: 'b1', fields: { callId: 'call_late' } }]))).toEqual([
      { tool_calls: [{ index: 0, id: 'call_late' }] },
    ])
    expect(chunks.changes([{ type: 'set', block: 'b1', fields: { status: 'pending' } }])).toBe('')
  })
})

describe('text that is rewritten', () => {
  test('whose name goes on has the rest of it in a fragment of its own', () => {
    const chunks = encoder()
    chunks.changes([{ type: 'block', index: 0, block: callBlock('fi') }])
    expect(deltas(chunks.changes([{ type: 'set', block: 'b1', fields: { name: 'find' } }]))).toEqual([
      { tool_calls: [{ index: 0, function: { name: 'nd' } }] },
    ])
  })

  test('behind what was sent stays sent, and the rest follows once', () => {
    const chunks = encoder()
    chunks.difference({ ...message, output: [textBlock('The secret is')] })
    expect(chunks.changes([delta(4, '…', 6)])).toBe('')
    expect(deltas(chunks.changes([delta(8, ' out.')]))).toEqual([{ content: ' out.' }])
    expect(chunks.difference({ ...message, output: [textBlock('The … is out.')] })).toBe('')
  })

  test('while the reader lags counts where it was sent, is seen where it was not', () => {
    const chunks = encoder()
    chunks.difference({ ...message, output: [textBlock('The secret is')] })
    chunks.skip([delta(13, ' in the box.'), delta(4, '…', 6), delta(16, 'house', 3)])
    expect(deltas(chunks.difference({ ...message, output: [textBlock('The … is in the house.')] }))).toEqual([
      { content: ' in the house.' },
    ])
  })

  test('across the edge of what was sent: the reader gets what stands there now', () => {
    const chunks = encoder()
    chunks.difference({ ...message, output: [textBlock('The sec')] })
    chunks.skip([delta(7, 'ret is out.'), delta(4, '[gone]', 6)])
    expect(deltas(chunks.difference({ ...message, output: [textBlock('The [gone] is out.')] }))).toEqual([
      { content: '[gone] is out.' },
    ])
  })
})
