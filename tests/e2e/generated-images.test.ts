/** Images that a provider makes become files of the chat. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { defineFilter } from '../../server/extension/filter.ts'
import type { Message } from '../../shared/schema.ts'
import { recorded } from '../../testing/index.ts'
import { startWithFake } from '../http/server.ts'

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

function answered(result: string) {
  const image = {
    type: 'image_generation_call',
    id: 'ig_1',
    status: 'completed',
    output_format: 'png',
    revised_prompt: 'A dot',
    result,
  }
  const text = { type: 'message', id: 'msg_1', role: 'assistant', content: [{ type: 'output_text', text: 'A dot.' }] }
  const events = [
    ...[image, text].map((item, index) => ({ type: 'response.output_item.done', output_index: index, item })),
    { type: 'response.completed', response: { status: 'completed', output: [] } },
  ]
  return recorded(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''))
}

async function ask(script: ReturnType<typeof recorded>, settings: object = {}) {
  const { server, fake } = await startWithFake({ RUNNEL_OPENAI_API: 'responses', ...settings })
  fake.enqueue(script)
  const { id } = (await server.call('POST', '/api/chats', {})).body
  const message: Message = (
    await server.call('POST', `/api/chats/${id}/messages`, { content: 'Draw a dot', stream: false })
  ).body
  expect(message.status).toBe('completed')
  return { server, message, blocks: message.output.filter(({ type }) => type !== 'text') }
}

test('an image is a file of its message, and goes with it', async () => {
  const { server, message, blocks } = await ask(answered(png.toString('base64')))
  expect(blocks).toMatchObject([
    { type: 'tool_call', name: 'image_generation', status: 'completed', executor: 'provider' },
    { type: 'file', status: 'completed', name: 'image.png', mimeType: 'image/png', size: png.length },
  ])
  const { url } = blocks[1] as { url: string }
  const response = await fetch(server.url + url)
  expect(Buffer.from(await response.arrayBuffer())).toEqual(png)
  await server.call('DELETE', `/api/messages/${message.id}`)
  expect((await fetch(server.url + url)).status).toBe(404)
})

test('one that is larger than a file may be is an error in its place', async () => {
  const { blocks } = await ask(answered(png.toString('base64')), { RUNNEL_MAX_FILE_BYTES: png.length - 1 })
  expect(blocks).toMatchObject([
    { type: 'tool_call', status: 'completed' },
    { type: 'error', code: 'too_large', message: expect.stringContaining('RUNNEL_MAX_FILE_BYTES') },
  ])
})

test('a filter sees it, and may keep it back', async () => {
  const seen: string[] = []
  const without = defineFilter({
    name: 'without-images',
    stream: () => (event) => {
      if (event.type !== 'file') return event
      seen.push(event.name)
      return null
    },
  })
  const { blocks } = await ask(answered(png.toString('base64')), { filters: [without] })
  expect(seen).toEqual(['image.png'])
  expect(blocks.map(({ type }) => type)).toEqual(['tool_call'])
})

test('data that is not whole is left out', async () => {
  const { blocks } = await ask(answered('iVBORw0…'))
  expect(blocks.map(({ type }) => type)).toEqual(['tool_call'])
})

const corpus = process.env['RUNNEL_STREAM_CORPUS']
test.skipIf(!corpus)('a recorded one, whose data was shortened', async () => {
  const { blocks } = await ask(recorded(readFileSync(`${corpus}/responses/openai--gpt5-image-generation.sse`)))
  expect(blocks.map(({ type }) => type)).toContain('tool_call')
  expect(blocks.map(({ type }) => type)).not.toContain('file')
})
