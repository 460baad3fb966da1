import { randomBytes } from 'node:crypto'

/** An id that cannot be guessed: prefix and 120 random bits. */
export function newId(prefix: 'msg' | 'chat' | 'task' | 'invite' | 'file' | 'hold'): string {
  return `${prefix}_${randomBytes(15).toString('base64url')}`
}
