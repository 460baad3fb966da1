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

/** Why a sign-in by link failed: the link is no longer valid, or it could not be checked. */
export type Refusal = 'invalid' | 'unchecked'

/** Who uses this page, as far as it knows before it asks the server. */
export interface Session {
  readonly token: TokenSource
  readonly currentToken: () => Promise<string | undefined>
  /** Somebody without an account, who sees one chat by an invite. */
  readonly isGuest: boolean
  /** An invite that somebody with an account has not answered yet. */
  readonly invite: Invite | null
  readonly refusal: Refusal | null
}

/** Takes a sign-in or an invite from the address. */
export async function bringSession(url: string, draw: Draw): Promise<Session> {
  finishLeaving()
  const { token, invite } = takeCredentials()
  const refusal = token === null ? null : await signIn(url, token, draw)
  // A local server knows its one user without a token; anyone else comes by an invite.
  const asGuest = invite !== null && !isSignedIn()
  if (asGuest) {
    enterAsGuest(invite.token)
    // A guest has nothing but the link. It opens the chat and makes nobody a member.
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
 * Signs in with the token of a link. If somebody is signed in already, it must be the same user, or they must agree,
 * because anybody can send a link.
 */
async function signIn(url: string, token: string, draw: Draw): Promise<Refusal | null> {
  // A program that signs its users in is trusted over a link.
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
