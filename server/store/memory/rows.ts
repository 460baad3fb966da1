/** Rows of the store in memory: in the order in which they were written, by page, and without what is in them. */
import { decodeCursor, encodeCursor, jsonBytes, takePage, type ListPosition } from '../cursor.ts'
import type { ChatRow, MessageRow, Page, Paged, SaidMessage, StoredChat, StoredMessage } from '../store.ts'

/** A row and the order in which it was written. */
export interface Numbered<T> {
  number: number
  row: T
}

/** Without its contents: a new object, which shares nothing with the row. */
export function bare({ json: _json, request: _request, ...row }: StoredMessage): MessageRow {
  return row
}

export function withoutSystem({ system: _system, ...row }: StoredChat): ChatRow {
  return row
}

export function said({ request: _request, ...row }: StoredMessage): SaidMessage {
  return row
}

export function positionOf<T extends { createdAt: number }>({ number, row }: Numbered<T>): ListPosition {
  return { createdAt: row.createdAt, number }
}

export function compare(a: ListPosition, b: ListPosition): number {
  return a.createdAt - b.createdAt || a.number - b.number
}

/** Its bytes are those of what is said. `direction`: 1 where the list goes up in time, -1 where it goes down. */
export function cutPage<T extends { createdAt: number; json: unknown }, Shown>(
  sorted: Numbered<T>[],
  page: Page,
  direction: 1 | -1,
  read: (row: T) => Shown,
): Paged<Shown> & { cursors: string[] } {
  const start = page.cursor === undefined ? null : decodeCursor(page.cursor)
  const rest = start ? sorted.filter((entry) => compare(positionOf(entry), start) * direction > 0) : sorted
  const { shown, isLast } = takePage(rest, page, ({ row }) => (row.json ? jsonBytes(row.json) : 0))
  const cursors = shown.map((entry) => encodeCursor(positionOf(entry)))
  return {
    items: shown.map(({ row }) => structuredClone(read(row))),
    nextCursor: isLast ? null : cursors.at(-1)!,
    cursors,
  }
}
