import type { NextFunction, Request, Response } from 'express'
import { RunnelError } from '../../shared/errors.ts'
import type { Auth, User } from '../auth/auth.ts'
import type { Origins } from '../auth/origins.ts'

/** Refuses foreign hosts and origins, then finds out who calls. */
export function identifyCaller(origins: Origins, auth: Auth) {
  return async (request: Request, response: Response, next: NextFunction): Promise<void> => {
    origins.check(request.headers)
    const bearer = /^Bearer (.+)$/i.exec(request.get('authorization') ?? '')?.[1]
    response.locals.user = await auth.authenticate(bearer)
    next()
  }
}

/** The user of a request behind `identifyCaller`. */
export function caller(response: Response): User {
  return response.locals.user as User
}

/** The `Idempotency-Key` of a request, if it has one. Throws `bad_request`. */
export function idempotencyKey(request: Request): string | undefined {
  const key = request.get('idempotency-key')
  if (key !== undefined && !/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new RunnelError('bad_request', 'Idempotency-Key: must be 1 to 255 printable ASCII characters.')
  }
  return key
}
