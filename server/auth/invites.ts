import { hash, randomBytes } from 'node:crypto'
import { isRunnelError, RunnelError } from '../../shared/errors.ts'
import type { InviteRow, Store } from '../store/store.ts'
import type { Auth } from './auth.ts'
import type { Authors } from './authors.ts'
import { guestId } from './user.ts'

const prefix = 'inv_'

/** May this be the token of an invite? */
export function isInviteToken(token: string): boolean {
  return token.startsWith(prefix)
}

/** A new invite token; the store keeps only its hash, so that a stolen database opens no chat. */
export function newInviteToken(): { token: string; tokenHash: string } {
  const token = prefix + randomBytes(24).toString('base64url')
  return { token, tokenHash: hashOf(token) }
}

/** The invite that a token stands for. Throws `not_found` for one that is unknown, revoked or expired. */
export async function findInvite(store: Store, token: string, now: number): Promise<InviteRow> {
  const invite = await store.findInvite(hashOf(token))
  if (!invite || invite.expiresAt <= now) throw new RunnelError('not_found', 'This invite does not exist any more.')
  return invite
}

/**
 * Takes invite tokens beside those of `auth`: a caller who has one and no
 * account is a guest, in one chat, in one role, for as long as the invite is good. `models`: those that guests may ask.
 */
export function withInvites(
  auth: Auth,
  { store, authors, now }: { store: Store; authors: Authors; now: () => number },
  models?: readonly string[],
): Auth {
  return {
    async authenticate(token, request) {
      if (token === undefined || !isInviteToken(token)) return await auth.authenticate(token, request)
      const { id, chatId, role, expiresAt } = await findInvite(store, token, now()).catch((error: unknown) => {
        if (!isRunnelError(error) || error.code !== 'not_found') throw error
        throw new RunnelError('unauthenticated', 'This invite is not valid any more.')
      })
      // What guests are told of members is told at once.
      await authors.ready()
      return {
        user: { id: guestId(id), name: 'Guest' },
        expiresAt,
        invite: { id, chatId, role },
        ...(models && { models }),
      }
    },
  }
}

function hashOf(token: string): string {
  return hash('sha256', token, 'base64url')
}
