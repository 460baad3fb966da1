/** Tools that the provider runs itself and asks about: its answer ends with the question, and goes on with what a person says. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { Message, ToolCallBlock } from '../../shared/schema.ts'
import { answer, httpError, recorded, type Script } from '../../testing/index.ts'
import { startWithFake } from '../http/server.ts'

const item = {
  id: 'mcpr_1',
  type: 'mcp_approval_request',
  name: 'create_link',
  arguments: '{"url":"https://a.example"}',
  server_label: 'links',
}

function sse(...items: object[]): Script {
  const events = [
    ...items.flatMap((item, index) => [
      { type: 'response.output_item.added', output_index: index, item },
      { type: 'response.output_item.done', output_index: index, item },
    ]),
    {
      type: 'response.completed',
      response: { status: 'completed', output: [], usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 } },
    },
  ]
  return recorded(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''))
}

const callsOf = (message: Message) => message.output.filter((block) => block.type === 'tool_call') as ToolCallBlock[]

async function asked(script = sse({ id: 'mcpl_1', type: 'mcp_list_tools', server_label: 'links', tools: [] }, item)) {
  const { server, fake } = await startWithFake({ RUNNEL_OPENAI_API: 'responses', RUNNEL_PROVIDER_TOOLS: 'on' })
  fake.enqueue(script)
  const tools = [{ type: 'mcp', server_label: 'links', server_url: 'https://mcp.example', require_approval: 'always' }]
  const { id } = (await server.call('POST', '/api/chats', {})).body
  const message: Message = (
    await server.call('POST', `/api/chats/${id}/messages`, { content: 'A short link, please.', tools, stream: false })
  ).body
  expect(message).toMatchObject({ status: 'completed' })
  expect(callsOf(message)).toMatchObject([
    { status: 'awaiting_approval', executor: 'provider', name: expect.stringMatching(/create_/) },
  ])
  const path = `/api/messages/${message.id}`
  const say = (body: object) => server.call('POST', `${path}/tool-calls/${callsOf(message)[0]!.callId}`, body)
  const ended = async (status = 'completed') => {
    await expect.poll(async () => (await server.call('GET', path)).body.status, { timeout: 5_000 }).toBe(status)
    return (await server.call('GET', path)).body as Message
  }
  return { server, fake, message, path, say, ended, tools }
}

test('approved: the answer goes on in its message, and the provider runs the call', async () => {
  const { server, fake, message, say, ended, tools } = await asked()
  fake.enqueue(
    sse(
      {
        id: 'mcp_1',
        type: 'mcp_call',
        name: 'create_link',
        arguments: '{}',
        output: 'https://s.example',
        server_label: 'links',
        approval_request_id: 'mcpr_1',
      },
      { id: 'msg_1', type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Here it is.' }] },
    ),
  )
  const { status, body } = await say({ decision: 'approve' })
  expect([status, body.status]).toEqual([200, 'completed'])
  const end = await ended()
  expect(end.id).toBe(message.id)
  expect(callsOf(end)).toMatchObject([{ status: 'completed' }, { status: 'completed', output: 'https://s.example' }])
  expect(end.output.at(-1)).toMatchObject({ type: 'text', text: 'Here it is.' })
  expect(fake.requests[1]!.body.tools).toEqual(tools)
  expect(fake.requests[1]!.body.input).toEqual([
    { role: 'user', content: 'A short link, please.' },
    { id: 'mcpl_1', type: 'mcp_list_tools', server_label: 'links', tools: [] },
    item,
    { type: 'mcp_approval_response', approval_request_id: 'mcpr_1', approve: true },
  ])
  expect((await say({ decision: 'deny' })).body.error.code).toBe('already_answered')
  // What it has run it is not told to run again.
  await server.call('POST', `/api/chats/${message.chatId}/messages`, { content: 'Thanks', stream: false })
  await server.call('POST', `/api/messages/${message.id}/continue`, { stream: false })
  for (const { body } of fake.requests.slice(2)) expect(JSON.stringify(body)).not.toContain('mcp_approval')
})

test('denied, with a reason', async () => {
  const { fake, say, ended } = await asked()
  fake.enqueue(answer({ text: 'Then not.' }))
  expect((await say({ decision: 'deny', reason: 'Not that one.' })).status).toBe(200)
  const end = await ended()
  expect(callsOf(end)).toMatchObject([{ status: 'denied', error: 'This call was denied: Not that one.' }])
  expect(fake.requests[1]!.body.input!.at(-1)).toEqual({
    type: 'mcp_approval_response',
    approval_request_id: 'mcpr_1',
    approve: false,
    reason: 'Not that one.',
  })
})

test('of decisions at once one counts, and an output is none', async () => {
  const { fake, say } = await asked()
  const wrong = await say({ output: 'x' })
  expect([wrong.status, wrong.body.error.code]).toEqual([400, 'bad_request'])
  const edited = await say({ decision: 'approve', arguments: {} })
  expect([edited.status, edited.body.error.message]).toEqual([400, expect.stringMatching(/provider runs this call/)])
  fake.manual()
  const statuses = (await Promise.all(['approve', 'deny', 'approve'].map((decision) => say({ decision })))).map(
    ({ status }) => status,
  )
  expect(statuses.sort()).toEqual([200, 409, 409])
  await fake.received(2)
  expect(fake.requests).toHaveLength(2)
})

test('what the provider cannot take fails the answer, and is not said again by itself', async () => {
  const { server, fake, path, say, ended } = await asked()
  fake.enqueue(httpError(400, 'No.'))
  await say({ decision: 'approve' })
  expect((await ended('failed')).error).toBeDefined()
  fake.enqueue(answer({ text: 'Again.' }))
  await server.call('POST', `${path}/continue`, { stream: false })
  expect(JSON.stringify(fake.requests[2]!.body)).not.toContain('mcp_approval')
})

const corpus = process.env['RUNNEL_STREAM_CORPUS']
test.skipIf(!corpus)('a recorded question', async () => {
  const { fake, message, say, ended } = await asked(
    recorded(
      readFileSync(`${corpus ?? fileURLToPath(import.meta.url)}/responses/openai--gpt5mini-mcp-approval-request.sse`),
    ),
  )
  fake.enqueue(answer({ text: 'Done.' }))
  await say({ decision: 'approve' })
  await ended()
  expect(fake.requests[1]!.body.input!.map(({ type, role }) => type ?? role).slice(-2)).toEqual([
    'mcp_approval_request',
    'mcp_approval_response',
  ])
  expect(fake.requests[1]!.body.input!.at(-1)).toMatchObject({
    approval_request_id: callsOf(message)[0]!.callId,
    approve: true,
  })
})
