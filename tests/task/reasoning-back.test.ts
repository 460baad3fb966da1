/** Reasoning goes back with the calls it led to, as it came, to whom it came from: against a server that refuses what lacks it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { redaction } from '../../server/extension/redaction.ts'
import { defineTool } from '../../server/extension/tool.ts'
import type { Message } from '../../shared/schema.ts'
import { httpError, recorded, type ReceivedRequest, type Script } from '../../testing/index.ts'
import { pay } from '../helpers/pay-tool.ts'
import { closeAfterwards, start, startWithFake } from '../http/server.ts'

const now = defineTool({ name: 'now', description: 'The time.', parameters: z.object({}), execute: () => '12:00' })
/** Hides all reasoning. */
const hiding = {
  name: 'hiding',
  stream: () => {
    const hidden = new Set<string>()
    return (event: any) => {
      if (event.type === 'block_start' && event.block.type === 'reasoning') hidden.add(event.key)
      return event.type !== 'provider_data' && hidden.has(event.key) ? null : event
    }
  },
}

const encoder = new TextEncoder()
const chunks = (reason: string, ...deltas: object[]): Script =>
  recorded(
    encoder.encode(
      [
        ...deltas.map((delta) => ({ choices: [{ index: 0, delta }] })),
        { choices: [{ index: 0, delta: {}, finish_reason: reason }] },
        '[DONE]',
      ]
        .map((frame) => `data: ${typeof frame === 'string' ? frame : JSON.stringify(frame)}\n\n`)
        .join(''),
    ),
  )
const called = (name: string, id = 'k1') => ({
  tool_calls: [{ index: 0, id, type: 'function', function: { name, arguments: '{}' } }],
})

interface Way {
  deltas: object[]
  /** What an assistant message with calls must have. */
  wanted: object
  /** It goes back in later turns in any case. */
  isSigned?: true
}

const ways: Record<string, Way> = {
  reasoning_content: {
    deltas: [{ reasoning_content: 'I need ' }, { reasoning_content: 'the time.' }],
    wanted: { content: null, reasoning_content: 'I need the time.' },
  },
  reasoning: {
    deltas: [{ reasoning: 'I need ' }, { reasoning: 'the time.' }],
    wanted: { content: null, reasoning: 'I need the time.' },
  },
  'both at once': {
    deltas: [{ reasoning: 'I need the time.', reasoning_content: 'I need the time.' }],
    wanted: { reasoning: 'I need the time.', reasoning_content: 'I need the time.' },
  },
  'unsigned reasoning_details': {
    deltas: [
      { reasoning_details: [{ type: 'reasoning.text', text: 'I need ', index: 0, id: 'r1', signature: null }] },
      { reasoning_details: [{ type: 'reasoning.text', text: 'the time.', index: 0, id: 'r1' }] },
    ],
    wanted: { reasoning_details: [{ type: 'reasoning.text', text: 'I need the time.', index: 0, id: 'r1' }] },
  },
  'thinking_blocks beside reasoning_content': {
    deltas: [
      { reasoning_content: 'I need ', thinking_blocks: [{ type: 'thinking', thinking: 'I need ', signature: null }] },
      { reasoning_content: 'the time.', thinking_blocks: [{ type: 'thinking', thinking: 'the time.' }] },
      { thinking_blocks: [{ type: 'thinking', thinking: '', signature: 'c2ln' }] },
    ],
    wanted: {
      reasoning_content: 'I need the time.',
      thinking_blocks: [{ type: 'thinking', thinking: 'I need the time.', signature: 'c2ln' }],
    },
  },
  'signed reasoning_details': {
    deltas: [
      { reasoning_details: [{ type: 'reasoning.text', text: 'I need the time.', index: 0 }] },
      { reasoning_details: [{ type: 'reasoning.text', signature: 'c2ln', index: 0 }] },
    ],
    wanted: {
      reasoning_details: [{ type: 'reasoning.text', text: 'I need the time.', index: 0, signature: 'c2ln' }],
    },
    isSigned: true,
  },
  'tags in the text': {
    deltas: [{ content: '<think>\nI need ' }, { content: 'the time.\n</think>\n\nOne mo' }, { content: 'ment.' }],
    wanted: { content: '<think>\nI need the time.\n</think>\n\nOne moment.' },
  },
  'a closing tag alone': {
    deltas: [{ content: 'I need ' }, { content: 'the time.\n</think>\n\nOne mo' }, { content: 'ment.' }],
    wanted: { content: 'I need the time.\n</think>\n\nOne moment.' },
  },
  'other tags': {
    deltas: [{ content: '[THINK]I need the time.[/THINK]' }, { content: 'One moment.' }],
    wanted: { content: '[THINK]I need the time.[/THINK]One moment.' },
  },
  'parts of the content': {
    deltas: [
      { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'I need ' }] }] },
      { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'the time.' }] }] },
      { content: [{ type: 'text', text: 'One moment.' }] },
    ],
    wanted: {
      content: [
        { type: 'thinking', thinking: [{ type: 'text', text: 'I need the time.' }] },
        { type: 'text', text: 'One moment.' },
      ],
    },
  },
}

