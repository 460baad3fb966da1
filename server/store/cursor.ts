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
