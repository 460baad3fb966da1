/** What is read over HTTP, by pages that a test answers. */
import { expect, test } from 'vitest'
import { History } from '../../client/history.ts'
import type { Message } from '../../shared/schema.ts'

const ended = (id: string, text: string) =>
  ({ id, chatId: 'c', status: 'completed', output: [{ type: 'text', text }] }) as unknown as Message

test('one that came, and is wanted anew while the rest is on its way, is not given up with that rest', async () => {
  const pages: PromiseWithResolvers<{ items: Message[]; nextCursor: string | null }>[] = []
  const singles: PromiseWithResolvers<Message>[] = []
  const answer = <T>(list: PromiseWithResolvers<T>[]) => {
    list.push(Promise.withResolvers<T>())
    return list.at(-1)!.promise
  }
  const history = new History({
    api: { getMessages: () => answer(pages), getMessage: () => answer(singles) } as never,
    find: (id) => ({ chatId: 'c', parentId: id === 'b' ? 'a' : null, version: '1' }),
    keep: () => {},
  })
  const [b, a] = [history.read('b'), history.read('a')]
  a.catch(() => {})
  await expect.poll(() => pages.length).toBe(1)
  pages[0]!.resolve({ items: [ended('b', 'old')], nextCursor: 'more' })
  await b
  const again = history.read('b')
  await expect.poll(() => [pages.length, singles.length]).toEqual([2, 1])
  pages[1]!.resolve({ items: [], nextCursor: null })
  await expect(a).rejects.toMatchObject({ code: 'not_found' })
  singles[0]!.resolve(ended('b', 'new'))
  expect((await again).message.output).toEqual([{ type: 'text', text: 'new' }])
})
