import { createHmac, randomBytes } from 'node:crypto'
import { isGuestId } from './user.ts'

let key: Buffer | undefined

/**
 * What a guest is told instead of a member's id, which may be an address of mail or a number of a directory: the same
 * for the same member of a chat, in this process, and nobody can guess back from it. Guests' own ids say nothing.
 */
export function aliasOf(chatId: string, userId: string): string {
  if (isGuestId(userId)) return userId
  key ??= randomBytes(32)
  return `member:${createHmac('sha256', key).update(`${chatId} ${userId}`).digest('base64url').slice(0, 20)}`
}
