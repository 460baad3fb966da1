/** Approvals at the edges: other tabs, both at once, people without the right, too late. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { connect } from '../../client/index.ts'
import { defineTool } from '../../server/extension/tool.ts'
import { digestOf } from '../../shared/digest.ts'
import { isTerminal, type Message, type ToolCallBlock } from '../../shared/schema.ts'
import { answer, Collector, type StartedRunnel } from '../../testing/index.ts'
import { Person, startWithPeople } from '../http/people.ts'
import { closeAfterwards, startWithFake } from '../http/server.ts'

function payTool() {
  const ran: string[] = []
  return {
    ran,
    tools: [
      defineTool({
        name: 'pay',
        description: 'Pays.',
        parameters: z.object({}),
        approval: true,
        execute: (_args, { callId }) => {
          ran.push(callId)
          return 'paid'
        },
      }),
    ],
  }
}

const asks = answer({ text: 'May I?', toolCalls: [{ id: 'c1', name: 'pay', arguments: '{}' }] })
const callOf = ({ output }: Message) => output.find((block) => block.type === 'tool_call') as ToolCallBlock | undefined
const waits = (message: Message) => message.status === 'waiting' && callOf(message)?.status === 'awaiting_approval'

async function read(caller: Pick<StartedRunnel, 'call'> | Person, id: string): Promise<Message> {
  return (await caller.call('GET', `/api/messages/${id}`)).body
}

test('allowed in tab B while tab A reloads: both end with the same, and the tool ran once', async () => {
  const { tools, ran } = payTool()
  const { server, fake } = await startWithFake({ tools })
  fake.enqueue(asks, answer({ text: 'Paid.' }))
  const { messageId } = await server.ask('Q')
  const tabA = new Collector(server.url)
  const [copyA] = await tabA.follow(messageId)
  const tabB = connect({ url: server.url })
  closeAfterwards(() => tabB.close())
  const live = tabB.message(messageId)
  await live.until(({ message }) => message !== null && waits(message), { signal: AbortSignal.timeout(5_000) })
  await tabA.until(() => waits(copyA!.message), 'the question in tab A')

  // Tab A goes while B answers, and comes back with the copy that it had.
  const [allowed] = await Promise.all([
    server.call('POST', `/api/messages/${messageId}/tool-calls/c1`, { decision: 'approve' }),
    tabA.close(),
  ])
  expect(allowed.status).toBe(200)
  const back = new Collector(server.url)
  closeAfterwards(() => back.close())
  back.adopt(copyA!)
  await back.follow(messageId)
  const { message } = await live.until(({ message }) => message !== null && isTerminal(message.status), {
    signal: AbortSignal.timeout(5_000),
  })
  await back.until(() => copyA!.ended, 'the end in tab A')
  expect(copyA!.json).toEqual(message)
  expect(copyA!.digest).toBe(digestOf(message!))
  expect(copyA!.subscribed!.reset).toBe(false)
  expect(callOf(message!)).toMatchObject({ status: 'completed', output: 'paid' })
  expect(ran).toEqual(['c1'])
})

test.each([
  ['approve', 'approve'],
  ['approve', 'deny'],
  ['deny', 'deny'],
])('%s and %s at once: one of them counts, whichever came first', async (one, other) => {
  const { tools, ran } = payTool()
  const { server, fake } = await startWithFake({ tools })
  fake.enqueue(asks, answer({ text: 'Well.' }))
  const { messageId } = await server.ask('Q')
  await expect.poll(async () => waits(await read(server, messageId)), { timeout: 5_000 }).toBe(true)
  const decisions = [one, other, one, other]
  const answers = await Promise.all(
    decisions.map((decision) => server.call('POST', `/api/messages/${messageId}/tool-calls/c1`, { decision })),
  )
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409])
  expect(answers.filter(({ status }) => status === 409).map(({ body }) => body.error.code)).toEqual(
    Array(3).fill('already_answered'),
  )
  await expect.poll(async () => (await read(server, messageId)).status, { timeout: 5_000 }).toBe('completed')
  const isApproved = decisions[answers.findIndex(({ status }) => status === 200)] === 'approve'
  expect(callOf(await read(server, messageId))!.status).toBe(isApproved ? 'completed' : 'denied')
  expect(ran).toEqual(isApproved ? ['c1'] : [])
})

test('with sign-in: a viewer may not answer, a stranger finds nothing, an editor may', async () => {
  const { tools, ran } = payTool()
  const { server, fake, person } = await startWithPeople({ tools })
  fake.enqueue(asks, answer({ text: 'Paid.' }))
  const [ann, viewer, editor, stranger] = await Promise.all(['ann', 'vic', 'eve', 'sam'].map((name) => person(name)))
  const { chatId, messageId } = await ann!.ask('Q')
  for (const [other, role] of [
    [viewer, 'viewer'],
    [editor, 'editor'],
  ] as const) {
    const { token } = (await ann!.call('POST', `/api/chats/${chatId}/invites`, { role, expiresInSeconds: 60 })).body
    expect((await other!.call('POST', '/api/invites/redeem', { token })).status).toBe(200)
  }
  await expect.poll(async () => waits(await read(ann!, messageId)), { timeout: 5_000 }).toBe(true)
  const decide = (who: Person, decision = 'approve') =>
    who.call('POST', `/api/messages/${messageId}/tool-calls/c1`, { decision })
  expect(waits(await read(viewer!, messageId))).toBe(true)
  expect((await decide(viewer!)).status).toBe(403)
  expect((await decide(viewer!, 'deny')).status).toBe(403)
  expect((await decide(stranger!)).status).toBe(404)
  expect((await decide(new Person(server, undefined))).status).toBe(401)
  expect(waits(await read(ann!, messageId))).toBe(true)
  expect(ran).toEqual([])
  expect((await decide(editor!)).status).toBe(200)
  await expect.poll(async () => (await read(ann!, messageId)).status, { timeout: 5_000 }).toBe('completed')
  expect(ran).toEqual(['c1'])
  // Who may not answer learns nothing of how it stands.
  expect((await decide(viewer!)).status).toBe(403)
  expect((await decide(stranger!)).status).toBe(404)
  expect((await decide(ann!)).status).toBe(409)
})

test('after its limit, after Stop and after the end of its run: 409, and nothing runs', async () => {
  const { tools, ran } = payTool()
  const { server, fake } = await startWithFake({ tools, RUNNEL_APPROVAL_MAX_MS: 50 })
  fake.enqueue(asks, answer({ text: 'Nobody came.' }))
  const late = await server.ask('Q')
  await expect.poll(async () => (await read(server, late.messageId)).status, { timeout: 5_000 }).toBe('completed')
  expect(callOf(await read(server, late.messageId))).toMatchObject({ status: 'failed' })
  const other = await startWithFake({ tools })
  other.fake.enqueue(asks)
  const stopped = await other.server.ask('Q')
  await expect.poll(async () => waits(await read(other.server, stopped.messageId)), { timeout: 5_000 }).toBe(true)
  const [stop, decided] = await Promise.all([
    other.server.call('POST', `/api/messages/${stopped.messageId}/stop`, {}),
    other.server.call('POST', `/api/messages/${stopped.messageId}/tool-calls/c1`, { decision: 'approve' }),
  ])
  expect(stop.body.status).toBe('stopped')
  expect([200, 409]).toContain(decided.status)
  for (const [{ call }, { messageId }] of [
    [server, late],
    [other.server, stopped],
  ] as const) {
    const { status, body } = await call('POST', `/api/messages/${messageId}/tool-calls/c1`, { decision: 'approve' })
    expect([status, body.error.code]).toEqual([409, 'already_answered'])
  }
  if (decided.status === 409) expect(ran).toEqual([])
})
