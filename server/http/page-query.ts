import { z } from 'zod'
import { decodeOffset, matchesPage } from '../store/cursor.ts'
import type { Page, Paged } from '../store/store.ts'

/** A page ends before its JSON has more bytes than this; one item that is larger comes alone. */
export const maxPageBytes = 1_000_000

/** `?limit=&cursor=` of a paged list: 50 items where nothing is said, 200 at the most, and no more than `maxPageBytes`. */
export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(500).optional(),
})

export function pageOfQuery({ limit, cursor }: z.output<typeof pageQuery>): Page {
  return { limit, maxBytes: maxPageBytes, ...(cursor !== undefined && { cursor }) }
}

/** A page of a list that is read as a whole. Throws `bad_request`. */
export function pageOfList<Item>(items: readonly Item[], query: z.output<typeof pageQuery>): Paged<Item> {
  const offset = decodeOffset(query.cursor)
  return matchesPage(items.slice(offset), offset, pageOfQuery(query), (item) => item)
}
