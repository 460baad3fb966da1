import { RunnelError } from '../../shared/errors.ts'
import type { Direction, Page } from './store.ts'

/** The place of a row in a list: by time, then by the order in which rows were written. */
export interface ListPosition {
  createdAt: number
  number: number
}

/** A place in a list as a client carries it: opaque, and good however many rows have come since. */
export function encodeCursor(position: ListPosition): string {
  return Buffer.from(`${position.createdAt},${position.number}`).toString('base64url')
}

/** Throws `bad_request` for what `encodeCursor` cannot have made. */
export function decodeCursor(cursor: string): ListPosition {
  const match = /^(\d{1,15}),(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'))
  if (!match) throw new RunnelError('bad_request', 'This cursor is not one that this server gave out.')
  return { createdAt: Number(match[1]), number: Number(match[2]) }
}

/** Where a page begins: behind its cursor, or before all that there is. Throws as `decodeCursor`. */
export function positionBefore({ cursor }: Page, direction: Direction): ListPosition {
  if (cursor !== undefined) return decodeCursor(cursor)
  return direction === 'asc'
    ? { createdAt: -1, number: 0 }
    : { createdAt: Number.MAX_SAFE_INTEGER, number: Number.MAX_SAFE_INTEGER }
}

/** A place in a list of messages that each name the next. */
export function encodeId(id: string): string {
  return Buffer.from(`@${id}`).toString('base64url')
}

/** Throws `bad_request` for what `encodeId` cannot have made. */
export function decodeId(cursor: string): string {
  const match = /^@([\w-]{1,200})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'))
  if (!match) throw new RunnelError('bad_request', 'This cursor is not one that this server gave out for this list.')
  return match[1]!
}

/** A place in a list that is ordered by how well its rows match: how many have been seen. */
function encodeOffset(offset: number): string {
  return Buffer.from(`+${offset}`).toString('base64url')
}

/** Throws `bad_request` for what `encodeOffset` cannot have made. */
export function decodeOffset(cursor: string | undefined): number {
  if (cursor === undefined) return 0
  const match = /^\+(\d{1,9})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'))
  if (!match) throw new RunnelError('bad_request', 'This cursor is not one that this server gave out for this query.')
  return Number(match[1])
}

/**
 * The rows of a page, from those that follow: as many as `limit` and
 * `maxBytes` allow, but one in any case. `isLast`: nothing comes behind them.
 * It asks for one row more than it shows.
 */
export function takePage<Row>(
  rows: Iterable<Row>,
  { limit, maxBytes = Infinity }: Page,
  bytesOf: (row: Row) => number,
): { shown: Row[]; isLast: boolean } {
  const shown: Row[] = []
  let bytes = 0
  for (const row of rows) {
    bytes += bytesOf(row)
    if (shown.length === limit || (shown.length > 0 && bytes > maxBytes)) return { shown, isLast: false }
    shown.push(row)
  }
  return { shown, isLast: true }
}

export function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value))
}

/** Cuts a page of what a search found from rows of which one more than `limit` was asked for. */
export function matchesPage<Row, Item>(
  rows: readonly Row[],
  offset: number,
  page: Page,
  read: (row: Row) => Item,
): { items: Item[]; nextCursor: string | null } {
  const { shown, isLast } = takePage(rows.map(read), page, jsonBytes)
  return { items: shown, nextCursor: isLast ? null : encodeOffset(offset + shown.length) }
}
