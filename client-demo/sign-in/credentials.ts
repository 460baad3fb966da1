import type { TokenSource } from '@runnel/client'
import { ask } from './ask.ts'

import { whoIs, wordsFor } from './who-is.ts'

const key = 'runnel-token'

declare global {
  interface Window {
    /** A program that has this page signs its users in here: asked for a token whenever one is needed. */
    runnelSignIn?: () => string | Promise<string>
  }
}

/**
 * Takes `/#token=…` and `/#invite=…` out of the address, so that neither stays
 * in the history nor is copied with a link.
 */
export function takeCredentials(): { token: string | null; invite: Invite | null } {
  const parameters = new URLSearchParams(location.hash.slice(1))
  const [token, invite] = [parameters.get('token'), parameters.get('invite')]
  if (token !== null || invite !== null) history.replaceState(null, '', `${location.pathname}${location.search}`)
  return { token, invite: invite === null ? null : { token: invite, chatId: parameters.get('chat') ?? '' } }
}

/** Is this address one to take credentials from? */
export function hasCredentials(): boolean {
  const parameters = new URLSearchParams(location.hash.slice(1))
  return parameters.has('token') || parameters.has('invite')
}

/**
 * Signs in with the token of a link, for this tab; where somebody is signed in already, only as the same user or when
 * they say so: anybody can send a link. Returns a sentence where nothing came of it.
 */
export async function signIn(server: string, token: string): Promise<string | null> {
  // A program that signs its users in knows them; a link does not.
  if (window.runnelSignIn) return null
  const held = sessionStorage.getItem(key)
  if (held !== null && held !== token && isSignedIn()) {
    const [now, next] = await Promise.all([whoIs(server, held), whoIs(server, token)])
    if (typeof next === 'string') {
      return next === 'nobody'
        ? 'The sign-in link is not valid any more. You are signed in as before.'
        : 'The sign-in link could not be checked. You are signed in as before.'
    }
    if (now !== 'nobody' && !(now !== 'unknown' && now.id === next.id)) {
      const [from, to] = [now === 'unknown' ? 'somebody else' : wordsFor(now), wordsFor(next)]
      const isWanted = await ask({
        title: 'Sign in as somebody else?',
        text: `You are signed in as ${from}. The link that was opened signs you in as ${to}: what you write then is theirs to read.`,
        yes: `Sign in as ${to}`,
        no: `Stay ${from === 'somebody else' ? 'signed in' : from}`,
      })
      if (!isWanted) return null
    }
  }
  sessionStorage.setItem(key, token)
  return null
}

/** The token of this tab: of the sign-in hook, else of a link, else none. */
export function tokenSource(): TokenSource | undefined {
  const { runnelSignIn } = window
  return runnelSignIn ? () => runnelSignIn() : (sessionStorage.getItem(key) ?? undefined)
}

/** The token as it is now. */
export async function currentToken(): Promise<string | undefined> {
  const source = tokenSource()
  return typeof source === 'function' ? await source() : source
}

/** Is anyone signed in here, other than as a guest of an invite? */
export function isSignedIn(): boolean {
  const token = sessionStorage.getItem(key)
  return window.runnelSignIn !== undefined || (token !== null && !token.startsWith('inv_'))
}

/** Is this somebody without an account, who came by an invite and has that one chat? */
export function isGuest(): boolean {
  return sessionStorage.getItem(key) !== null && !isSignedIn()
}

/** Without an account, the invite is the token. */
export function enterAsGuest(invite: string): void {
  sessionStorage.setItem(key, invite)
}

export interface Invite {
  token: string
  chatId: string
}
