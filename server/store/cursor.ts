import { RunnelError } from '../../shared/errors.ts'

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

/** A place in a list that is ordered by how well its rows match: how many have been seen. */
export function encodeOffset(offset: number): string {
  return Buffer.from(`+${offset}`).toString('base64url')
}

/** Throws `bad_request` for what `encodeOffset` cannot have made. */
export function decodeOffset(cursor: string | undefined): number {
  if (cursor === undefined) return 0
  const match = /^\+(\d{1,9})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'))
  if (!match) throw new RunnelError('bad_request', 'This cursor is not one that this server gave out for this query.')
  return Number(match[1])
}

/** Cuts a page at `offset` from rows of which one more than `limit` was asked for. */
export function matchesPage<Row, Item>(
  rows: readonly Row[],
  offset: number,
  limit: number,
  read: (row: Row) => Item,
): { items: Item[]; nextCursor: string | null } {
  return {
    items: rows.slice(0, limit).map(read),
    nextCursor: rows.length > limit ? encodeOffset(offset + limit) : null,
  }
}
