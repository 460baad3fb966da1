/** What is written about a message that is deleted at that very moment: it is refused, and nothing of it stays. */
import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineTool } from '../../server/index.ts'
import { answer, memoryStore } from '../../testing/index.ts'
import { temporaryFolder } from '../store/fixtures.ts'
import { startWithFake } from './server.ts'

test('a question or an answer behind a message that is deleted meanwhile', async () => {
  const store = memoryStore()
  let before: () => Promise<void> = async () => {}
  const { server } = await startWithFake(
    { store: { ...store, startRun: async (run) => (await before(), await store.startRun(run)) } },
    { fallback: answer({ text: 'Words.' }) },
  )
  const first = await server.ask('Why?')
  const { chatId } = first
  await expect
    .poll(async () => (await server.call('GET', `/api/messages/${first.messageId}`)).body.status)
    .toBe('completed')
  before = async () => {
    before = async () => {}
    expect((await server.call('DELETE', `/api/messages/${first.messageId}`)).status).toBe(204)
  }
  const asked = { content: 'And then?', parentId: first.messageId, stream: false }
  const late = await server.call('POST', `/api/chats/${chatId}/messages`, asked)
  expect([late.status, late.body.error]).toMatchObject([404, { code: 'not_found', message: /parentId/ }])
  const second = await server.call('POST', `/api/chats/${chatId}/messages`, { content: 'Why?', stream: false })
  before = async () => {
    before = async () => {}
    expect((await server.call('DELETE', `/api/messages/${first.userMessageId}`)).status).toBe(204)
  }
  const again = await server.call('POST', `/api/messages/${second.body.id}/regenerate`, { stream: false })
  expect([again.status, again.body.error.code]).toEqual([404, 'not_found'])
  expect((await server.call('GET', `/api/chats/${chatId}/messages`)).body.items).toEqual([])
  expect((await server.call('GET', '/api/tasks')).body.items).toEqual([])
  const next = await server.call('POST', `/api/chats/${chatId}/messages`, { content: 'From the start', stream: false })
  expect(next.body).toMatchObject({ status: 'completed' })
})

test('a file that a tool makes after its message was deleted', async () => {
  const folder = temporaryFolder()
  const begun = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const added = Promise.withResolvers<unknown>()
  const slow = defineTool({
    name: 'slow',
    description: '',
    parameters: z.object({}),
    async execute(_args, context) {
      begun.resolve()
      // It does not listen to its signal.
      await release.promise
      await context.addFile({ name: 'late.txt', data: 'late' }).then(added.resolve, added.resolve)
      return 'done'
    },
  })
  const { server, fake } = await startWithFake({
    tools: [slow],
    DATABASE_URL: `sqlite:${folder}/runnel.db`,
    RUNNEL_FILES_DIR: `${folder}/files`,
    RUNNEL_MAX_FILES_PER_CHAT: 1,
  })
  fake.enqueue(answer({ toolCalls: [{ id: 'call_1', name: 'slow', arguments: '{}' }] }))
  const { chatId, userMessageId } = await server.ask('Make a file')
  await begun.promise
  expect((await server.call('DELETE', `/api/messages/${userMessageId}`)).status).toBe(204)
  release.resolve()
  expect(await added.promise).toMatchObject({ code: 'not_found' })
  await expect.poll(() => readdirSync(`${folder}/files`)).toEqual([])
  // Nor does it count: the only file that the chat may have can be sent.
  const form = new FormData()
  form.set('chatId', chatId)
  form.set('file', new File(['early'], 'a.txt'))
  expect((await fetch(`${server.url}/api/files`, { method: 'POST', body: form })).status).toBe(201)
})
