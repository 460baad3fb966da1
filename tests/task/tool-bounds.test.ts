/** The bounds of calls, on a real server: bytes that a client gives, time that a tool's questions take, words after the end. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineTool, type Tool } from '../../server/extension/tool.ts'
import type { Message, ToolCallBlock } from '../../shared/schema.ts'
import { answer } from '../../testing/index.ts'
import { startWithFake } from '../http/server.ts'

const where = defineTool({ name: 'where', description: '', parameters: z.object({}) })
const callOf = (message: Message) => message.output.find((block) => block.type === 'tool_call') as ToolCallBlock

async function ask(tool: Tool, settings: object = {}) {
  const { server, fake } = await startWithFake({ tools: [tool], ...settings })
  fake.enqueue(answer({ toolCalls: [{ id: 'c1', name: tool.name, arguments: '{}' }] }), answer({ text: 'I see.' }))
  const { messageId } = await server.ask('Q')
  const path = `/api/messages/${messageId}`
  const read = async () => (await server.call('GET', path)).body as Message
  return {
    fake,
    read,
    until: async (status: string) => {
      await expect.poll(async () => (await read()).status, { timeout: 5_000 }).toBe(status)
      return await read()
    },
    give: (output: string) => server.call('POST', `${path}/tool-calls/c1`, { output }),
  }
}

test('an output of a client over its bound is refused, and the call still waits', async () => {
  const { until, read, give } = await ask(where, { RUNNEL_MAX_TOOL_OUTPUT_BYTES: 100 })
  await until('waiting')
  const { status, body } = await give('é'.repeat(51))
  expect([status, body.error.code]).toEqual([413, 'too_large'])
  expect(body.error.message).toContain('RUNNEL_MAX_TOOL_OUTPUT_BYTES')
  expect(callOf(await read())).toMatchObject({ status: 'pending' })
  expect((await give('é'.repeat(50))).status).toBe(200)
  expect(callOf(await until('completed')).output).toBe('é'.repeat(50))
})

test('an output of a client that fills the message ends the run, as one of a tool does; the client hears it', async () => {
  const { until, give, fake } = await ask(where, { RUNNEL_MAX_MESSAGE_BYTES: 1_000 })
  await until('waiting')
  const { status, body } = await give('x'.repeat(1_001))
  expect([status, body.error.code]).toEqual([502, 'message_too_large'])
  const message = await until('failed')
  expect(message.error!.code).toBe('message_too_large')
  expect(callOf(message).status).toBe('cancelled')
  expect(fake.requests).toHaveLength(1)
})

const cut = (max: number) =>
  `The output is larger than ${max} bytes (RUNNEL_MAX_TOOL_OUTPUT_BYTES); the rest was cut off.`
test.each<[string, unknown, string]>([
  ['one piece', 'x'.repeat(1_000), 'x'.repeat(101)],
  ['one byte too many', 'x'.repeat(102), 'x'.repeat(101)],
  ['characters of two bytes', 'é'.repeat(60), 'é'.repeat(50)],
  ['characters of four bytes', '🌊'.repeat(30), '🌊'.repeat(25)],
  ['JSON', { words: 'x'.repeat(200) }, `{"words":"${'x'.repeat(91)}`],
  ['pieces', ['x'.repeat(60), 'é'.repeat(60), 'not asked for'], `${'x'.repeat(60)}${'é'.repeat(20)}`],
])(
  'of an output over its bound in %s the first part is kept, and goes to the model with the rest named',
  async (_what, output, kept) => {
    const tool = defineTool({
      name: 'talks',
      description: '',
      parameters: z.object({}),
      execute: async function* () {
        for (const piece of Array.isArray(output) ? output : [output]) yield piece
      },
    })
    const { until, fake } = await ask(tool, { RUNNEL_MAX_TOOL_OUTPUT_BYTES: 101 })
    expect(callOf(await until('completed'))).toMatchObject({ status: 'failed', output: kept, error: cut(101) })
    expect(fake.requests[1]!.body.messages!.at(-1)).toMatchObject({ role: 'tool', content: `${kept}\n${cut(101)}` })
  },
)

test('three million characters in one piece are cut at the default bound', async () => {
  const tool = defineTool({
    name: 'talks',
    description: '',
    parameters: z.object({}),
    execute: () => 'x'.repeat(3_000_000),
  })
  const { until } = await ask(tool)
  const { output, error } = callOf(await until('completed'))
  expect(output).toHaveLength(1_000_000)
  expect(error).toBe(cut(1_000_000))
})

const never = () => new Promise<never>(() => {})

test.each<[string, Partial<Tool>]>([
  ['question whether to ask', { approval: never }],
  ['check', { check: never }],
])('a %s that never ends fails its call when the time is over', async (_what, parts) => {
  const executed: string[] = []
  const tool = {
    ...defineTool({
      name: 'odd',
      description: '',
      parameters: z.object({}),
      execute: (_args, { callId }) => {
        executed.push(callId)
      },
    }),
    ...parts,
  }
  const { until } = await ask(tool, { RUNNEL_TOOL_MAX_MS: 50 })
  expect(callOf(await until('completed'))).toMatchObject({
    status: 'failed',
    error: 'The tool took longer than 50 ms.',
  })
  expect(executed).toEqual([])
})

test('the last words of progress are there before the call has ended, and none come after it', async () => {
  let late = () => {}
  const talks = defineTool({
    name: 'talks',
    description: '',
    parameters: z.object({}),
    execute: (_args, { progress }) => {
      late = () => progress('late')
      for (const words of ['one', 'two', 'three']) progress(words)
      return 'done'
    },
  })
  // So that the run is still there when they would come.
  const { read, until, fake } = await ask(talks)
  await fake.received(2)
  expect(callOf(await read())).toMatchObject({ status: 'completed', progress: 'three' })
  late()
  await sleep(600)
  expect(callOf(await until('completed')).progress).toBe('three')
})
