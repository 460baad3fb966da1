/** `tools` of a request: which of the server's tools it may use. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineTool, type ToolSource } from '../../server/extension/tool.ts'
import type { Message } from '../../shared/schema.ts'
import { answer } from '../../testing/index.ts'
import { startWithFake } from './server.ts'

const tool = (name: string) => defineTool({ name, description: name, parameters: z.object({}), execute: () => name })

function source(names: string[]): ToolSource & { names: string[]; fails: boolean } {
  return {
    name: 'far',
    names,
    fails: false,
    async list() {
      if (this.fails) throw new Error('It is away.')
      return this.names.map(tool)
    },
    close: async () => {},
  }
}

async function startWith(tools: Parameters<typeof startWithFake>[0] & object) {
  const { server, fake } = await startWithFake(tools, { fallback: answer({ text: 'Done.' }) })
  const { id } = (await server.call('POST', '/api/chats', {})).body
  const offered = () =>
    fake.requests.map(({ body }) =>
      (body.tools as { function: { name: string } }[] | undefined)?.map((tool) => tool.function.name),
    )
  const ask = async (tools?: unknown, parentId?: string | null) =>
    await server.call('POST', `/api/chats/${id}/messages`, { content: 'Q', tools, stream: false, parentId })
  return { server, ask, offered }
}

test('names choose, [] is none; those that are not known are named, as many as it takes', async () => {
  const { server, ask, offered } = await startWith({ tools: [tool('one'), tool('two')] })
  const first = (await ask(['two'])).body as Message
  await ask([])
  await ask()
  expect(offered()).toEqual([['two'], undefined, ['one', 'two']])
  const many = Array.from({ length: 14 }, (_, i) => `none${i}`)
  const { status, body } = await ask(['one', 'x'.repeat(200), 'there', 'there'])
  expect([status, body.error.message]).toEqual([
    400,
    `tools: there is no "${'x'.repeat(39)}…", "there" on this server; GET /api/tools lists what there is.`,
  ])
  expect(body.error.details.fields).toHaveLength(2)
  expect((await ask(many)).body.error.details).toMatchObject({ fields: { length: 10 }, others: 4 })

  // The choice is kept with the answer, not in the chat.
  await server.call('POST', `/api/messages/${first.id}/regenerate`, { stream: false })
  await server.call('PATCH', `/api/messages/${first.parentId}`, { content: 'Again', stream: false })
  await server.call('POST', `/api/messages/${first.id}/regenerate`, { stream: false, tools: ['one'] })
  await ask(undefined, first.id)
  expect(offered().slice(3)).toEqual([['two'], ['one', 'two'], ['one'], ['one', 'two']])
})

test('of servers of tools as soon as they are known; what is not known is for the run to find out', async () => {
  const far = source(['ping'])
  const { server, ask, offered } = await startWith({ tools: [tool('one'), far] })
  // Nobody has asked it yet: the question is taken, and the run says what is wrong.
  const early = await ask(['nowhere', 'neither'])
  expect([early.status, early.body.error.message]).toEqual([400, 'tools: there is no nowhere, neither on this server.'])
  expect(early.body.error.details.message.status).toBe('failed')
  await server.call('GET', '/api/tools')
  const late = await ask(['ping', 'nowhere'])
  expect([late.status, late.body.error.details.message]).toEqual([400, undefined])
  expect((await ask(['ping'])).status).toBe(200)
  expect(offered()).toEqual([['ping']])
  far.fails = true
  expect((await ask(['nowhere', 'one'])).status).toBe(400)
})
