/** Calls that wait for a person or a client: who may answer, what the model gets of it, restarts in between. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineTool } from '../../server/extension/tool.ts'
import type { Message, ToolCallBlock } from '../../shared/schema.ts'
import { answer, type Script, type StartedRunnel } from '../../testing/index.ts'
import { closeAfterwards, start, startWithFake } from '../http/server.ts'

const ran: unknown[] = []
const pay = defineTool({
  name: 'pay',
  description: 'Pays.',
  parameters: z.object({ amount: z.number() }),
  approval: ({ amount }) => amount > 10,
  execute: (args) => {
    ran.push(args)
    return 'paid'
  },
})
const locate = defineTool({ name: 'locate', description: 'Where the user is.', parameters: z.object({}) })

const call = (name: string, args: string, id = 'c1'): Script => answer({ toolCalls: [{ id, name, arguments: args }] })

async function waiting(server: StartedRunnel, content = 'Q') {
  const { id } = (await server.call('POST', '/api/chats', {})).body
  const { status, body } = await server.call('POST', `/api/chats/${id}/messages`, { content, stream: false })
  return { status, message: body as Message, path: `/api/messages/${body.id}` }
}

const callOf = (message: Message) => message.output.find((block) => block.type === 'tool_call') as ToolCallBlock

async function ended(server: StartedRunnel, path: string): Promise<Message> {
  await expect
    .poll(async () => (await server.call('GET', path)).body.status, { timeout: 10_000 })
    .toMatch(/completed|failed|stopped|interrupted/)
  return (await server.call('GET', path)).body
}

const settings = { RUNNEL_MODEL: 'm', tools: [pay, locate] }

test('a call that needs no yes runs; one that does waits for it, and the first answer wins', async () => {
  ran.length = 0
  const { server, fake } = await startWithFake(settings)
  fake.enqueue(call('pay', '{"amount":5}'), call('pay', '{"amount":50}', 'c2'), answer({ text: 'Done.' }))
  const { status, message, path } = await waiting(server)
  expect([status, message.status, ran]).toEqual([202, 'waiting', [{ amount: 5 }]])
  const calls = message.output.filter((block) => block.type === 'tool_call')
  expect(calls.map((block) => block.status)).toEqual(['completed', 'awaiting_approval'])
  expect(message.output.at(-1)).toMatchObject({ type: 'progress', text: 'Waiting for approval of pay', done: false })
  expect((await server.call('GET', '/api/tasks')).body.items).toMatchObject([
    { messageId: message.id, status: 'waiting' },
  ])
  const answers = await Promise.all(
    [1, 2].map(() => server.call('POST', `${path}/tool-calls/c2`, { decision: 'approve' })),
  )
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
  expect(answers.find(({ status }) => status === 200)!.body).toMatchObject({ type: 'tool_call', callId: 'c2' })
  expect(answers.find(({ status }) => status === 409)!.body.error.code).toBe('already_answered')
  expect(await ended(server, path)).toMatchObject({ status: 'completed' })
  expect(ran).toEqual([{ amount: 5 }, { amount: 50 }])
  expect((await server.call('POST', `${path}/tool-calls/c2`, { decision: 'deny' })).status).toBe(409)
  expect((await server.call('POST', `${path}/tool-calls/other`, { decision: 'deny' })).status).toBe(404)
})

test('a deny is told to the model, with its reason', async () => {
  ran.length = 0
  const { server, fake } = await startWithFake(settings)
  fake.enqueue(call('pay', '{"amount":50}'), answer({ text: 'Then not.' }))
  const { path } = await waiting(server)
  expect(
    (await server.call('POST', `${path}/tool-calls/c1`, { decision: 'deny', reason: 'Too much.' })).body,
  ).toMatchObject({ status: 'denied', error: 'This call was denied: Too much.' })
  expect((await ended(server, path)).status).toBe('completed')
  expect(fake.requests[1]!.body.messages!.at(-1)).toEqual({
    role: 'tool',
    tool_call_id: 'c1',
    content: 'This call was denied: Too much.',
  })
  expect(ran).toEqual([])
})

test('a tool without execute waits for a client; its output goes to the model', async () => {
  const { server, fake } = await startWithFake(settings)
  fake.enqueue(call('locate', '{}'), answer({ text: 'In Delft.' }))
  const { message, path } = await waiting(server)
  expect(callOf(message)).toMatchObject({ status: 'pending', executor: 'client' })
  const wrong = await server.call('POST', `${path}/tool-calls/c1`, { decision: 'approve' })
  expect([wrong.status, wrong.body.error.message]).toEqual([400, 'This call waits for an output.'])
  expect((await server.call('POST', `${path}/tool-calls/c1`, {})).status).toBe(400)
  expect((await server.call('POST', `${path}/tool-calls/c1`, { output: { city: 'Delft' } })).body).toMatchObject({
    status: 'completed',
    output: '{"city":"Delft"}',
  })
  expect((await ended(server, path)).status).toBe('completed')
  expect(fake.requests[1]!.body.messages!.at(-1)).toMatchObject({ role: 'tool', content: '{"city":"Delft"}' })
})

test('tools that a request brings wait for its client; Stop ends the waiting', async () => {
  const { server, fake } = await startWithFake(settings)
  fake.enqueue(call('mine', '{}'))
  const { id } = (await server.call('POST', '/api/chats', {})).body
  const { body } = await server.call('POST', `/api/chats/${id}/messages`, {
    content: 'Q',
    stream: false,
    tools: [{ type: 'function', name: 'mine', parameters: { type: 'object' } }],
  })
  expect(callOf(body)).toMatchObject({ status: 'pending', executor: 'client' })
  expect((await server.call('POST', `/api/messages/${body.id}/stop`, {})).body.status).toBe('stopped')
  expect(callOf(await ended(server, `/api/messages/${body.id}`)).status).toBe('cancelled')
  expect((await server.call('POST', `/api/messages/${body.id}/tool-calls/c1`, { output: 1 })).status).toBe(409)
})

test('a call that nobody answers in time fails, and the model goes on', async () => {
  const { server, fake } = await startWithFake({ ...settings, RUNNEL_APPROVAL_MAX_MS: 100 })
  fake.enqueue(call('pay', '{"amount":50}'), answer({ text: 'Nobody there.' }))
  const { path } = await waiting(server)
  const message = await ended(server, path)
  expect(message.status).toBe('completed')
  expect(callOf(message)).toMatchObject({
    status: 'failed',
    error: expect.stringContaining('Nobody allowed or denied'),
  })
  expect((await server.call('POST', `${path}/tool-calls/c1`, { decision: 'approve' })).status).toBe(409)
})

test('a run that waits for people survives a restart, holds no place, and goes on when it is answered', async () => {
  ran.length = 0
  const folder = mkdtempSync(join(tmpdir(), 'runnel-waits-'))
  closeAfterwards(async () => rmSync(folder, { recursive: true }))
  const inlets: string[] = []
  const stored = {
    ...settings,
    DATABASE_URL: `sqlite:${folder}/runnel.db`,
    RUNNEL_FILES_DIR: `${folder}/files`,
    RUNNEL_MAX_TASKS: 1,
    filters: [
      {
        name: 'rules',
        inlet: (request: any) => {
          inlets.push('in')
          return { ...request, prompt: [{ role: 'system' as const, text: `Rule ${inlets.length}` }, ...request.prompt] }
        },
      },
    ],
  }
  const { server, fake } = await startWithFake(stored)
  fake.enqueue(
    answer({
      text: 'One moment.',
      toolCalls: [
        { id: 'c1', name: 'pay', arguments: '{"amount":50}' },
        { id: 'c2', name: 'locate', arguments: '{}' },
      ],
    }),
    answer({ text: 'Other.' }),
    answer({ text: 'Paid.' }),
  )
  const { message, path } = await waiting(server)
  expect((await waiting(server, 'Another')).message.status).toBe('completed')
  await server.close()
  const again = await start({ ...stored, OPENAI_BASE_URL: fake.url, OPENAI_API_KEY: 'key' })
  const withoutProgress = ({ output, ...fields }: Message) => ({
    ...fields,
    output: output.filter(({ type }) => type !== 'progress'),
  })
  expect(withoutProgress((await again.call('GET', path)).body)).toEqual(withoutProgress(message))
  expect((await again.call('POST', `${path}/tool-calls/c2`, { output: 'Delft' })).status).toBe(200)
  expect((await again.call('GET', path)).body.status).toBe('waiting')
  expect((await again.call('POST', `${path}/tool-calls/c1`, { decision: 'approve' })).status).toBe(200)
  const end = await ended(again, path)
  expect(end).toMatchObject({
    status: 'completed',
    output: [
      { type: 'progress', text: 'Preparing: rules', done: true },
      { text: 'One moment.' },
      { status: 'completed', output: 'paid' },
      { status: 'completed', output: 'Delft' },
      { type: 'progress', done: true },
      { text: 'Paid.' },
    ],
  })
  expect(ran).toEqual([{ amount: 50 }])
  // The request is the one that was prepared before the restart.
  expect(inlets).toEqual(['in', 'in'])
  expect(fake.requests[2]!.body.messages).toMatchObject([
    { role: 'system', content: 'Rule 1' },
    { role: 'user' },
    { role: 'assistant', content: 'One moment.' },
    { role: 'tool', content: 'paid' },
    { role: 'tool', content: 'Delft' },
  ])
})

test('a call runs with the arguments that a person puts in place of the model’s, and the model hears of those', async () => {
  ran.length = 0
  const { server, fake } = await startWithFake(settings)
  fake.enqueue(call('pay', '{"amount":50}'), call('pay', '{"amount":60}', 'c2'), answer({ text: 'Done.' }))
  const { message, path } = await waiting(server)
  const decide = (callId: string, body: object) => server.call('POST', `${path}/tool-calls/${callId}`, body)
  for (const [given, words] of [
    [{ amount: 'much' }, /amount/],
    ['{"amount":', /no JSON/],
    ['[]', /arguments/],
  ] as const) {
    const { status, body } = await decide('c1', { decision: 'approve', arguments: given })
    expect([status, body.error.code]).toEqual([400, 'bad_request'])
    expect(body.error.message).toMatch(words)
  }
  expect((await decide('c1', { decision: 'deny', arguments: {} })).status).toBe(400)
  expect((await decide('other', { decision: 'approve', arguments: {} })).status).toBe(404)
  expect(callOf((await server.call('GET', path)).body)).toMatchObject({ status: 'awaiting_approval' })
  const first = await Promise.all(
    [20, 30].map((amount) => decide('c1', { decision: 'approve', arguments: { amount } })),
  )
  expect(first.map(({ status }) => status).sort()).toEqual([200, 409])
  await expect.poll(async () => (await server.call('GET', path)).body.status).toBe('waiting')
  // The same again is no change.
  await decide('c2', { decision: 'approve', arguments: '{"amount":60}' })
  const blocks = (await ended(server, path)).output.filter(({ type }) => type === 'tool_call')
  const [{ amount }] = ran as [{ amount: number }]
  expect(ran).toEqual([{ amount }, { amount: 60 }])
  expect(blocks).toMatchObject([
    {
      status: 'completed',
      arguments: `{"amount":${amount}}`,
      originalArguments: '{"amount":50}',
      decidedBy: { id: 'local', name: 'You' },
    },
    { arguments: '{"amount":60}' },
  ])
  expect(blocks[1]).not.toHaveProperty('originalArguments')
  const sent = JSON.stringify(fake.requests.at(-1)!.body)
  expect(sent).toContain(JSON.stringify(`{"amount":${amount}}`))
  expect(sent).not.toContain('50')
  expect((await decide('c1', { decision: 'approve', arguments: { amount } })).body.error.code).toBe('already_answered')
  expect(message.status).toBe('waiting')
})
