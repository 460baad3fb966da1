import { RunnelError } from '../../shared/errors.ts'
import { cleanLine } from '../../shared/line.ts'
import type { Auth } from './auth.ts'

const guestPrefix = 'guest:'

/** The id under which a guest of this invite is known. */
export function guestId(inviteId: string): string {
  return guestPrefix + inviteId
}

/** The invite by which a guest came; null for an account. */
export function inviteOfGuest(userId: string): string | null {
  return isGuestId(userId) ? userId.slice(guestPrefix.length) : null
}

export function isGuestId(userId: string): boolean {
  return userId.startsWith(guestPrefix)
}

/** Ids that the server gives by itself, and what a person would take for one of them. */
export function isReservedId(userId: string): boolean {
  const seen = cleanLine(userId).normalize('NFKC').toLowerCase()
  return seen === 'local' || seen.startsWith(guestPrefix)
}

/** What others see of a user. */
export function displayName(name: unknown, userId: string): string {
  return (typeof name === 'string' && cleanLine(name)) || cleanLine(userId) || 'Somebody'
}

/** Users as a login outside names them: those who would be taken for the server's own are nobody, and names are cleaned. `onRefused` is told why. */
export function checkUsers(auth: Auth, onRefused: (userId: string, sentence: string) => void): Auth {
  return {
    async authenticate(token, request) {
      const identity = await auth.authenticate(token, request)
      const { id, name } = identity.user as { id: unknown; name: unknown }
      const fault =
        typeof id !== 'string' || id === '' || !id.isWellFormed()
          ? 'A user was refused: an id must be a text, and not an empty one.'
          : isReservedId(id)
            ? 'A user was refused: "local" and "guest:…" are ids that the server gives.'
            : null
      if (fault !== null) {
        onRefused(String(id).slice(0, 200), fault)
        throw new RunnelError('unauthenticated', 'Sign in again: the token names no usable user.')
      }
      return { ...identity, user: { id: String(id), name: displayName(name, String(id)) } }
    },
  }
}
