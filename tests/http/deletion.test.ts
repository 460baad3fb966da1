/** Deleted means deleted: the bytes are in no table, log, WAL, index or file any more, while the server runs. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { answer, type StartedRunnel } from '../../testing/index.ts'
import { temporaryFolder } from '../store/fixtures.ts'
import { startWithFake } from './server.ts'

/** Names of the files in which one of the words stands, with the words. */
function holders(folder: string, words: readonly string[]): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .flatMap((entry) => {
      const bytes = readFileSync(join(entry.parentPath, entry.name)).toString('latin1').toLowerCase()
      return words.filter((word) => bytes.includes(word)).map((word) => `${word} in ${entry.name}`)
    })
}

const secrets = [
  'zanzibarquestion',
  'zanzibaranswer',
  'zanzibarfile',
  'zanzibarname',
  'zanzibartool',
  'zanzibarthought',
]

async function secretChat(server: StartedRunnel, title: string) {
  const chatId: string = (await server.call('POST', '/api/chats', { title })).body.id
  return chatId
}

async function upload(server: StartedRunnel, chatId: string): Promise<string> {
  const form = new FormData()
  form.set('chatId', chatId)
  form.set('file', new File(['zanzibarfile '.repeat(1_000)], 'zanzibarname.txt'))
  return ((await (await fetch(`${server.url}/api/files`, { method: 'POST', body: form })).json()) as any).id
}

async function finished(server: StartedRunnel, messageId: string): Promise<void> {
  await expect
    .poll(async () => (await server.call('GET', `/api/messages/${messageId}`)).body.status, { timeout: 10_000 })
    .toMatch(/completed|stopped/)
}

async function world() {
  const folder = temporaryFolder()
  const fallback = answer({
    reasoning: 'A zanzibarthought.',
    text: 'A zanzibaranswer, and more. '.repeat(200),
    toolCalls: [{ id: 'call_1', name: 'zanzibartool', arguments: '{}' }],
  })
  const { server, fake } = await startWithFake(
    { DATABASE_URL: `sqlite:${folder}/runnel.db`, RUNNEL_FILES_DIR: `${folder}/files` },
    { fallback },
  )
  return { folder, server, fake }
}

/** Also after the rest of the server has gone on, and nobody read a word of it. */
async function expectGone(folder: string, words: readonly string[]): Promise<void> {
  await expect.poll(() => holders(folder, words), { timeout: 8_000, interval: 100 }).toEqual([])
}

test('a deleted chat', async () => {
  const { folder, server } = await world()
  const kept = await secretChat(server, 'Kept')
  const chatId = await secretChat(server, 'A zanzibartitle')
  await upload(server, chatId)
  const ids = await server.ask('A zanzibarquestion?', { chatId, files: [await upload(server, chatId)] })
  await finished(server, ids.messageId)
  expect(new Set(holders(folder, [...secrets, 'zanzibartitle']).map((found) => found.split(' ')[0]))).toEqual(
    new Set([...secrets, 'zanzibartitle']),
  )
  expect((await server.call('DELETE', `/api/chats/${chatId}`)).status).toBe(204)
  expect(readdirSync(`${folder}/files`)).toEqual([])
  await expectGone(
    folder,
    [...secrets, 'zanzibartitle', ids.messageId, ids.userMessageId, chatId].map((word) => word.toLowerCase()),
  )
  for (const path of [
    `/api/chats/${chatId}`,
    `/api/chats/${chatId}/messages`,
    `/api/messages/${ids.messageId}`,
    `/api/messages/${ids.userMessageId}?format=html`,
  ])
    expect((await server.call('GET', path)).status, path).toBe(404)
  expect((await server.call('GET', '/api/chats')).body.items.map(({ id }: { id: string }) => id)).toEqual([kept])
})

test('a chat that is deleted while it is answered', async () => {
  const { folder, server, fake } = await world()
  const stream = fake.manual()
  const ids = await server.ask('A zanzibarquestion?')
  const request = await stream.request
  stream.send('A zanzibaranswer')
  await expect
    .poll(async () => (await server.call('GET', `/api/messages/${ids.messageId}`)).body.output?.[0]?.text)
    .toBe('A zanzibaranswer')
  expect((await server.call('DELETE', `/api/chats/${ids.chatId}`)).status).toBe(204)
  await request.hungUp
  await expectGone(folder, ['zanzibarquestion', 'zanzibaranswer'])
  expect((await server.call('GET', '/api/tasks')).body.items).toEqual([])
})

test('a deleted message with all that answers it, and the files that only they have', async () => {
  const { folder, server } = await world()
  const chatId = await secretChat(server, 'Kept')
  const shared = await upload(server, chatId)
  const only = await upload(server, chatId)
  const first = await server.ask('A plain question', { chatId, files: [shared] })
  await finished(server, first.messageId)
  const second = await server.ask('A zanzibarquestion?', { chatId, files: [shared, only] })
  await finished(server, second.messageId)
  const third = await server.ask('And a zanzibarlater one?', { chatId })
  await finished(server, third.messageId)
  expect((await server.call('DELETE', `/api/messages/${second.userMessageId}`)).status).toBe(204)
  expect(readdirSync(`${folder}/files`)).toEqual([shared])
  await expectGone(folder, ['zanzibarquestion', 'zanzibarlater'])
  expect((await server.call('GET', `/api/files/${only}`)).status).toBe(404)
  const { items } = (await server.call('GET', `/api/chats/${chatId}/messages`)).body
  expect(items.map(({ id }: { id: string }) => id)).toEqual([first.userMessageId, first.messageId])
  expect((await fetch(`${server.url}/api/files/${shared}`)).status).toBe(200)
  await server.call('DELETE', `/api/messages/${first.userMessageId}`)
  await expectGone(folder, secrets)
  expect(readdirSync(`${folder}/files`)).toEqual([])
})

test('what was deleted stays so after a restart, and bytes that a crash left go then', async () => {
  const { folder, server } = await world()
  const chatId = await secretChat(server, 'Kept')
  const file = await upload(server, chatId)
  const ids = await server.ask('A zanzibarquestion?', { chatId, files: [file] })
  await finished(server, ids.messageId)
  // The folder cannot be written to, as far as the server knows: its file is a folder now.
  renameSync(`${folder}/files/${file}`, `${folder}/aside`)
  mkdirSync(`${folder}/files/${file}`)
  writeFileSync(`${folder}/files/${file}/x`, 'x')
  expect((await server.call('DELETE', `/api/messages/${ids.userMessageId}`)).status).toBe(503)
  await server.close()
  rmSync(`${folder}/files/${file}`, { recursive: true })
  renameSync(`${folder}/aside`, `${folder}/files/${file}`)
  const { server: again } = await startWithFake({
    DATABASE_URL: `sqlite:${folder}/runnel.db`,
    RUNNEL_FILES_DIR: `${folder}/files`,
  })
  expect(readdirSync(`${folder}/files`)).toEqual([])
  expect((await again.call('GET', `/api/messages/${ids.userMessageId}`)).status).toBe(404)
  await expectGone(folder, secrets)
})
