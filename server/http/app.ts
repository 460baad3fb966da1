import express, { type Express } from 'express'
import helmet, { type HelmetOptions } from 'helmet'
import type { ClientAddresses } from '../auth/addresses.ts'
import type { Auth } from '../auth/auth.ts'
import type { Origins } from '../auth/origins.ts'
import type { Logger } from '../operation/log.ts'
import { identifyCaller } from './caller.ts'
import { crossOrigin } from './cross-origin.ts'
import { refuseWithoutBase, unknownAtDoor, withoutBase } from './door/elsewhere.ts'
import { answerFailure } from './door/failure.ts'
import { errorHandler, notFound } from './errors.ts'
import { mountRoutes } from './mount.ts'
import { servePage } from './page.ts'
import type { Services } from './services.ts'
import type { RateLimits } from './rate-limits.ts'
import { logRequests } from './request-log.ts'
import type { Route } from './route.ts'

export interface HttpOptions extends Services {
  routes: readonly Route[]
  auth: Auth
  origins: Origins
  addresses: ClientAddresses
  limits: RateLimits
  log: Logger
  /** Folder of the built page; undefined: none is served. */
  pageFolder: string | undefined
}

/**
 * What the page may do: its own scripts, styles and calls, nothing inline, no
 * frame around it. TLS and its headers are the proxy's.
 */
const security: HelmetOptions = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      'default-src': ["'none'"],
      'script-src': ["'self'"],
      'style-src': ["'self'"],
      'img-src': ["'self'", 'data:'],
      'connect-src': ["'self'"],
      'font-src': ["'self'"],
      'worker-src': ["'self'"],
      'manifest-src': ["'self'"],
      // What draws diagrams, which has a policy of its own, and embeds: the page puts both into a sandbox.
      'frame-src': ["'self'", 'https:', 'http:'],
      'base-uri': ["'none'"],
      'form-action': ["'none'"],
      'frame-ancestors': ["'none'"],
    },
  },
  xFrameOptions: { action: 'deny' },
  strictTransportSecurity: false,
}

/** All routes. Each throws a RunnelError; the last handler makes the answer of it. */
export function createHttp(options: HttpOptions): Express {
  const { auth, origins, limits, log, pageFolder } = options
  const app = express()
  app.disable('x-powered-by')
  app.set('query parser', 'simple')
  app.set('trust proxy', options.addresses.trusts)
  app.use(logRequests(options.log))
  app.use(helmet(security))

  app.use(['/openapi.json', '/api/sign-in'], limits.byAddress)
  app.use(['/api', '/openapi.json'], crossOrigin(origins))
  app.use('/v1', crossOrigin(origins, 'any header'))
  const isOpen = ({ access }: Route) => access === 'open'
  mountRoutes(app, options.routes.filter(isOpen), options)
  app.use(['/api', '/v1'], limits.beforeSignIn, identifyCaller(auth), limits.byUser)
  mountRoutes(
    app,
    options.routes.filter((row) => !isOpen(row)),
    options,
  )
  app.use('/api', notFound)
  app.use('/v1', unknownAtDoor)

  // Its own files are not counted: who opens the page cannot have signed in yet.
  if (pageFolder !== undefined) app.use(servePage(pageFolder))
  app.use(limits.byAddress)
  app.use(withoutBase, refuseWithoutBase)
  app.use(notFound)
  app.use(['/api', '/v1'], limits.unidentified)
  app.use('/v1', errorHandler(log, options.maxBodyBytes, answerFailure))
  app.use(errorHandler(log, options.maxBodyBytes))
  return app
}
