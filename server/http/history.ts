/** Pages of a chat's messages: all of them from either end, or one branch from its end. */
import type { Response } from 'express'
import { z } from 'zod'
import { RunnelError } from '../../shared/errors.ts'
import { documentKind } from '../../shared/schema.ts'
import { decodeId, encodeId } from '../store/cursor.ts'
import type { Paged, SaidMessage } from '../store/store.ts'
import { maxPageBytes, pageOfQuery, pageQuery } from './page-query.ts'
import { refused } from './params.ts'
import type { Services } from './services.ts'

export const historyQuery = pageQuery.extend({
  order: z.enum(['asc', 'desc']).optional().describe('asc, the oldest first, where nothing is said'),
  leaf: z
    .string()
    .max(200)
    .optional()
    .describe('only this message and what stands before it on its branch, from this message up to the root'),
})

/** `cursors` lead on behind each; null behind the last there is. */
type HistoryPage = Paged<SaidMessage> & { cursors: (string | null)[] }

/** Throws `bad_request`, `not_found` for a leaf that is not in this chat. */
export async function historyPage(
  chatId: string,
  query: z.output<typeof historyQuery>,
  { store }: Pick<Services, 'store'>,
): Promise<HistoryPage> {
  if (query.leaf === undefined) return await store.listMessages(chatId, pageOfQuery(query), query.order)
  if (query.order === 'asc') throw refused('order', 'a branch is listed from its leaf on: desc, or nothing.')
  await refuseForeign(chatId, query.leaf, 'leaf', store)
  const from = query.cursor === undefined ? query.leaf : decodeId(query.cursor)
  if (from !== query.leaf) await refuseForeign(chatId, from, 'cursor', store)
  const ids = await store.ancestors(from, query.limit + 1)
  const items = await store.getSaid(ids.slice(0, query.limit), maxPageBytes)
  const cursors = items.map(({ id }) => cursorBehind(ids, id))
  // What was deleted in between is not there any more, and nothing that it answers stands behind it.
  return { items, cursors, nextCursor: cursors.at(-1) ?? null }
}

function cursorBehind(ids: readonly string[], id: string): string | null {
  const next = ids[ids.indexOf(id) + 1]
  return next === undefined ? null : encodeId(next)
}

/** Throws `not_found` for what is no message of this chat. */
export async function refuseForeign(
  chatId: string,
  id: string,
  field: string,
  store: Services['store'],
): Promise<void> {
  const row = documentKind(id) === 'message' ? await store.getRow(id) : null
  if (row?.chatId !== chatId) throw new RunnelError('not_found', `${field}: there is no such message in this chat.`)
}

/** What is being written is shown as it is now. */
export async function sendHistory(
  response: Response,
  page: HistoryPage,
  { messages }: Pick<Services, 'messages'>,
): Promise<void> {
  const texts: string[] = []
  let { nextCursor } = page
  let bytes = 0
  for (const [i, row] of page.items.entries()) {
    const message = await messages.find(row)
    // Deleted in between.
    if (!message) continue
    const text = JSON.stringify(message)
    // The store knows no size of what is being written.
    bytes += Buffer.byteLength(text)
    if (i > 0 && bytes > maxPageBytes) {
      nextCursor = page.cursors[i - 1]!
      break
    }
    texts.push(text)
  }
  response.type('json').send(`{"items":[${texts.join(',')}],"nextCursor":${JSON.stringify(nextCursor)}}`)
}
