import { hash } from 'node:crypto'
import type { Request } from 'express'
import type { Identity } from '../auth/auth.ts'
import type { Claim } from '../store/store.ts'
import { idempotencyKey } from './caller.ts'

/** What a request with an `Idempotency-Key` claims; undefined for one without. */
export function claimOf(request: Request, { user }: Identity, now: number): Omit<Claim, 'response'> | undefined {
  const key = idempotencyKey(request)
  if (key === undefined) return undefined
  const route = `${request.method} ${request.path}`
  return {
    userId: user.id,
    route,
    key,
    bodyHash: hash('sha256', JSON.stringify(request.body ?? null), 'base64url'),
    createdAt: now,
  }
}