const callMessages = ({ body }: ReceivedRequest) =>
  (body.messages ?? []).filter((message) => Array.isArray(message.tool_calls))
const matches = (message: object, wanted: object) =>
  Object.entries(wanted).every(([name, value]) => JSON.stringify((message as any)[name]) === JSON.stringify(value))

/** Answers 400 where a message with calls lacks what it came with. */
const strict =
  (wanted: object) =>
  (request: ReceivedRequest): Script =>
    callMessages(request).every((message) => matches(message, wanted))
      ? chunks('stop', { content: 'Noon.' })
      : httpError(400, 'The reasoning must be passed back to the API.')

async function world(wanted: object, settings: object = {}) {
  const { server, fake } = await startWithFake(
    { RUNNEL_MODEL: 'm', RUNNEL_OPENAI_API: 'chat', tools: [now, pay], ...settings },
    { fallback: strict(wanted) },
  )
  const chatId = (await server.call('POST', '/api/chats', {})).body.id as string
  const say = async (content: string, fields: object = {}): Promise<Message> => {
    const { body } = await server.call('POST', `/api/chats/${chatId}/messages`, { content, stream: false, ...fields })
    return body.error?.details?.message ?? body
  }
  return { server, fake, say }
}

test.each(Object.entries(ways))('%s goes back in the next round', async (_way, { deltas, wanted, isSigned }) => {
  const { fake, say } = await world(wanted)
  fake.enqueue(chunks('tool_calls', ...deltas, called('now')))
  expect(await say('What time is it?')).toMatchObject({ status: 'completed' })
  expect(callMessages(fake.requests[1]!)[0]).toMatchObject(wanted)
  // Not in a later turn, unless it is signed or asked for.
  fake.enqueue(chunks('stop', { content: 'Fine.' }), chunks('stop', { content: 'Fine.' }))
  await say('Thanks.')
  const later = callMessages(fake.requests[2]!)[0]!
  const unsigned = Object.fromEntries(
    Object.entries(wanted).filter(([name]) => name !== 'thinking_blocks' && name !== 'content'),
  )
  if (isSigned) expect(later).toMatchObject(wanted)
  else {
    expect(JSON.stringify(later)).not.toMatch(/"(reasoning\w*)":/)
    for (const name of Object.keys(unsigned)) expect(later).not.toHaveProperty(name)
  }
  // Another model gets nothing that was the first one's.
  await say('And now?', { model: 'other' })
  expect(JSON.stringify(fake.requests[3]!.body)).not.toMatch(/I need|c2ln/)
})

