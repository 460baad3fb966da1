import { RunnelError } from '../../shared/errors.ts'
import type { Claim, Claimed } from './store.ts'

/** How long an `Idempotency-Key` is remembered. */
export const claimLifetimeMs = 24 * 60 * 60 * 1000

/**
 * What a request with a key gets, given what the store has under that key.
 * Throws `idempotency_mismatch` where the key stands for another request.
 */
export function judgeClaim(claim: Omit<Claim, 'response'>, stored: Claim | undefined): Claimed {
  if (!stored || stored.createdAt <= claim.createdAt - claimLifetimeMs) return { repeated: false }
  if (stored.bodyHash === claim.bodyHash) return { repeated: true, response: stored.response }
  throw new RunnelError(
    'idempotency_mismatch',
    'This Idempotency-Key was used with another request body before. Use a new key for a new request.',
  )
}
