import type { IncomingMessage } from 'node:http'
import { shownToken } from '../../shared/subprotocol.ts'
import type { Auth, Identity } from '../auth/auth.ts'
import { isInviteToken } from '../auth/invites.ts'
import { within } from '../waiting/race.ts'

/** What an upgrade shows of who comes, before anything is said on its socket, and who that is. */
export interface Arrival {
  token: string | undefined
  identity: Promise<Identity>
}

/**
 * Asks who comes with an upgrade, where it shows anything: a token, or a cookie that a login may know. Null where it does
 * not, and for guests: they have no account, and are counted by address first. `token`: of the address, on `/yjs`.
 */
export function arrivalOf(auth: Auth, request: IncomingMessage, token: string | undefined): Arrival | null {
  const shown = token ?? shownToken(request.headers['sec-websocket-protocol'])
  if (shown === undefined ? request.headers.cookie === undefined : isInviteToken(shown)) return null
  const identity = Promise.resolve().then(() => auth.authenticate(shown, request))
  // Whoever needs the answer asks for it; nobody may need it.
  identity.catch(() => {})
  return { token: shown, identity }
}

/** Who it is, as far as that is found out in this time; null for nobody, or nobody yet. */
export async function knownWithin({ identity }: Arrival, ms: number): Promise<Identity | null> {
  return await within(ms, () => new Error('Not found out in time.'), identity).catch(() => null)
}

/** Who it is that signs in with this token: as was found out at the upgrade, if it was this one. */
export function identityOf(
  { auth, request, arrival }: { auth: Auth; request: IncomingMessage; arrival?: Arrival | null },
  token: string | undefined,
): Promise<Identity> {
  return arrival && arrival.token === token ? arrival.identity : auth.authenticate(token, request)
}
