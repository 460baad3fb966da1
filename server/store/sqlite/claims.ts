import type { Json } from '../../../shared/schema.ts'
import { judgeClaim } from '../claim-rules.ts'
import type { SqliteConnection } from './connection.ts'
import type { Claim, Claimed } from '../store.ts'

export interface SqliteClaims {
  /** Inside a transaction: writes the claim, or says that it is a repetition. Throws `idempotency_mismatch`. */
  take(claim: Claim | undefined): Claimed
  /** Null for a key that nobody claimed. Throws `idempotency_mismatch`. */
  find(claim: Omit<Claim, 'response'>): { response: Json } | null
  /** Inside a transaction: answers that name this id (a chat's own, its messages'). */
  forget(id: string): void
  drop(before: number): void
}

export function sqliteClaims(connection: SqliteConnection): SqliteClaims {
  const select = connection.prepare(
    `SELECT body_hash AS bodyHash, response, created_at AS createdAt FROM claims
     WHERE user_id = ? AND route = ? AND key = ?`,
  )
  // OR REPLACE: a claim that is older than its lifetime makes way.
  const insert = connection.prepare(
    'INSERT OR REPLACE INTO claims (user_id, route, key, body_hash, response, created_at) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const deleteNaming = connection.prepare('DELETE FROM claims WHERE response LIKE ?')
  const deleteOld = connection.prepare('DELETE FROM claims WHERE created_at < ?')

  function judge(claim: Omit<Claim, 'response'>): Claimed {
    const { userId, route, key } = claim
    const row = select.get(userId, route, key)
    return judgeClaim(
      claim,
      row && ({ userId, route, key, ...row, response: JSON.parse(String(row['response'])) } as Claim),
    )
  }

  return {
    take(claim) {
      if (!claim) return { repeated: false }
      const { userId, route, key } = claim
      const claimed = judge(claim)
      if (!claimed.repeated) {
        insert.run(userId, route, key, claim.bodyHash, JSON.stringify(claim.response), claim.createdAt)
      }
      return claimed
    },
    find: (claim) =>
      connection.read(() => {
        const claimed = judge(claim)
        return claimed.repeated ? { response: claimed.response } : null
      }),
    forget(id) {
      deleteNaming.run(`%"${id}"%`)
    },
    drop(before) {
      connection.write(() => deleteOld.run(before))
    },
  }
}
