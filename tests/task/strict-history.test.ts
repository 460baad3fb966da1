/** Chats in which a model wrote what no strict server takes back: they go on, and the documents keep what was written. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineTool } from '../../server/extension/tool.ts'
import type { Message } from '../../shared/schema.ts'
import { answer, httpError, type ReceivedRequest, type Script } from '../../testing/index.ts'
import { startWithFake } from '../http/server.ts'
import { refusalOf } from '../helpers/strict-upstream.ts'

const find = defineTool({
  name: 'find',
  description: 'Finds.',
  parameters: z.object({ q: z.string().optional() }),
  execute: () => '',
})
const badCalls = [
  ['find', ''],
  ['find', '{"q": "sea"'],
  ['find', '{"q": "C:\\dir"}'],
  ['find', 'null'],
  ['find', '[]'],
  ['find', '{"q":"sea"}{"q":"sea"}'],
  ['functions.find it', '{}'],
  ['$lookup', '{}'],
  ['x'.repeat(80), '{}'],
] as const

async function strictWorld(api: 'chat' | 'responses', turns: boolean) {
  const strict = ({ body }: ReceivedRequest): Script => {
    const refusal = refusalOf(api, body, turns)
    return refusal === null ? answer({ text: 'Fine.' }) : httpError(400, refusal)
  }
  const { server, fake } = await startWithFake(
    { RUNNEL_MODEL: 'm', RUNNEL_OPENAI_API: api, RUNNEL_STRICT_TURNS: turns ? 'on' : 'off', tools: [find] },
    { fallback: strict },
  )
  const chatId = (await server.call('POST', '/api/chats', { system: 'Be kind.' })).body.id as string
  const ask = async (content: string, script?: Script): Promise<Message> => {
    if (script) fake.enqueue(script)
    const { body } = await server.call('POST', `/api/chats/${chatId}/messages`, { content, stream: false })
    return body.error?.details?.message ?? body
  }
  return { server, fake, ask }
}

test.each([
  ['chat', false],
  ['chat', true],
  ['responses', false],
  ['responses', true],
] as const)('%s, turns demanded: %s', async (api, turns) => {
  const { fake, ask } = await strictWorld(api, turns)
  const calls = badCalls.map(([name, args], index) => ({ id: `${index}`.repeat(70), name, arguments: args }))
  const first = await ask('Find it.', answer({ toolCalls: calls }))
  expect(first.error).toBeUndefined()
  const kept = first.output.flatMap((block) => (block.type === 'tool_call' ? [[block.name, block.arguments]] : []))
  expect(kept).toEqual(badCalls)
  // Answers that failed, or said nothing, and the next question.
  expect(await ask('And?', httpError(400, 'No.'))).toMatchObject({ status: 'failed' })
  expect(await ask('Well?', answer({ after: { chunks: 0, fault: 'cut' } }))).toMatchObject({ status: 'failed' })
  expect(await ask('So?')).toMatchObject({ status: 'completed' })
  const sent = fake.requests.at(-1)!.body
  const texts = JSON.stringify(sent.messages ?? sent.input)
  for (const text of ['Find it.', 'And?', 'Well?', 'So?']) expect(texts).toContain(text)
})
