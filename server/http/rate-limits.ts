import type { Request, RequestHandler, Response } from 'express'
import { MemoryStore, rateLimit } from 'express-rate-limit'
import { RunnelError } from '../../shared/errors.ts'
import type { ClientAddresses } from '../auth/addresses.ts'
import { limitKey } from '../auth/admission.ts'
import type { Identity } from '../auth/auth.ts'

export interface RateLimits {
  /** Before anybody is identified: counts by address. */
  byAddress: RequestHandler
  /** Behind `identifyCaller`: counts by user instead. */
  byUser: RequestHandler
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
    keyGenerator: (request, response) => limitKey(identityOf(response), addresses.keyOf(request)),
  })
  return {
    byAddress: rateLimit({
      ...common,
      store: unknown,
      skip: isProbe,
      keyGenerator: (request) => addresses.keyOf(request),
    }),
    byUser: (request, response, next) => {
      // Many users may share an address: what one of them asks counts for that user alone.
      void unknown.decrement(addresses.keyOf(request))
      void limitUser(request, response, next)
    },
    close: () => {
      unknown.shutdown()
      users.shutdown()
    },
  }
}

function identityOf(response: Response): Identity {
  return response.locals.identity as Identity
}

/** Who asks whether the server lives must hear it. */
function isProbe({ path }: Request): boolean {
  return path === '/healthz' || path === '/readyz'
}
