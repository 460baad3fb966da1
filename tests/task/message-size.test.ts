/** Whatever a provider, a tool or a filter says that is kept counts into RUNNEL_MAX_MESSAGE_BYTES. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineTool, type ToolContext } from '../../server/extension/tool.ts'
import type { ProviderEvent } from '../../server/provider/events.ts'
import type { Message } from '../../shared/schema.ts'
import { answer, recorded } from '../../testing/index.ts'
import { start, startWithFake } from '../http/server.ts'
import { scriptedProvider } from '../http/scripted-provider.ts'

const maxBytes = 100_000
const settings = { RUNNEL_MAX_MESSAGE_BYTES: maxBytes, LOG_LEVEL: 'silent' as const }
const big = 'x'.repeat(3_000)

/** As JSON, with what is kept beside it. */
async function askIn(server: Awaited<ReturnType<typeof start>>, fields: object = {}) {
  const { id } = (await server.call('POST', '/api/chats', {})).body
  const { body } = await server.call('POST', `/api/chats/${id}/messages`, { content: 'Q', stream: false, ...fields })
  const message = (body.error?.details?.message ?? body) as Message
  expect(message).toMatchObject({ status: 'failed', error: { code: 'message_too_large' } })
  expect(JSON.stringify(message).length).toBeLessThan(4 * maxBytes)
  return message
}

const call = (at: number, fields: object = {}): ProviderEvent => ({
  type: 'block_start',
  key: `c${at}`,
  block: { type: 'tool_call', status: 'streaming', callId: `c${at}`, name: 'a', executor: 'provider', ...fields },
})
const text = (key: string): ProviderEvent => ({
  type: 'block_start',
  key,
  block: { type: 'text', status: 'in_progress' },
})

const floods: [string, (at: number) => ProviderEvent[]][] = [
  ['names of calls', (at) => [call(at, { name: big })]],
  ['ids of calls', (at) => [call(at, { callId: big })]],
  [
    'errors of calls',
    (at) => [call(at), { type: 'block_end', key: `c${at}`, status: 'failed', fields: { error: big } }],
  ],
  [
    'fields that are set again',
    (at) => [...(at === 0 ? [call(0)] : []), { type: 'block_set', key: 'c0', fields: { progress: big + at } }],
  ],
  ['what the provider wants back', (at) => [{ type: 'provider_data', key: `d${at}`, data: { item: big } }]],
  ['keys of what the provider wants back', (at) => [{ type: 'provider_data', key: `${at}${big}`, data: {} }]],
  ['entries of it that hold nothing', (at) => [{ type: 'provider_data', key: `d${at}`, data: {} }]],
  ['citations', (at) => [...(at === 0 ? [text('t')] : []), { type: 'annotation', key: 't', annotation: { url: big } }]],
  [
    'citations that say nothing',
    (at) => [...(at === 0 ? [text('t')] : []), { type: 'annotation', key: 't', annotation: {} }],
  ],
  ['blocks that hold nothing', (at) => [text(`t${at}`), { type: 'block_end', key: `t${at}`, status: 'completed' }]],
  [
    'sources',
    (at) => [
      {
        type: 'block_start',
        key: `s${at}`,
        block: { type: 'source', status: 'completed', title: 'A', sourceType: 'url', url: big, snippet: big },
      },
    ],
  ],
]

test.each(floods)('%s of a provider', async (_, flood) => {
  const { provider, give } = scriptedProvider()
  const server = await start({ ...settings, provider })
  for (let at = 0; at < 500; at++) give(...flood(at))
  await askIn(server)
})

