/** Calls as some servers send them, through a run: each runs once, and its result finds it. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineTool } from '../../server/extension/tool.ts'
import { answer, recorded } from '../../testing/index.ts'
import { startWithFake } from '../http/server.ts'

const add = defineTool({
  name: 'add',
  description: 'Adds one.',
  parameters: z.object({ a: z.number().default(0) }),
  execute: ({ a }) => a + 1,
})
const fragment = (fields: { index?: number; id?: string; name?: string; args?: string }) => ({
  ...(fields.index !== undefined && { index: fields.index }),
  ...(fields.id !== undefined && { id: fields.id }),
  function: { name: fields.name, arguments: fields.args },
})

test.each<[string, object[][], outputs: string[]]>([
  [
    'two calls of one id',
    [
      [fragment({ index: 0, id: 'x', name: 'add', args: '{"a":1}' })],
      [fragment({ index: 1, id: 'x', name: 'add', args: '{"a":2}' })],
    ],
    ['2', '3'],
  ],
  [
    'calls without ids',
    [
      [fragment({ index: 0, name: 'add', args: '{"a":' })],
      [fragment({ index: 0, args: '1}' })],
      [fragment({ index: 1, id: '', name: 'add', args: '{"a":2}' })],
    ],
    ['2', '3'],
  ],
  [
    'an id that comes late',
    [[fragment({ index: 0, name: 'add', args: '{"a":' })], [fragment({ index: 0, id: 'late', args: '1}' })]],
    ['2'],
  ],
  [
    'a late id that another call has',
    [
      [fragment({ index: 0, id: 'x', name: 'add', args: '{"a":1}' })],
      [fragment({ index: 1, name: 'add', args: '{"a":2}' })],
      [fragment({ index: 1, id: 'x' })],
    ],
    ['2', '3'],
  ],
  [
    'no index, ids alone',
    [
      [fragment({ id: 'x', name: 'add', args: '{"a":' }), fragment({ id: 'y', name: 'add', args: '{"a":2}' })],
      [fragment({ id: 'x', args: '1}' })],
    ],
    ['2', '3'],
  ],
  [
    'neither index nor ids, several whole calls in one delta',
    [[fragment({ name: 'add', args: '{"a":1}' }), fragment({ name: 'add', args: '{"a":2}' })]],
    ['2', '3'],
  ],
  [
    'neither index nor id, a call in fragments that repeat its name',
    [[fragment({ name: 'add', args: '{"a":' })], [fragment({ name: 'add', args: '1}' })]],
    ['2'],
  ],
  ['no arguments at all', [[fragment({ index: 0, id: 'x', name: 'add' })]], ['1']],
])('%s', async (_what, deltas, outputs) => {
  const { server, fake } = await startWithFake({ RUNNEL_MODEL: 'm', tools: [add] })
  const frames = [
    ...deltas.map((calls) => ({ delta: { tool_calls: calls } })),
    { delta: {}, finish_reason: 'tool_calls' },
  ].map((choice) => `data: ${JSON.stringify({ choices: [{ index: 0, ...choice }] })}\n\n`)
  fake.enqueue(recorded(`${frames.join('')}data: [DONE]\n\n`), answer({ text: 'Done.' }))
  const { id } = (await server.call('POST', '/api/chats', {})).body
  const { body } = await server.call('POST', `/api/chats/${id}/messages`, { content: 'Q', stream: false })
  expect(body.status).toBe('completed')
  const messages = fake.requests[1]!.body.messages as any[]
  const ids = messages[1].tool_calls.map((call: any) => call.id)
  expect(new Set(ids).size).toBe(outputs.length)
  expect(messages.slice(2)).toEqual(
    outputs.map((content, index) => ({ role: 'tool', tool_call_id: ids[index], content })),
  )
  expect(body.output.filter((block: any) => block.type === 'tool_call').map((block: any) => block.callId)).toEqual(ids)
})
