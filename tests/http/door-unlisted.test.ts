/** Answers at the door without a chat of their own: in no list, found by nobody, gone after a day. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { Collector, answer } from '../../testing/index.ts'
import { temporaryFolder } from '../store/fixtures.ts'
import { doorClient, startDoor, user } from './door-client.ts'
import { closeAfterwards, start } from './server.ts'

afterEach(() => {
  vi.useRealTimers()
})

const hourMs = 3_600_000

function holders(folder: string, word: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .filter((entry) => readFileSync(join(entry.parentPath, entry.name)).toString('latin1').includes(word))
    .map(({ name }) => name)
}

test('an unlisted chat is in no list and no search, and nobody is told of it', async () => {
  const { client, server } = await startDoor({}, { fallback: answer({ text: 'A zanzibaranswer.' }) })
  const viewer = new Collector(server.url)
  closeAfterwards(() => viewer.close())
  const listed = (await server.call('POST', '/api/chats', { title: 'Listed' })).body.id
  await viewer.follow(listed)
  const { response } = await client.chat.completions
    .create({ model: 'm', messages: user('A zanzibarquestion?') })
    .withResponse()
  const chatId = response.headers.get('x-runnel-chat-id')!
  expect((await server.call('GET', '/api/chats')).body.items.map(({ id }: any) => id)).toEqual([listed])
  for (const word of ['zanzibaranswer', 'zanzibarquestion'])
    expect((await server.call('GET', `/api/chats?query=${word}`)).body.items).toEqual([])
  expect((await server.call('GET', `/api/chats/${chatId}`)).body).toMatchObject({
    id: chatId,
    title: 'A zanzibarquestion?',
  })
  await server.ask('Listed question', { chatId: listed, stream: true })
  await viewer.until(() => viewer.control.some(({ type }) => type === 'chat'), 'news of the listed chat')
  expect(viewer.control.filter((message) => message.type === 'chat' && message.chatId === chatId)).toEqual([])
})

test('after a day it is gone with every byte, at the next start or the next hour; others stay', async () => {
  const folder = temporaryFolder()
  const settings = { DATABASE_URL: `sqlite:${folder}/runnel.db`, RUNNEL_FILES_DIR: `${folder}/files` }
  vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] })
  const { client, server, fake } = await startDoor(settings, { fallback: answer({ text: 'A zanzibaranswer.' }) })
  const ask = async () =>
    (await client.chat.completions.create({ model: 'm', messages: user('A zanzibarquestion?') }).withResponse())
      .response.headers
  fake.enqueue(answer({ text: 'Kept.' }))
  const kept = (await server.ask('Kept')).chatId
  const ids = await ask()
  expect(holders(folder, 'zanzibaranswer')).not.toEqual([])
  vi.setSystemTime(Date.now() + 23 * hourMs)
  const late = await ask()
  vi.advanceTimersByTime(hourMs)
  await expect
    .poll(async () => (await server.call('GET', `/api/chats/${ids.get('x-runnel-chat-id')}`)).status)
    .toBe(404)
  expect((await server.call('GET', `/api/messages/${ids.get('x-runnel-message-id')}`)).status).toBe(404)
  for (const id of [kept, late.get('x-runnel-chat-id')])
    expect((await server.call('GET', `/api/chats/${id}`)).status).toBe(200)
  await server.close()

  vi.setSystemTime(Date.now() + 24 * hourMs)
  const again = await start({ ...settings, OPENAI_BASE_URL: fake.url })
  expect((await again.call('GET', `/api/chats/${late.get('x-runnel-chat-id')}`)).status).toBe(404)
  expect((await again.call('GET', '/api/chats')).body.items.map(({ id }: any) => id)).toEqual([kept])
  await expect.poll(() => holders(folder, 'zanzibar'), { timeout: 8_000, interval: 100 }).toEqual([])
})

test('an answer that is running when its day is over is stopped first', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] })
  const { server, fake } = await startDoor({ RUNNEL_TASK_MAX_MS: 100 * hourMs, RUNNEL_PROVIDER_IDLE_MS: 60_000 })
  const script = fake.manual()
  const asked = doorClient(server.url)
    .chat.completions.create({ model: 'm', messages: user('Hi') })
    .then(
      () => null,
      (error: unknown) => error,
    )
  const request = await script.request
  vi.setSystemTime(Date.now() + 24 * hourMs)
  vi.advanceTimersByTime(hourMs)
  await request.hungUp
  expect(await asked).toMatchObject({ status: expect.any(Number) })
})
