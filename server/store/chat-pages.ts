import { RunnelError } from '../../shared/errors.ts'
import { jsonBytes, takePage } from './cursor.ts'
import type { ListedChat, Page, Paged } from './store.ts'

/** The place of a chat in a list by activity, the newest first; of one millisecond by id. */
interface ChatPlace {
  at: number
  id: string
}

/**
 * Where a page of chats begins: behind a place in the list as it was when its
 * first page was read. Chats that were active later than `since` stand where
 * they stood then: each comes once, whatever happens while somebody pages.
 */
export interface ChatsStart extends ChatPlace {
  since: number
}

/** Of chats that have been active since the first page so many are looked for, the newest. */
export const maxMoved = 1_000
/** For so long is known when a chat was active, ms: a list that is read within it is exact. */
export const activityMs = 3_600_000

/** Null for the first page. Throws `bad_request` for a cursor that is none. */
export function startOf({ cursor }: Page): ChatsStart | null {
  if (cursor === undefined) return null
  const match = /^~(\d{1,15}),(\d{1,15}),([\w-]{1,200})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'))
  if (!match) throw new RunnelError('bad_request', 'This cursor is not one that this server gave out.')
  return { since: Number(match[1]), at: Number(match[2]), id: match[3]! }
}

function encodeStart({ since, at, id }: ChatsStart): string {
  return Buffer.from(`~${since},${at},${id}`).toString('base64url')
}

/** A chat that was active since the first page was read; `was`: when last before that, null for one that there was not. */
export type MovedChat<Row> = Row & { was: number | null }

/**
 * A page of chats. `rows`: those behind the start, by their place, as many as
 * are needed; `moved`: those that were active after `since`.
 */
export function chatPage<Row extends { id: string; activeAt: number }>(
  start: ChatsStart | null,
  rows: Iterable<Row>,
  moved: readonly MovedChat<Row>[],
  page: Page,
  read: (row: Row) => ListedChat,
): Paged<ListedChat> {
  const late = moved.flatMap((row) => {
    const place = row.was === null ? null : { at: row.was, id: row.id }
    return place && start && compareChats(place, start) > 0 ? [{ place, chat: read(row) }] : []
  })
  const { shown, isLast } = takePage(merged(rows, read, late), page, ({ chat }) => jsonBytes(chat))
  const last = shown.at(-1)
  const since = start?.since ?? shown[0]?.chat.activeAt ?? 0
  return {
    items: shown.map(({ chat }) => chat),
    nextCursor: isLast || !last ? null : encodeStart({ since, ...last.place }),
  }
}

/** Rows come one by one: what is not shown is not read. */
function* merged<Row extends { id: string; activeAt: number }>(
  rows: Iterable<Row>,
  read: (row: Row) => ListedChat,
  late: { place: ChatPlace; chat: ListedChat }[],
) {
  late.sort((a, b) => compareChats(a.place, b.place))
  for (const row of rows) {
    const place = { at: row.activeAt, id: row.id }
    while (late[0] && compareChats(late[0].place, place) < 0) yield late.shift()!
    yield { place, chat: read(row) }
  }
  yield* late
}

/** Newest first; ids compare by bytes, as in every store. */
export function compareChats(a: ChatPlace, b: ChatPlace): number {
  return b.at - a.at || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0)
}

/** From what has not ended in it: `running` or `waiting` for each. */
export function standingOf(live: string | null | undefined): Pick<ListedChat, 'running' | 'waiting'> {
  const all = (live ?? '').split(' ')
  return { running: all.includes('running'), waiting: all.includes('waiting') }
}
