/** Lists end at a number of bytes, whatever `limit` says, and the cursor leads on. */
import { expect, test } from 'vitest'
import { temporaryFolder } from '../store/fixtures.ts'
import { start, startWithFake } from './server.ts'

const maxBytes = 1_100_000

type Server = Awaited<ReturnType<typeof start>>

/** All items of a list, and the sizes of its pages. */
async function pagesOf(server: Server, path: string) {
  const items: any[] = []
  const sizes: number[] = []
  for (let cursor = ''; ;) {
    const response = await fetch(`${server.url}${path}${path.includes('?') ? '&' : '?'}limit=200${cursor}`)
    const text = await response.text()
    expect(response.status, text).toBe(200)
    const page = JSON.parse(text)
    items.push(...page.items)
    sizes.push(text.length)
    if (page.nextCursor === null) return { items, sizes }
    expect(page.items.length).toBeGreaterThan(0)
    cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`
  }
}

for (const kind of ['memory:', 'sqlite:']) {
  const database = () => ({ DATABASE_URL: kind === 'memory:' ? kind : `sqlite:${temporaryFolder()}/runnel.db` })

  test(`${kind} history: each message once, in pages that end at 1 MB; a larger one alone`, async () => {
    const server = await start({ ...database(), RUNNEL_MAX_BODY_BYTES: 5_000_000 })
    const chatId = (await server.call('POST', '/api/chats', {})).body.id as string
    const path = `/api/chats/${chatId}/messages`
    const texts = [400_000, 400_000, 400_000, 3_000_000, 10, 20].map((length, i) => `${i}`.repeat(length))
    for (const content of texts) {
      const { body } = await server.call('POST', path, { content })
      await server.call('POST', `/api/messages/${body.messageId}/stop`, {})
    }
    const { items, sizes } = await pagesOf(server, path)
    const questions = items.filter(({ role }) => role === 'user')
    expect(questions.map(({ output }) => output[0].text === texts.shift())).toEqual(Array(6).fill(true))
    expect(new Set(items.map(({ id }) => id)).size).toBe(12)
    expect(sizes.filter((size) => size > maxBytes)).toEqual([expect.closeTo(3_000_000, -4)])
    expect(sizes.length).toBeLessThan(7)
  })

  test(`${kind} chats with long system prompts, listed and found, tasks and members`, async () => {
    const { server, fake } = await startWithFake(database())
    const system = 's'.repeat(90_000)
    const ids: string[] = []
    for (let i = 0; i < 24; i++)
      ids.push((await server.call('POST', '/api/chats', { title: `Tides ${i}`, system })).body.id as string)
    for (const path of ['/api/chats', '/api/chats?query=tides']) {
      const { items, sizes } = await pagesOf(server, path)
      expect(items.map(({ id }) => id).toSorted()).toEqual(ids.toSorted())
      expect([sizes.length, Math.max(...sizes) < maxBytes]).toEqual([3, true])
    }
    const names = Array.from({ length: 230 }, (_, i) => `user ${String(i).padStart(3, '0')}`)
    for (const userId of names) await server.call('POST', `/api/chats/${ids[0]}/members`, { userId, role: 'viewer' })
    const members = await pagesOf(server, `/api/chats/${ids[0]}/members`)
    expect(
      members.items
        .slice(1)
        .map(({ userId }) => userId)
        .toSorted(),
    ).toEqual(names)
    expect([members.items[0].role, members.sizes.length]).toEqual(['owner', 2])
    expect((await server.call('GET', `/api/chats/${ids[0]}/members?limit=3`)).body).toMatchObject({
      items: expect.objectContaining({ length: 3 }),
      nextCursor: expect.any(String),
    })
    expect((await server.call('GET', '/api/tasks?cursor=nonsense')).status).toBe(400)
    for (let i = 0; i < 3; i++) {
      fake.manual()
      await server.ask('go', { chatId: ids[i]! })
    }
    expect((await pagesOf(server, '/api/tasks')).items).toHaveLength(3)
    expect((await server.call('GET', '/api/tasks?limit=2')).body.items).toHaveLength(2)
    for (let i = 0; i < 3; i++) await server.call('POST', `/api/chats/${ids[0]}/invites`, {})
    expect((await server.call('GET', `/api/chats/${ids[0]}/invites?limit=2`)).body.items).toHaveLength(2)
  })
}

test('what is being written ends a page by its size as it is now', async () => {
  const { server, fake } = await startWithFake()
  const chatId = (await server.call('POST', '/api/chats', {})).body.id as string
  const path = `/api/chats/${chatId}/messages`
  let parentId: string | null = null
  for (let i = 0; i < 3; i++) {
    const stream = fake.manual()
    const { body }: { body: any } = await server.call('POST', path, { content: 'go', parentId })
    parentId = null
    await stream.request
    stream.send('x'.repeat(600_000))
    await expect
      .poll(async () => (await server.call('GET', `/api/messages/${body.messageId}`)).body.output[0]?.text?.length)
      .toBe(600_000)
  }
  const { items, sizes } = await pagesOf(server, path)
  expect(new Set(items.map(({ id }) => id)).size).toBe(6)
  expect([items.length, sizes.length, Math.max(...sizes) < maxBytes]).toEqual([6, 3, true])
})
