/** The token: of a program that signs its users in, of a guest's link (for this tab), else of this browser, for all its tabs. */
import { leavePage } from './kept-words.ts'

const tokenKey = 'runnel-token'
/** Whose words this browser keeps. */
const userKey = 'runnel-user'
/** In the tab alone. */
const inviteKey = 'runnel-invite'
const returnKey = 'runnel-return'

declare global {
  interface Window {
    /** A program that has this page signs its users in here: asked for a token whenever one is needed. */
    runnelSignIn?: () => string | Promise<string>
  }
}

export interface Invite {
  token: string
  chatId: string
}

/** Whose page this is, once the server has said it. */
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

/** Is this address one to take credentials from? */
export function hasCredentials(): boolean {
  const parameters = new URLSearchParams(location.hash.slice(1))
  return parameters.has('token') || parameters.has('invite')
}

/** The operator's login leads back to what is open now. */
export function rememberPlace(): void {
  sessionStorage.setItem(returnKey, location.hash)
}

/** The token as it is now. Never that of somebody else who has signed in meanwhile. */
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

/** Is this somebody without an account, who came by an invite and has that one chat? */
export function isGuest(): boolean {
  return window.runnelSignIn === undefined && sessionStorage.getItem(inviteKey) !== null
}

/** Is anyone signed in here, other than as a guest of an invite? */
export function isSignedIn(): boolean {
  return window.runnelSignIn !== undefined || (heldToken() !== null && !isGuest())
}

/** Where a program signs people in, or the server knows everybody, there is nothing to end. */
export const canSignOut = (): boolean => window.runnelSignIn === undefined && heldToken() !== null

/** Without an account, the invite is the token. */
export function enterAsGuest(invite: string): void {
  sessionStorage.setItem(inviteKey, invite)
}

/** Signs in, in all tabs of this browser. `user`: whom the server takes the token for; null: nobody has asked. True: this page goes on. */
export function keepToken(token: string, user: string | null): boolean {
  const isAnother = user !== null && !isPageOf(user)
  if (user !== null && localStorage.getItem(userKey) !== user) {
    // In this order: no tab reads a token that is not its person's.
    localStorage.removeItem(tokenKey)
    localStorage.setItem(userKey, user)
  }
  sessionStorage.removeItem(inviteKey)
  localStorage.setItem(tokenKey, token)
  return pageUser !== null && !isAnother
}

/** Whose words are kept here? Null: nobody's. */
export const keptUser = (): string | null => localStorage.getItem(userKey)

/** Ends it in all tabs. What was not sent goes with it: the next person finds nothing. */
export function signOut(): void {
  localStorage.removeItem(tokenKey)
  localStorage.removeItem(userKey)
  sessionStorage.removeItem(inviteKey)
  leavePage()
}

/** The server has said who this is. */
export function noteUser(user: string): void {
  if (isGuest()) return
  const kept = keptUser()
  localStorage.setItem(userKey, user)
  if ((kept !== null && kept !== user) || !isPageOf(user)) return leavePage()
  pageUser = user
}

/** Tells of what happens in other tabs of this browser: `renewed`, there is a fresh token. */
export function watchOtherTabs(renewed: () => void): () => void {
  let known = heldToken()
  const look = () => {
    if (isGuest() || window.runnelSignIn) return
    const token = heldToken()
    if (!isPageOf(keptUser()) || (token === null && known !== null)) return leavePage()
    if (token === known) return
    known = token
    // Nothing is shown yet: all of it is read anew.
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
