import type { TokenSource } from '@runnel/client'
import { currentToken, enterAsGuest, isGuest, isSignedIn, signIn, takeCredentials, tokenSource } from './credentials.ts'
import type { Invite } from './credentials.ts'

/** Who looks at this page, as far as it knows before it asks the server. */
export interface Session {
  readonly token: TokenSource | undefined
  readonly currentToken: () => Promise<string | undefined>
  /** Somebody without an account, who has one chat by an invite. */
  readonly isGuest: boolean
  /** An invite that somebody with an account has still to answer. */
  readonly invite: Invite | null
  /** Why a sign-in by link came to nothing. */
  readonly refusal: string | null
}

/** Takes what the address has: a sign-in, or an invite. */
export async function bringSession(url: string): Promise<Session> {
  const { token, invite } = takeCredentials()
  const refusal = token === null ? null : await signIn(url, token)
  // A local server knows its one user without a token, and takes an invite from everybody else.
  const asGuest = invite !== null && !isSignedIn()
  if (asGuest) {
    enterAsGuest(invite.token)
    // The link is all that a guest has: its chat is open, and nobody has become a member of it.
    history.replaceState(null, '', `#${invite.chatId}`)
  }
  return { token: tokenSource(), currentToken, isGuest: isGuest(), invite: asGuest ? null : invite, refusal }
}
