import type { TokenSource } from '../client/index.ts'

const key = 'runnel-token'

declare global {
  interface Window {
    /** A program that has this page signs its users in here: asked for a token whenever one is needed. */
    runnelSignIn?: () => string | Promise<string>
  }
}

/**
 * Takes `/#token=…` and `/#invite=…` out of the address, so that neither stays
 * in the history nor is copied with a link; the token stays for this tab.
 */
export function takeCredentials(): { invite: { token: string; chatId: string } | null } {
  const parameters = new URLSearchParams(location.hash.slice(1))
  const [token, invite] = [parameters.get('token'), parameters.get('invite')]
  if (token !== null) sessionStorage.setItem(key, token)
  if (token !== null || invite !== null) history.replaceState(null, '', `${location.pathname}${location.search}`)
  return { invite: invite === null ? null : { token: invite, chatId: parameters.get('chat') ?? '' } }
}

/** Is this address one to take credentials from? */
export function hasCredentials(): boolean {
  const parameters = new URLSearchParams(location.hash.slice(1))
  return parameters.has('token') || parameters.has('invite')
}

/** The token of this tab: of the sign-in hook, else of the address, else none. */
export function tokenSource(): TokenSource | undefined {
  const { runnelSignIn } = window
  return runnelSignIn ? () => runnelSignIn() : (sessionStorage.getItem(key) ?? undefined)
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
