import { expect, test } from 'vitest'
import type { Message, ToolCallBlock } from '../../shared/schema.ts'
import { startExample, untilMessage, untilStatus, type Example } from './example.ts'

const callOf = (message: Message) => message.output.find((block) => block.type === 'tool_call') as ToolCallBlock

/** The message waits while its calls are prepared, too: a decision is taken once one is asked for. */
async function askForApproval(example: Example, content: string) {
  const { id } = await example.ask(content, ['waiting'])
  return await untilMessage(
    example,
    id,
    'a call that waits for a yes',
    (message) => callOf(message)?.status === 'awaiting_approval',
  )
}

async function decide({ call }: Example, message: Message, decision: string) {
  const { status } = await call('POST', `/api/messages/${message.id}/tool-calls/${callOf(message).callId}`, {
    decision,
  })
  expect(status).toBe(200)
  return await untilStatus({ call }, message.id, ['completed'])
}

test('tools: a generator, an approval, an MCP server', { timeout: 60_000 }, async () => {
  const example = await startExample(['server/main.ts', '--config', 'examples/tools/runnel.config.ts'])
  const rolled = await example.ask('use the tool roll_dice')
  expect(callOf(rolled)).toMatchObject({
    name: 'roll_dice',
    executor: 'server',
    status: 'completed',
    output: expect.stringMatching(/^\d = \d$/),
  })
  expect(rolled.output.at(-1)).toMatchObject({ type: 'text', text: expect.stringContaining(callOf(rolled).output!) })

  const asked = await askForApproval(example, 'use the tool send_letter')
  expect(callOf(asked)).toMatchObject({ name: 'send_letter', status: 'awaiting_approval' })
  const sent = await decide(example, asked, 'approve')
  expect(sent.output).toContainEqual(expect.objectContaining({ type: 'file', name: 'letter to to.txt' }))

  expect(callOf(await example.ask('use the tool notes_list'))).toMatchObject({
    name: 'notes_list',
    status: 'completed',
    output: expect.stringContaining('Water the plants'),
  })
  const denied = await decide(example, await askForApproval(example, 'use the tool notes_add'), 'deny')
  expect(callOf(denied)).toMatchObject({ name: 'notes_add', status: 'denied' })
  expect(await example.end()).toBe(0)
})
