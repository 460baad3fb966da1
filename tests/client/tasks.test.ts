import { expect, onTestFinished, test } from 'vitest'
import { connect, type Client } from '../../client/index.ts'
import { startLine } from '../../testing/line.ts'
import { scriptedProvider } from '../http/scripted-provider.ts'
import { start } from '../http/server.ts'

/** The machine may be busy. */
const soon = <T>(value: () => T) => expect.poll(value, { timeout: 12_000, interval: 10 })

function open(url: string): { client: Client; reads: () => number } {
  let reads = 0
  const client = connect({
    url,
    fetch: (input, init) => {
      if (new URL(input as string).pathname === '/api/tasks') reads++
      return fetch(input, init)
    },
  })
  onTestFinished(() => client.close())
  return { client, reads: () => reads }
}

const shown = ({ tasks }: Client) => tasks.getSnapshot().tasks.map(({ messageId, status }) => [messageId, status])

test('the runs of this user are live in all chats: begun elsewhere, waiting in line, ended', async () => {
  const script = scriptedProvider()
  const server = await start({ provider: script.provider, RUNNEL_MAX_TASKS_PER_USER: 1 })
  const { client, reads } = open(server.url)
  expect(client.tasks.getSnapshot()).toEqual({ status: 'loading', tasks: [] })
  const stop = client.tasks.subscribe(() => {})
  await soon(() => client.tasks.getSnapshot().status).toBe('live')
  const empty = client.tasks.getSnapshot()
  expect(empty.tasks).toEqual([])

  const first = await server.ask('Elsewhere?')
  await soon(() => shown(client)).toMatchObject([[first.messageId, expect.anything()]])
  expect(client.tasks.getSnapshot().tasks[0]).toMatchObject({ taskId: first.taskId, chatId: first.chatId })
  const chat = await client.api.createChat()
  const second = await client.api.send(chat.id, { content: 'Here, behind it?' })
  await soon(() => client.tasks.getSnapshot().tasks[1]).toMatchObject({
    messageId: second.messageId,
    status: 'queued',
    place: 1,
  })
  const before = client.tasks.getSnapshot()
  expect(client.tasks.getSnapshot()).toBe(before)

  script.startText()
  script.text('Yes.')
  script.finish()
  await soon(() => shown(client).map(([id]) => id)).toEqual([second.messageId])
  await soon(() => shown(client)[0]![1]).toBe('streaming')
  expect(client.tasks.getSnapshot().tasks[0]!.place).toBeUndefined()
  await server.call('POST', `/api/messages/${second.messageId}/stop`)
  await soon(() => shown(client)).toEqual([])
  expect(reads()).toBeLessThan(12)

  stop()
  const after = reads()
  await server.ask('Unseen?')
  expect(client.tasks.getSnapshot()).toEqual({ status: 'loading', tasks: [] })
  expect(reads()).toBe(after)
})

test('what happened while the line was down is read when it is back', async () => {
  const script = scriptedProvider()
  const server = await start({ provider: script.provider })
  const proxy = await startLine(Number(new URL(server.url).port))
  onTestFinished(() => proxy.close())
  const { messageId } = await server.ask('Why?')
  const { client } = open(`http://127.0.0.1:${proxy.port}`)
  onTestFinished(client.tasks.subscribe(() => {}))
  await soon(() => shown(client).map(([id]) => id)).toEqual([messageId])
  await soon(() => client.connection.getSnapshot().status).toBe('open')
  proxy.mode = 'refuse'
  proxy.cut()
  const meanwhile = await server.ask('Meanwhile?')
  await server.call('POST', `/api/messages/${messageId}/stop`)
  proxy.mode = 'pass'
  await soon(() => shown(client).map(([id]) => id)).toEqual([meanwhile.messageId])
})

test('where the list cannot be read the snapshot says why', async () => {
  const client = connect({
    url: 'http://127.0.0.1:9',
    fetch: async () => Response.json({ error: { code: 'unauthenticated', message: 'Sign in.' } }, { status: 401 }),
  })
  onTestFinished(() => client.close())
  onTestFinished(client.tasks.subscribe(() => {}))
  await soon(() => client.tasks.getSnapshot()).toEqual({
    status: 'failed',
    tasks: [],
    error: { code: 'unauthenticated', message: 'Sign in.' },
  })
})
