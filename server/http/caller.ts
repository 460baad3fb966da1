import type { NextFunction, Request, Response } from 'express'
import { RunnelError } from '../../shared/errors.ts'
import type { Auth, Identity } from '../auth/auth.ts'

/** Finds out who calls. */
export function identifyCaller(auth: Auth) {
  return async (request: Request, response: Response, next: NextFunction): Promise<void> => {
    response.locals.identity = await auth.authenticate(tokenOf(request), request)
    next()
  }
}

/** The token that a request brings, if it brings one. */
export function tokenOf(request: Request): string | undefined {
  return /^Bearer (.+)$/i.exec(request.get('authorization') ?? '')?.[1] ?? eventSourceToken(request)
}

/** `?token=` where a browser can do no other: EventSource sends no headers. */
function eventSourceToken(request: Request): string | undefined {
  const { token } = request.query
  return /^\/messages\/[^/]+\/events$/.test(request.path) && typeof token === 'string' ? token : undefined
}

/** Who makes a request behind `identifyCaller`. */
export function caller(response: Response): Identity {
  return response.locals.identity as Identity
}

/** A caller with an account of its own. Throws `forbidden` for a guest, who has one chat and no more. */
export function signedIn(response: Response): Identity {
  const identity = caller(response)
  if (identity.invite) throw new RunnelError('forbidden', 'Sign in for this: an invite opens one chat only.')
  return identity
}

/** The `Idempotency-Key` of a request, if it has one. Throws `bad_request`. */
export function idempotencyKey(request: Request): string | undefined {
  const key = request.get('idempotency-key')
  if (key !== undefined && !/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new RunnelError('bad_request', 'Idempotency-Key: must be 1 to 255 printable ASCII characters.')
  }
  return key
}
