import type { TokenSource } from '@runnel/client'
import type { Draw } from './ask.tsx'
import {
  currentToken,
  enterAsGuest,
  heldToken,
  isGuest,
  isSignedIn,
  keepToken,
  takeCredentials,
} from './credentials.ts'
import type { Invite } from './credentials.ts'
import { finishLeaving } from './kept-words.ts'
import { whoIs } from './who-is.ts'

/** Why a sign-in by link came to nothing: it is not valid any more, or nobody could say whether it is. */
export type Refusal = 'invalid' | 'unchecked'

/** Who looks at this page, as far as it knows before it asks the server. */
export interface Session {
  readonly token: TokenSource
  readonly currentToken: () => Promise<string | undefined>
  /** Somebody without an account, who has one chat by an invite. */
  readonly isGuest: boolean
  /** An invite that somebody with an account has still to answer. */
  readonly invite: Invite | null
  readonly refusal: Refusal | null
}

/** Takes what the address has: a sign-in, or an invite. */
export async function bringSession(url: string, draw: Draw): Promise<Session> {
  finishLeaving()
  const { token, invite } = takeCredentials()
  const refusal = token === null ? null : await signIn(url, token, draw)
  // A local server knows its one user without a token, and takes an invite from everybody else.
  const asGuest = invite !== null && !isSignedIn()
  if (asGuest) {
    enterAsGuest(invite.token)
    // The link is all that a guest has: its chat is open, and nobody has become a member of it.
    history.replaceState(null, '', `#${invite.chatId}`)
  }
  return {
    token: currentToken,
    currentToken: async () => await currentToken(),
    isGuest: isGuest(),
    invite: asGuest ? null : invite,
    refusal,
  }
}

/**
 * Signs in with the token of a link; where somebody is signed in already, only as the same user or when they say so:
 * anybody can send a link.
 */
async function signIn(url: string, token: string, draw: Draw): Promise<Refusal | null> {
  // A program that signs its users in knows them; a link does not.
  if (window.runnelSignIn) return null
  const held = heldToken()
  if (held === token) return null
  if (held === null) {
    keepToken(token, null)
    return null
  }
  const [now, next] = await Promise.all([whoIs(url, held), whoIs(url, token)])
  if (typeof next === 'string') return next === 'nobody' ? 'invalid' : 'unchecked'
  if (now !== 'nobody' && !(now !== 'unknown' && now.id === next.id)) {
    const { ask } = await import('./ask.tsx')
    if (!(await ask(draw, now === 'unknown' ? null : now, next))) return null
  }
  keepToken(token, next.id)
  return null
}
