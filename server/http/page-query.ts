import { z } from 'zod'
import type { Page } from '../store/store.ts'

/** `?limit=&cursor=` of a paged list: 50 items where nothing is said, 200 at the most. */
export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(500).optional(),
})

export function pageOfQuery({ limit, cursor }: z.output<typeof pageQuery>): Page {
  return cursor === undefined ? { limit } : { limit, cursor }
}