const byTool: [string, (context: ToolContext, at: number) => void][] = [
  ['sources', (context) => void context.addSource({ title: big })],
  ['embeds', (context) => void context.addEmbed({ url: `https://a.example/${big}` })],
  ['errors', (context) => void context.addError({ message: big })],
  [
    'files elsewhere',
    (context) => void context.addFile({ name: big, url: 'https://a.example', mimeType: 'text/plain' }),
  ],
  ['texts', (context) => void context.append(big)],
  ['rewritten text', (context, at) => context.replace(at === 0 ? context.append('a') : 'b2', 'text', 0, 1, big)],
  ['citations', (context, at) => context.annotate(at === 0 ? context.append('a') : 'b2', { url: big })],
]

test.each(byTool)('%s of a tool, also where it goes on in spite of it', async (_, add) => {
  const tool = defineTool({
    name: 'flood',
    description: '',
    parameters: z.object({}),
    execute: async (_args, context) => {
      for (let at = 0; at < 500; at++) {
        try {
          add(context, at)
        } catch (error) {
          if (at === 0) throw error
        }
      }
      return 'done'
    },
  })
  const { server, fake } = await startWithFake({ ...settings, tools: [tool] })
  fake.enqueue(answer({ toolCalls: [{ id: 'c', name: 'flood', arguments: '{}' }] }))
  await askIn(server)
})

test('words of progress are cut, and those that were written count', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const tool = defineTool({
    name: 'wordy',
    description: '',
    parameters: z.object({}),
    execute: async (_args, context) => {
      context.progress('é'.repeat(1_000_000))
      context.signal.addEventListener('abort', () => resolve())
      await promise
    },
  })
  const { server, fake } = await startWithFake({ ...settings, RUNNEL_MAX_MESSAGE_BYTES: 3_000, tools: [tool] })
  fake.enqueue(answer({ toolCalls: [{ id: 'c', name: 'wordy', arguments: '{}' }] }))
  await askIn(server)
})

const chunk = (delta: object) => `data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}\n\n`
const bodies: [string, 'chat' | 'responses', string][] = [
  [
    'reasoning_details',
    'chat',
    Array.from({ length: 100 }, (_, index) =>
      chunk({ reasoning_details: [{ type: 'reasoning.encrypted', data: big, index }] }),
    ).join(''),
  ],
  ['white space before any text', 'chat', chunk({ content: ' '.repeat(3_000) }).repeat(100)],
  [
    'signatures of calls',
    'chat',
    Array.from({ length: 100 }, (_, index) =>
      chunk({
        tool_calls: [{ index, id: `c${index}`, function: { name: 'a', arguments: '{}' }, extra_content: { big } }],
      }),
    ).join(''),
  ],
  [
    'encrypted reasoning',
    'responses',
    Array.from({ length: 100 }, (_, index) => {
      const item = { type: 'reasoning', id: `rs_${index}`, summary: [], encrypted_content: big }
      return `data: ${JSON.stringify({ type: 'response.output_item.done', output_index: index, item })}\n\n`
    }).join(''),
  ],
]

test.each(bodies)('%s', async (_, api, body) => {
  const { server, fake } = await startWithFake({ ...settings, RUNNEL_OPENAI_API: api })
  fake.enqueue(recorded(body))
  const { id } = await askIn(server)
  expect(id).toBeTypeOf('string')
})

test('going on does not begin to count anew', async () => {
  const { server, fake } = await startWithFake({ ...settings, RUNNEL_MAX_MESSAGE_BYTES: 1_000 })
  fake.enqueue(answer({ text: 'a'.repeat(800), finish: 'length' }))
  const { messageId } = await server.ask('Q')
  const path = `/api/messages/${messageId}`
  await expect.poll(async () => (await server.call('GET', path)).body.status).toBe('completed')
  for (let turn = 0; turn < 3; turn++) {
    fake.enqueue(answer({ text: 'b'.repeat(800) }))
    const { status, body } = await server.call('POST', `${path}/continue`, { stream: false })
    expect([status, body.error.code]).toEqual([502, 'message_too_large'])
  }
  expect(JSON.stringify((await server.call('GET', path)).body).length).toBeLessThan(3_000)
})
