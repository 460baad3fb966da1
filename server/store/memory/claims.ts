import { judgeClaim } from '../claim-rules.ts'
import type { Claim, Claimed } from '../store.ts'

/** Keys of requests, with what the first of each was answered. */
export function memoryClaims() {
  const claims = new Map<string, Claim>()
  return {
    /** Claims first: a request that is refused or repeated writes nothing. */
    claimThen(claim: Claim | undefined, write: () => void): Claimed {
      if (!claim) {
        write()
        return { repeated: false }
      }
      const key = keyOf(claim)
      const claimed = judgeClaim(claim, claims.get(key))
      if (claimed.repeated) return structuredClone(claimed)
      write()
      claims.set(key, structuredClone(claim))
      return claimed
    },
    find(claim: Omit<Claim, 'response'>) {
      const claimed = judgeClaim(claim, claims.get(keyOf(claim)))
      return claimed.repeated ? { response: structuredClone(claimed.response) } : null
    },
    forget(match: (claim: Claim) => boolean) {
      for (const [key, claim] of claims) if (match(claim)) claims.delete(key)
    },
  }
}

function keyOf({ userId, route, key }: Omit<Claim, 'response'>): string {
  return JSON.stringify([userId, route, key])
}
