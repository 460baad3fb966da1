/** `GET /api/chats/:id/messages` from either end, and one branch from its leaf. */
import { expect, test } from 'vitest'
import type { ProviderEvent } from '../../server/provider/events.ts'
import { temporaryFolder } from '../store/fixtures.ts'
import { start } from './server.ts'

async function* oneWord(): AsyncGenerator<ProviderEvent> {
  yield { type: 'block_start', key: 't', block: { type: 'text', status: 'in_progress' } }
  yield { type: 'delta', key: 't', field: 'text', text: 'Yes.' }
  yield { type: 'finish', reason: 'stop' }
}

for (const kind of ['memory:', 'sqlite:'])
  test(`${kind} the history from its end, and a branch from its leaf, page by page`, async () => {
    const url = kind === 'memory:' ? kind : `sqlite:${temporaryFolder()}/runnel.db`
    const server = await start({ DATABASE_URL: url, provider: oneWord })
    const chatId = (await server.call('POST', '/api/chats', {})).body.id as string
    const ask = async (parentId: string | null) =>
      (await server.call('POST', `/api/chats/${chatId}/messages`, { content: 'Is it?', parentId, stream: false })).body
    const path = `/api/chats/${chatId}/messages`
    const all = async (query: string) => {
      const ids: string[] = []
      const sizes: number[] = []
      for (let cursor = ''; ;) {
        const { status, body } = await server.call('GET', `${path}?${query}${cursor}`)
        expect(status, JSON.stringify(body)).toBe(200)
        ids.push(...body.items.map(({ id }: { id: string }) => id))
        sizes.push(body.items.length)
        if (body.nextCursor === null) return { ids, sizes }
        cursor = `&cursor=${encodeURIComponent(body.nextCursor)}`
      }
    }

    let parent: string | null = null
    const trunk: string[] = []
    for (let i = 0; i < 4; i++) {
      const answer = await ask(parent)
      trunk.push(answer.parentId, answer.id)
      parent = answer.id
    }
    const side = await ask(trunk[3]!)
    const oldestFirst = await all('limit=3')
    expect(oldestFirst).toEqual(await all('limit=3&order=asc'))
    expect(await all('limit=3&order=desc')).toEqual({ ids: oldestFirst.ids.toReversed(), sizes: [3, 3, 3, 1] })

    const branch = [...trunk.slice(0, 4), side.parentId, side.id].toReversed()
    expect(await all(`limit=4&leaf=${side.id}`)).toEqual({ ids: branch, sizes: [4, 2] })
    expect(await all(`limit=2&leaf=${side.id}&order=desc`)).toEqual({ ids: branch, sizes: [2, 2, 2] })
    expect((await all(`leaf=${trunk[2]}`)).ids).toEqual(trunk.slice(0, 3).toReversed())

    const other = await server.ask('Elsewhere?')
    const atItsEnd = (await server.call('GET', `${path}?order=desc&limit=1`)).body.nextCursor
    const onBranch = (await server.call('GET', `${path}?leaf=${side.id}&limit=1`)).body.nextCursor
    const elsewhere = Buffer.from(`@${other.messageId}`).toString('base64url')
    for (const [query, expected] of [
      ['leaf=msg_unknown00000', 404],
      [`leaf=${chatId}`, 404],
      [`leaf=${other.messageId}`, 404],
      [`leaf=${side.id}&cursor=${elsewhere}`, 404],
      [`leaf=${side.id}&cursor=${atItsEnd}`, 400],
      [`cursor=${onBranch}`, 400],
      [`leaf=${side.id}&order=asc`, 400],
      ['order=up', 400],
    ] as const)
      expect((await server.call('GET', `${path}?${query}`)).status, query).toBe(expected)
  })

test('a branch ends a page at 1 MB, and goes on behind it', async () => {
  const server = await start({ provider: oneWord, RUNNEL_MAX_BODY_BYTES: 2_000_000 })
  const chatId = (await server.call('POST', '/api/chats', {})).body.id as string
  const path = `/api/chats/${chatId}/messages`
  let parentId: string | null = null
  for (let i = 0; i < 3; i++) {
    const content = 'x'.repeat(i === 1 ? 1_500_000 : 400_000)
    parentId = (await server.call('POST', path, { content, parentId, stream: false })).body.id as string
  }
  const sizes: number[] = []
  for (let cursor = ''; ;) {
    const { body } = await server.call('GET', `${path}?leaf=${parentId}${cursor}`)
    sizes.push(body.items.length)
    if (body.nextCursor === null) break
    cursor = `&cursor=${body.nextCursor}`
  }
  expect(sizes).toEqual([3, 1, 2])
})
