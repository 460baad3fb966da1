/** Every recorded stream that asks for functions, with those functions there: they run, and the next request has calls and results in order. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Tool, ToolSource } from '../../server/extension/tool.ts'
import type { Message } from '../../shared/schema.ts'
import {
  answer,
  recorded,
  startFakeOpenAI,
  startRunnel,
  type FakeOpenAI,
  type RequestBody,
  type StartedRunnel,
} from '../../testing/index.ts'
import { ownStreamsRoot, readCorpus, recordedStreamsRoot, type CorpusStream } from '../helpers/corpus.ts'

interface Call {
  id: string
  name: string
  arguments: string
}

function isWhole({ arguments: args }: Call): boolean {
  if (args === '') return true
  try {
    return typeof JSON.parse(args) === 'object'
  } catch {
    return false
  }
}

const functionsOf = ({ expected }: CorpusStream): (Call & { type?: string })[] =>
  expected.toolCalls.filter(({ type = 'function_call' }) => type === 'function_call' || type === 'function')
const endsWell = ({ api, expected }: CorpusStream) =>
  !expected.error &&
  (api === 'chat'
    ? Boolean(expected.finishReason) || expected.done
    : ['completed', 'incomplete'].includes(expected.status!))
const streams = readCorpus(recordedStreamsRoot() ?? ownStreamsRoot()).filter(
  (stream) => endsWell(stream) && functionsOf(stream).some(isWhole),
)

let names: string[] = []
/** Answers with what it was called with, so that results can be told apart. */
const toolOf = (name: string): Tool => ({
  name,
  description: 'Takes anything.',
  parameters: { type: 'object' },
  check: (args) => args,
  execute: (args) => `${name} of ${JSON.stringify(args)}`,
})
const source: ToolSource = {
  name: 'corpus',
  list: () => Promise.resolve([...new Set(names)].map(toolOf)),
  close: () => Promise.resolve(),
}

const roads = new Map<CorpusStream['api'], { fake: FakeOpenAI; server: StartedRunnel }>()
beforeAll(async () => {
  for (const api of ['chat', 'responses'] as const) {
    const fake = await startFakeOpenAI()
    roads.set(api, {
      fake,
      server: await startRunnel({
        OPENAI_API_KEY: 'key',
        OPENAI_BASE_URL: fake.url,
        RUNNEL_OPENAI_API: api,
        RUNNEL_MODEL: 'm',
        tools: [source],
      }),
    })
  }
})
afterAll(async () => {
  for (const { fake, server } of roads.values()) {
    await server.close()
    await fake.close()
  }
})

/** Calls with their results, as a request gives them back, in its order. */
function givenBack({ messages, input }: RequestBody): { calls: Call[]; results: [id: string, output: string][] } {
  if (messages) {
    const calls = messages.flatMap(
      ({ tool_calls: calls }) =>
        (calls as { id: string; function: { name: string; arguments: string } }[] | undefined) ?? [],
    )
    return {
      calls: calls.map(({ id, function: { name, arguments: args } }) => ({ id, name, arguments: args })),
      results: messages
        .filter(({ role }) => role === 'tool')
        .map(({ tool_call_id: id, content }) => [id as string, content as string]),
    }
  }
  const items = input as Record<string, string>[]
  return {
    calls: items
      .filter(({ type }) => type === 'function_call')
      .map(({ call_id: id, name, arguments: args }) => ({ id: id!, name: name!, arguments: args! })),
    results: items
      .filter(({ type }) => type === 'function_call_output')
      .map(({ call_id: id, output }) => [id!, output!]),
  }
}

test.each(streams.map((stream) => [stream.name, stream] as const))('%s', async (_name, stream) => {
  const { fake, server } = roads.get(stream.api)!
  const wanted = functionsOf(stream).filter(isWhole)
  names = wanted.map(({ name }) => name)
  fake.enqueue(recorded(stream.sse, stream.reads ?? { seed: 3, maxBytes: 2_000 }), answer({ text: 'Done.' }))
  const { id } = (await server.call('POST', '/api/chats', {})).body
  const asked = fake.requests.length
  const { status, body } = await server.call('POST', `/api/chats/${id}/messages`, {
    content: 'Play the next stream.',
    stream: false,
  })
  expect(status, JSON.stringify(body)).toBe(200)
  const message = body as Message
  expect(message.status).toBe('completed')
  expect(fake.requests.length - asked).toBe(2)
  const { calls, results } = givenBack(fake.requests.at(-1)!.body)
  const ran = calls.filter(({ id }) => wanted.some((call) => call.id === id))
  // No strict server takes a call without arguments back.
  expect(ran).toEqual(wanted.map(({ id, name, arguments: args }) => ({ id, name, arguments: args || '{}' })))
  expect(results.map(([id]) => id)).toEqual(calls.map(({ id }) => id))
  for (const [index, [, output]] of results.entries()) {
    const { id, name, arguments: args } = calls[index]!
    if (wanted.some((call) => call.id === id))
      expect(output).toBe(`${name} of ${JSON.stringify(JSON.parse(args === '' ? '{}' : args))}`)
  }
  expect(new Set(calls.map(({ id }) => id)).size).toBe(calls.length)
  for (const { id, name } of wanted) {
    expect(message.output.find((block) => block.type === 'tool_call' && block.callId === id)).toMatchObject({
      status: 'completed',
      executor: 'server',
      output: expect.stringContaining(name),
    })
  }
  expect(message.output.at(-1)).toMatchObject({ type: 'text', text: 'Done.' })
})
