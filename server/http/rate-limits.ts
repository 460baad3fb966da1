import type { ErrorRequestHandler, RequestHandler, Response } from 'express'
import { MemoryStore, rateLimit } from 'express-rate-limit'
import { RunnelError } from '../../shared/errors.ts'
import type { ClientAddresses } from '../auth/addresses.ts'
import { limitKey } from '../auth/admission.ts'
import type { Identity } from '../auth/auth.ts'
import { isInviteToken } from '../auth/invites.ts'
import { tokenOf } from './caller.ts'
import { isSync } from './sync.ts'

export interface RateLimits {
  /** Counts by address: what is served to nobody in particular. */
  byAddress: RequestHandler
  /** Before anybody is identified: guests count by address first, for they have no account. */
  beforeSignIn: RequestHandler
  /** Behind `identifyCaller`: counts by user, but for sessions, which have limits of their own. */
  byUser: RequestHandler
  /** Behind the routes: whoever could not be identified counts by address. A person who can is never refused for those who cannot. */
  unidentified: ErrorRequestHandler
  /** Forgets all and stops the clock. */
  close(): void
}

/** Requests a minute. What is over is 429 `rate_limited` with `Retry-After`; the count is forgotten each minute. */
export function rateLimits(perMinute: number, addresses: ClientAddresses): RateLimits {
  const unknown = new MemoryStore()
  const users = new MemoryStore()
  const refuse: RequestHandler = () => {
    throw new RunnelError(
      'rate_limited',
      `That is more than ${perMinute} requests a minute; wait a little (RUNNEL_MAX_REQUESTS_PER_MINUTE).`,
    )
  }
  // The checks of the package are about express's own `request.ip`, which is not used here.
  const common = {
    windowMs: 60_000,
    limit: perMinute,
    standardHeaders: 'draft-6',
    legacyHeaders: false,
    validate: false,
    handler: refuse,
  } as const
  const limitUser = rateLimit({
    ...common,
    store: users,
    keyGenerator: (request, response) => limitKey(identityOf(response)!, addresses.keyOf(request)),
  })
  const limitAddress = rateLimit({
    ...common,
    store: unknown,
    keyGenerator: (request) => addresses.keyOf(request),
  })
  const byAddress: RequestHandler = (request, response, next) => {
    response.locals.countedByAddress = true
    return limitAddress(request, response, next)
  }
  return {
    byAddress,
    beforeSignIn: (request, response, next) => {
      const token = tokenOf(request)
      return token !== undefined && isInviteToken(token) ? byAddress(request, response, next) : next()
    },
    byUser: (request, response, next) => {
      // Many users may share an address: what one of them asks counts for that user alone.
      if (response.locals.countedByAddress) void unknown.decrement(addresses.keyOf(request))
      return isSync(request.baseUrl + request.path) ? next() : limitUser(request, response, next)
    },
    unidentified: (error, request, response, next) => {
      if (identityOf(response) || response.locals.countedByAddress) return next(error)
      void byAddress(request, response, (over?: unknown) => next(over ?? error))
    },
    close: () => {
      unknown.shutdown()
      users.shutdown()
    },
  }
}

/** Undefined: nobody has been identified. */
function identityOf(response: Response): Identity | undefined {
  return response.locals.identity as Identity | undefined
}