test('RUNNEL_SEND_REASONING=calls sends it in later turns with calls, all with every answer', async () => {
  const { deltas, wanted } = ways.reasoning_content!
  for (const mode of ['calls', 'all']) {
    const { fake, say } = await world(wanted, { RUNNEL_SEND_REASONING: mode })
    fake.enqueue(
      chunks('tool_calls', ...deltas, called('now')),
      chunks('stop', { reasoning_content: 'So.' }, { content: 'Noon.' }),
    )
    await say('What time is it?')
    expect(await say('Thanks.')).toMatchObject({ status: 'completed' })
    expect(fake.requests[2]!.body.messages!.map(({ reasoning_content: text }) => text)).toEqual([
      undefined,
      'I need the time.',
      undefined,
      mode === 'all' ? 'So.' : undefined,
      undefined,
    ])
  }
})

test('what redaction changed goes back as it is shown, what a filter left out as it came', async () => {
  const { deltas } = ways.reasoning_content!
  for (const [filter, text] of [
    [redaction({ patterns: [{ pattern: /time/, replacement: '…' }] }), 'I need the ….'],
    [hiding, 'I need the time.'],
  ] as const) {
    const { fake, say } = await world({ reasoning_content: text }, { filters: [filter] })
    fake.enqueue(chunks('tool_calls', ...deltas, called('now')))
    expect(await say('What time is it?')).toMatchObject({ status: 'completed' })
    expect(callMessages(fake.requests[1]!)[0]).toMatchObject({ reasoning_content: text })
  }
})

test('a restart, an approval and Continue keep it; another base URL gets none', async () => {
  const { deltas, wanted } = ways.reasoning_content!
  const folder = mkdtempSync(join(tmpdir(), 'runnel-reasoning-'))
  closeAfterwards(async () => rmSync(folder, { recursive: true, force: true }))
  const settings = { DATABASE_URL: `sqlite:${join(folder, 'runnel.db')}`, RUNNEL_DRAIN_MS: 0 }
  const { server, fake, say } = await world(wanted, settings)
  fake.enqueue(chunks('tool_calls', ...deltas, called('pay')))
  const { id, status } = await say('Pay.')
  expect(status).toBe('waiting')
  await server.close()
  const same = {
    RUNNEL_MODEL: 'm',
    RUNNEL_OPENAI_API: 'chat' as const,
    tools: [now, pay],
    OPENAI_API_KEY: 'key',
    OPENAI_BASE_URL: fake.url,
    ...settings,
  }
  const second = await start(same)
  const status2 = async () => (await second.call('GET', `/api/messages/${id}`)).body.status
  fake.enqueue(chunks('length', { content: 'Paid, and' }))
  await expect.poll(status2, { timeout: 5_000 }).toBe('waiting')
  await second.call('POST', `/api/messages/${id}/tool-calls/k1`, { decision: 'approve' })
  await expect.poll(status2, { timeout: 5_000 }).toBe('completed')
  expect(callMessages(fake.requests[1]!)[0]).toMatchObject(wanted)
  await expect.poll(async () => (await second.call('GET', '/api/tasks')).body.items, { timeout: 5_000 }).toEqual([])
  expect((await second.call('POST', `/api/messages/${id}/continue`, { stream: false })).body).toMatchObject({
    status: 'completed',
  })
  expect(callMessages(fake.requests[2]!)[0]).toMatchObject(wanted)
  await second.close()
  const third = await start({
    ...same,
    OPENAI_BASE_URL: `${fake.url}/other/..`.replace('127.0.0.1', 'localhost'),
    RUNNEL_SEND_REASONING: 'all',
  })
  fake.enqueue(chunks('stop', { content: 'Fine.' }))
  const { chatId } = (await third.call('GET', `/api/messages/${id}`)).body
  await third.call('POST', `/api/chats/${chatId}/messages`, { content: 'Thanks.', stream: false })
  expect(JSON.stringify(fake.requests.at(-1)!.body)).not.toContain('I need')
})
