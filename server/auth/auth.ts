/** The port to whoever knows the users. */
import type { IncomingMessage } from 'node:http'
import type { Role } from '../../shared/protocol.ts'

export interface User {
  id: string
  name: string
}

/** Who calls, and how long that is true. */
export interface Identity {
  user: User
  /** Epoch ms; null: until revoked. */
  expiresAt: number | null
  /** Ids and patterns of the models that the caller may ask; absent: all. */
  models?: readonly string[]
  /** The caller has no account and came by this invite: it opens one chat in one role. */
  invite?: { id: string; chatId: string; role: Role }
}

export interface Auth {
  /**
   * Whom a token stands for; `undefined` is a caller without one. `request`: the one that it came with, or the upgrade
   * of its socket, where a login may find a cookie. Throws `unauthenticated`, with a sentence that says why and never the token.
   */
  authenticate(token: string | undefined, request: IncomingMessage): Promise<Identity>
}
