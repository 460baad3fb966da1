import type { Json } from '../../../shared/schema.ts'
import { claimLifetimeMs, judgeClaim } from '../claim-rules.ts'
import type { Query } from './connection.ts'
import type { Claim, Claimed } from '../store.ts'

type NewClaim = Omit<Claim, 'response'>

/**
 * Inside a transaction, before all else: writes the claim, or says that it is
 * a repetition. A request whose key another transaction is claiming waits for
 * its end. Throws `idempotency_mismatch`.
 */
export async function takeClaim(query: Query, claim: Claim | undefined): Promise<Claimed> {
  if (!claim) return { repeated: false }
  const { userId, route, key, bodyHash, response, createdAt } = claim
  // A claim that is older than its lifetime makes way.
  const taken = await query(
    `INSERT INTO claims (user_id, route, key, body_hash, response, created_at) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (user_id, route, key) DO UPDATE
       SET body_hash = excluded.body_hash, response = excluded.response, created_at = excluded.created_at
       WHERE claims.created_at <= excluded.created_at - $7::bigint
     RETURNING 1`,
    [userId, route, key, bodyHash, JSON.stringify(response), createdAt, claimLifetimeMs],
  )
  return taken.length === 1 ? { repeated: false } : await judge(query, claim)
}

/** Inside a transaction that has taken it: nothing was done under it. */
export async function unclaim(query: Query, claim: Claim | undefined): Promise<void> {
  if (!claim) return
  const { userId, route, key } = claim
  await query('DELETE FROM claims WHERE user_id = $1 AND route = $2 AND key = $3', [userId, route, key])
}

/** Null for a key that nobody claimed. Throws `idempotency_mismatch`. */
export async function findClaim(query: Query, claim: NewClaim): Promise<{ response: Json } | null> {
  const claimed = await judge(query, claim)
  return claimed.repeated ? { response: claimed.response } : null
}

/** Inside a transaction: answers that name this id (a chat's own, its messages'). */
export async function forgetClaims(query: Query, id: string): Promise<void> {
  await query('DELETE FROM claims WHERE strpos(response::text, $1) > 0', [JSON.stringify(id)])
}

async function judge(query: Query, claim: NewClaim): Promise<Claimed> {
  const { userId, route, key } = claim
  const [row] = await query<Pick<Claim, 'bodyHash' | 'response' | 'createdAt'>>(
    `SELECT body_hash AS "bodyHash", response, created_at AS "createdAt" FROM claims WHERE user_id = $1 AND route = $2 AND key = $3`,
    [userId, route, key],
  )
  return judgeClaim(claim, row && { userId, route, key, ...row })
}
