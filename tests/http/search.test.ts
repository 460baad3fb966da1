/** `GET /api/chats?query=` */
import { expect, test } from 'vitest'
import { answer } from '../../testing/index.ts'
import { start, startWithFake } from './server.ts'
import { temporaryFolder } from '../store/fixtures.ts'

for (const kind of ['memory:', 'sqlite:']) {
  const database = () => ({ DATABASE_URL: kind === 'memory:' ? kind : `sqlite:${temporaryFolder()}/runnel.db` })

  test(`${kind} finds chats by title, question and answer, by beginnings of words, all of them`, async () => {
    const { server } = await startWithFake(database(), {
      fallback: answer({ text: 'Because the Moon pulls the océan.' }),
    })
    const chat = async (title: string) => (await server.call('POST', '/api/chats', { title })).body
    const [tides, other, bread] = [await chat('Ebb and flow'), await chat('Other'), await chat('Bread')]
    const { messageId } = await server.ask('Why are there tides?', { chatId: tides.id })
    await expect
      .poll(async () => (await server.call('GET', `/api/messages/${messageId}`)).body.status)
      .toBe('completed')
    const find = async (query: string) =>
      (await server.call('GET', `/api/chats?query=${encodeURIComponent(query)}`)).body.items.map(
        ({ id }: { id: string }) => id,
      )
    expect(await find('flow')).toEqual([tides.id])
    expect(await find('TIDE')).toEqual([tides.id])
    expect(await find('moon oc')).toEqual([tides.id])
    expect(await find('moon bread')).toEqual([])
    expect(await find('brea')).toEqual([bread.id])
    expect(await find('ides')).toEqual([])
    for (const odd of ['"', '*', 'NEAR(', 'zzz AND', '-x', "'; DROP", '🙂', 'title:x', '\u0000'])
      expect(await find(odd), odd).toEqual([])
    await server.call('PATCH', `/api/chats/${other.id}`, { title: 'Moonlight' })
    expect((await find('moon')).toSorted()).toEqual([tides.id, other.id].toSorted())
    const items = (await server.call('GET', '/api/chats?query=bread')).body.items
    expect(items).toMatchObject([bread])
    await server.call('DELETE', `/api/messages/${messageId}`)
    expect(await find('océan')).toEqual([])
    await server.call('DELETE', `/api/chats/${bread.id}`)
    expect(await find('bread')).toEqual([])
  })

  test(`${kind} pages through what it found, each chat once`, async () => {
    const server = await start(database())
    const ids = new Set<string>()
    for (let i = 0; i < 7; i++) ids.add((await server.call('POST', '/api/chats', { title: `Tides ${i}` })).body.id)
    await server.call('POST', '/api/chats', { title: 'Bread' })
    const seen: string[] = []
    for (let cursor = ''; ;) {
      const { status, body } = await server.call('GET', `/api/chats?query=tides&limit=3${cursor}`)
      expect(status).toBe(200)
      seen.push(...body.items.map(({ id }: { id: string }) => id))
      if (body.nextCursor === null) break
      cursor = `&cursor=${encodeURIComponent(body.nextCursor)}`
    }
    expect(seen).toHaveLength(7)
    expect(new Set(seen)).toEqual(ids)
    const { nextCursor } = (await server.call('GET', '/api/chats?limit=1')).body
    for (const query of [
      '',
      '%20',
      `${'x'.repeat(201)}`,
      `tides&cursor=${nextCursor}`,
      'tides&cursor=%21',
      'tides&limit=0',
    ]) {
      expect((await server.call('GET', `/api/chats?query=${query}`)).status, query).toBe(400)
    }
  })
}

test('a search shows only chats of the caller', async () => {
  const server = await start({ authenticate: async (token) => ({ id: token ?? 'nobody', name: 'x' }) })
  const as = (user: string) => ({ authorization: `Bearer ${user}` })
  const { body: chat } = await server.call('POST', '/api/chats', { title: 'Secret tides' }, as('ann'))
  expect((await server.call('GET', '/api/chats?query=tides', undefined, as('bob'))).body.items).toEqual([])
  await server.call('POST', `/api/chats/${chat.id}/members`, { userId: 'bob', role: 'viewer' }, as('ann'))
  expect((await server.call('GET', '/api/chats?query=tides', undefined, as('bob'))).body.items).toMatchObject([chat])
})
