/** A type of block is one row: it is made, streamed, read, searched, redacted, asked with and shown by what stands in it. */
import { expect, onTestFinished, test } from 'vitest'
import { redaction } from '../../server/extension/redaction.ts'
import type { Provider, ProviderEvent, ProviderRequest } from '../../server/provider/events.ts'
import { blockTypes, type BlockRow } from '../../shared/block-types.ts'
import { addBlockType } from '../../shared/known-types.ts'
import type { Block, BlockType, GrowingField, NewBlock } from '../../shared/schema.ts'
import { Collector, SseReader } from '../../testing/index.ts'
import { closeAfterwards, start } from './server.ts'

interface Poem {
  id: string
  type: 'poem'
  status: string
  title: string
  verse: string
  endedAt?: number
}

const poem: BlockRow<Poem> = {
  grows: { verse: {} },
  words: 'verse',
  searched: ['title', 'verse'],
  door: { field: 'content', text: 'verse' },
  end: (status, endedAt) => ({ status: status === 'completed' ? 'completed' : 'incomplete', fields: { endedAt } }),
  shown: ({ title, verse }) => ({ kind: 'prose', text: `**${title}**: ${verse}` }),
}

const begun: ProviderEvent = {
  type: 'block_start',
  key: 'p',
  block: { type: 'poem', status: 'in_progress', title: 'Tides' } as unknown as NewBlock,
}
const grown = (text: string): ProviderEvent => ({ type: 'delta', key: 'p', field: 'verse' as GrowingField, text })
const asked: ProviderRequest[] = []
/** The poem is left open: the run ends it. */
const provider: Provider = async function* (request) {
  asked.push(request)
  yield begun
  for (const text of ['The moon ', 'draws sk-', 'abcdefghijkl ', 'kelp & foam']) yield grown(text)
  yield { type: 'finish', reason: 'stop' }
}

test('a type of one row works everywhere', async () => {
  onTestFinished(addBlockType('poem', poem))
  const filter = redaction({ patterns: [{ pattern: /sk-[a-z]{12}/, replacement: '[key]' }] })
  const server = await start({ provider, filters: [filter], RUNNEL_FLUSH_MS: 5 })
  const collector = new Collector(server.url)
  closeAfterwards(() => collector.close())

  const { messageId, chatId } = await server.ask('A poem?')
  const reader = new SseReader(server.url, messageId)
  closeAfterwards(async () => reader.close())
  await collector.follow(messageId)
  await reader.toEnd()

  const read = async (format: string) =>
    await (await fetch(`${server.url}/api/messages/${messageId}?format=${format}`)).text()
  const message = JSON.parse(await read('json'))
  const verse = 'The moon draws [key] kelp & foam'
  expect(message.output).toEqual([
    { id: 'b0', type: 'poem', status: 'completed', title: 'Tides', verse, endedAt: message.endedAt },
  ])
  expect(reader.message).toEqual(message)
  expect((await collector.toEnd(messageId)).message).toEqual(message)
  expect(await read('text')).toBe(`**Tides**: ${verse}\n`)
  expect(await read('markdown')).toBe(`**Tides**: ${verse}\n`)
  expect(await read('html')).toContain('<p><strong>Tides</strong>: The moon draws [key] kelp &amp; foam</p>')
  expect((await server.call('GET', '/api/chats?query=kelp+tides')).body.items).toMatchObject([{ id: chatId }])

  // What it says is what the model is told that it said.
  await server.ask('Another?', { chatId, parentId: messageId })
  await expect.poll(() => asked.length).toBe(2)
  expect(asked[1]!.prompt).toContainEqual({ role: 'assistant', text: verse, model: expect.any(String) })

  const door = await fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'demo', stream: true, messages: [{ role: 'user', content: 'A poem?' }] }),
  })
  const chunks = [...(await door.text()).matchAll(/^data: (\{.*)$/gm)].map(([, json]) => JSON.parse(json!))
  expect(chunks.map(({ choices }) => choices[0].delta.content ?? '').join('')).toBe(verse)
})

test('a type that nobody knows is kept, and shown to nobody', async () => {
  const unknown = { id: 'b0', type: 'poem', status: 'completed', title: 'Tides', verse: 'x' } as unknown as Block
  const { messageText } = await import('../../server/http/render/text.ts')
  expect(messageText({ output: [unknown] } as never)).toBe('\n')
})

test('a type without a row does not compile, and none is added twice', () => {
  const { poem: _, ...rows } = { poem, ...blockTypes }
  type Rows = { [T in BlockType]: BlockRow<Extract<Block, { type: T }>> }
  rows satisfies Rows
  const { text: _text, ...lacking } = blockTypes
  // @ts-expect-error: a type without a row does not compile.
  lacking satisfies Rows
  expect(() => addBlockType('text', poem as unknown as BlockRow<Extract<Block, { type: 'text' }>>)).toThrow(TypeError)
})
