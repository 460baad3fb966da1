import type { Page } from '@runnel/client'

/** At most this many are shown. */
const mostPages = 10

/** Reads all pages of a list that is usually short. */
export async function readAll<Item, Answer extends Page<Item>>(
  read: (query: { limit: number; cursor?: string }) => Promise<Answer & Page<Item>>,
): Promise<Answer> {
  let answer = await read({ limit: 100 })
  const items = [...answer.items]
  for (let pages = 1; answer.nextCursor !== null && pages < mostPages; pages++) {
    answer = await read({ limit: 100, cursor: answer.nextCursor })
    items.push(...answer.items)
  }
  return { ...answer, items }
}
