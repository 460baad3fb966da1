/** Titles that a model gives: behind the first answer, never over one that a person gave. */
import { expect, test } from 'vitest'
import type { Chat } from '../../shared/schema.ts'
import type { ProviderRequest } from '../../server/provider/events.ts'
import { RunnelError } from '../../shared/errors.ts'
import { titleFrom } from '../../server/task/titles.ts'
import { Collector } from '../../testing/index.ts'
import { closeAfterwards, start } from './server.ts'

/** A model that answers at once, and gives titles as the test says. */
async function open(
  title: (request: ProviderRequest, signal: AbortSignal) => AsyncIterable<string>,
  settings: object = {},
) {
  const asked: ProviderRequest[] = []
  const server = await start({
    RUNNEL_TITLES: 'on',
    RUNNEL_MODEL: 'm',
    RUNNEL_MAX_TASKS: 1,
    provider: async function* (request, signal) {
      const isTitle = request.prompt[0]!.role === 'system'
      yield { type: 'block_start', key: 't', block: { type: 'text', status: 'in_progress' } }
      if (isTitle) {
        asked.push(request)
        for await (const text of title(request, signal)) yield { type: 'delta', key: 't', field: 'text', text }
      } else yield { type: 'delta', key: 't', field: 'text', text: 'The moon pulls.' }
      yield { type: 'finish', reason: 'stop' }
    },
    ...settings,
  })
  const viewer = new Collector(server.url)
  closeAfterwards(() => viewer.close())
  const ask = async (content: string, chatId?: string) => {
    const ids = await server.ask(content, chatId === undefined ? {} : { chatId })
    await viewer.toEnd(ids.messageId)
    return ids
  }
  const titleOf = async (chatId: string) => (await server.call('GET', `/api/chats/${chatId}`)).body.title as string
  return { server, viewer, asked, ask, titleOf }
}

async function* says(...texts: string[]) {
  yield* texts
}

test('the first answer gives a title, once; the list, the document and the connections hear it', async () => {
  const { server, viewer, asked, ask, titleOf } = await open(() => says('"How the ', 'tides work."\n', 'More'))
  const { chatId } = await ask('Why are there tides?')
  await expect.poll(() => titleOf(chatId), { timeout: 10_000 }).toBe('How the tides work')
  const [copy] = await viewer.follow(chatId)
  await viewer.until(() => (copy!.json as Chat).chat.title === 'How the tides work', 'the document')
  await viewer.until(
    () =>
      viewer.control.some(
        (told) => told.type === 'chat' && told.event === 'renamed' && told.title === 'How the tides work',
      ),
    'the news',
  )
  expect(asked).toMatchObject([{ model: 'm' }])
  expect(JSON.stringify(asked[0]!.prompt)).toContain('Why are there tides?')
  expect(JSON.stringify(asked[0]!.prompt)).toContain('The moon pulls.')
  await ask('And the sun?', chatId)
  expect(asked).toHaveLength(1)
  expect((await server.call('GET', '/api/tasks')).body.items).toEqual([])
  expect((await server.call('GET', '/api/chats?query=tides')).body.items).toMatchObject([{ id: chatId }])
})

test('a title that a person gave stays: at the making, before the answer, while the model is asked', async () => {
  const begun = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  const { server, asked, ask, titleOf } = await open(async function* () {
    begun.resolve()
    await gate.promise
    yield 'By the model'
  })
  const { id: named } = (await server.call('POST', '/api/chats', { title: 'New chat' })).body
  await ask('Why?', named)
  const { id: renamed } = (await server.call('POST', '/api/chats', {})).body
  await server.call('PATCH', `/api/chats/${renamed}`, { title: 'Mine' })
  await ask('Why?', renamed)
  expect(asked).toHaveLength(0)
  const { chatId } = await ask('Why?')
  await begun.promise
  // It holds no slot: another answer is written meanwhile, though there is one slot only.
  await ask('Why?', named)
  await server.call('PATCH', `/api/chats/${chatId}`, { title: 'Mine, too' })
  gate.resolve()
  const { chatId: last } = await ask('How?')
  await expect.poll(() => titleOf(last), { timeout: 10_000 }).toBe('By the model')
  expect([await titleOf(named), await titleOf(renamed), await titleOf(chatId)]).toEqual([
    'New chat',
    'Mine',
    'Mine, too',
  ])
})

test('what fails gives none and is tried behind the next answer; another model may be asked; filters keep the question', async () => {
  let tries = 0
  const { asked, ask, titleOf } = await open(
    async function* () {
      if (tries++ === 0) throw new RunnelError('provider_error', 'No.')
      yield 'Second try'
    },
    { RUNNEL_TITLES: 'small', filters: [{ name: 'quiet', outlet: () => {} }] },
  )
  const { chatId } = await ask('A secret question')
  await expect.poll(() => asked.length, { timeout: 10_000 }).toBe(1)
  await expect.poll(async () => (await ask('Again', chatId)) && asked.length, { timeout: 10_000 }).toBeGreaterThan(1)
  await expect.poll(() => titleOf(chatId), { timeout: 10_000 }).toBe('Second try')
  expect(asked[0]).toMatchObject({ model: 'small' })
  expect(JSON.stringify(asked)).not.toContain('secret')
})

test('the end of the server ends it; off, and without a model, nobody is asked', async () => {
  const begun = Promise.withResolvers<AbortSignal>()
  const first = await open(async function* (_request, signal) {
    begun.resolve(signal)
    await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    yield ''
  })
  await first.ask('Why?')
  const signal = await begun.promise
  await first.server.close()
  expect(signal.aborted).toBe(true)
  const off = await open(() => says('x'), { RUNNEL_TITLES: 'off' })
  const { chatId } = await off.ask('Why?')
  await off.ask('And?', chatId)
  expect(off.asked).toHaveLength(0)
})

test.each([
  ['"Tides"', 'Tides'],
  ['Title: The sea.', 'The sea'],
  ['**Ebbe und Flut**', 'Ebbe und Flut'],
  ['# Waves\nand more', 'Waves'],
  ['  \n ', ''],
  ['\u202Eevil\u0000', 'evil'],
  ['word '.repeat(40), `${'word '.repeat(15).trim()}…`],
  ['潮汐。', '潮汐'],
])('of %j the title is %j', (heard, title) => expect(titleFrom(heard)).toBe(title))

test('a provisional title stands until a model gives another; one that is not stays', async () => {
  const { server, ask, titleOf } = await open(() => says('How the tides work'))
  const make = async (chat: object) => (await server.call('POST', '/api/chats', chat)).body.id as string
  const provisional = await make({ title: 'Why are there …', provisional: true })
  const given = await make({ title: 'Tides' })
  expect(await titleOf(provisional)).toBe('Why are there …')
  for (const chatId of [given, provisional]) await ask('Why are there tides?', chatId)
  await expect.poll(() => titleOf(provisional), { timeout: 10_000 }).toBe('How the tides work')
  expect(await titleOf(given)).toBe('Tides')
})
