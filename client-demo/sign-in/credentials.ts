/** The token. It comes from a program that signs its users in, or from a guest's link (for this tab only), or else it is this browser's, for all its tabs. */
import { leavePage } from './kept-words.ts'

const tokenKey = 'runnel-token'
/** The id of the person whose texts this browser keeps. */
const userKey = 'runnel-user'
/** Kept only in this tab. */
const inviteKey = 'runnel-invite'
const returnKey = 'runnel-return'

declare global {
  interface Window {
    /** A program that embeds this page sets this to sign its users in. It is asked whenever a token is needed. */
    runnelSignIn?: () => string | Promise<string>
  }
}

export interface Invite {
  token: string
  chatId: string
}

/** The user of this page, once the server has told. */
let pageUser: string | null = null

/**
 * Takes `/#token=…` and `/#invite=…` out of the address, so that neither stays
 * in the history nor is copied with a link.
 */
export function takeCredentials(): { token: string | null; invite: Invite | null } {
  const parameters = new URLSearchParams(location.hash.slice(1))
  const [token, invite] = [parameters.get('token'), parameters.get('invite')]
  if (token !== null || invite !== null) {
    const back = token === null ? null : sessionStorage.getItem(returnKey)
    sessionStorage.removeItem(returnKey)
    history.replaceState(null, '', `${location.pathname}${location.search}${back ?? ''}`)
  }
  return { token, invite: invite === null ? null : { token: invite, chatId: parameters.get('chat') ?? '' } }
}

/** Whether this address carries credentials. */
export function hasCredentials(): boolean {
  const parameters = new URLSearchParams(location.hash.slice(1))
  return parameters.has('token') || parameters.has('invite')
}

/** Remembers what is open now, so that the operator's login leads back to it. */
export function rememberPlace(): void {
  sessionStorage.setItem(returnKey, location.hash)
}

/** The current token, but never that of somebody else who signed in meanwhile. */
export function currentToken(): string | undefined | Promise<string> {
  if (window.runnelSignIn) return window.runnelSignIn()
  const invite = sessionStorage.getItem(inviteKey)
  if (invite !== null) return invite
  return isPageOf(localStorage.getItem(userKey)) ? (heldToken() ?? undefined) : undefined
}

/** The token of this browser. */
export const heldToken = (): string | null => localStorage.getItem(tokenKey)

function isPageOf(user: string | null): boolean {
  return pageUser === null || user === null || user === pageUser
}

/** Whether this is a guest: somebody without an account who came by an invite and sees that one chat. */
export function isGuest(): boolean {
  return window.runnelSignIn === undefined && sessionStorage.getItem(inviteKey) !== null
}

/** Whether somebody is signed in here, not counting guests of an invite. */
export function isSignedIn(): boolean {
  return window.runnelSignIn !== undefined || (heldToken() !== null && !isGuest())
}

/** Whether there is a sign-in to end: not if a program signs people in, or if the server needs none. */
export const canSignOut = (): boolean => window.runnelSignIn === undefined && heldToken() !== null

/** For people without an account, the invite is the token. */
export function enterAsGuest(invite: string): void {
  sessionStorage.setItem(inviteKey, invite)
}

/** Signs in, in all tabs of this browser. `user`: the user that the server names for the token; null: it was not asked. True: this page goes on. */
export function keepToken(token: string, user: string | null): boolean {
  const isAnother = user !== null && !isPageOf(user)
  if (user !== null && localStorage.getItem(userKey) !== user) {
    // The order matters: no tab may read a token that is not its user's.
    localStorage.removeItem(tokenKey)
    localStorage.setItem(userKey, user)
  }
  sessionStorage.removeItem(inviteKey)
  localStorage.setItem(tokenKey, token)
  return pageUser !== null && !isAnother
}

/** The person whose texts are kept here; null: nobody. */
export const keptUser = (): string | null => localStorage.getItem(userKey)

/** Signs out in all tabs, and forgets unsent texts, so that the next person finds nothing. */
export function signOut(): void {
  localStorage.removeItem(tokenKey)
  localStorage.removeItem(userKey)
  sessionStorage.removeItem(inviteKey)
  leavePage()
}

/** Called when the server has told who the user is. */
export function noteUser(user: string): void {
  if (isGuest()) return
  const kept = keptUser()
  localStorage.setItem(userKey, user)
  if ((kept !== null && kept !== user) || !isPageOf(user)) return leavePage()
  pageUser = user
}

/** Tells what happens in other tabs of this browser. `renewed`: there is a fresh token. */
export function watchOtherTabs(renewed: () => void): () => void {
  let known = heldToken()
  const look = () => {
    if (isGuest() || window.runnelSignIn) return
    const token = heldToken()
    if (!isPageOf(keptUser()) || (token === null && known !== null)) return leavePage()
    if (token === known) return
    known = token
    // Nothing is shown yet, so the page can simply be loaded again.
    if (pageUser === null) location.reload()
    else renewed()
  }
  const stored = ({ key }: StorageEvent) => {
    if (key === null || key === tokenKey || key === userKey) look()
  }
  const shown = ({ persisted }: PageTransitionEvent) => {
    if (persisted) look()
  }
  const moved = () => {
    if (hasCredentials()) location.reload()
  }
  addEventListener('storage', stored)
  addEventListener('pageshow', shown)
  addEventListener('hashchange', moved)
  return () => {
    removeEventListener('storage', stored)
    removeEventListener('pageshow', shown)
    removeEventListener('hashchange', moved)
  }
}
