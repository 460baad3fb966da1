import express, { type Express } from 'express'
import helmet from 'helmet'
import type { Auth } from '../auth/auth.ts'
import type { Origins } from '../auth/origins.ts'
import type { Logger } from '../log.ts'
import { identifyCaller } from './caller.ts'
import { chatRoutes, type ChatRoutes } from './chats.ts'
import { errorHandler, notFound } from './errors.ts'
import { chatMessageRoutes, messageRoutes, type MessageRoutes } from './messages.ts'
import { taskRoutes } from './tasks.ts'

export interface HttpOptions extends ChatRoutes, MessageRoutes {
  auth: Auth
  origins: Origins
  log: Logger
  /** Throws if the server should get no traffic now. */
  ready: () => Promise<void>
  /** Folder of the built page; undefined: none is served. */
  pageFolder: string | undefined
}

/** All routes. Each throws a RunnelError; the last handler makes the answer of it. */
export function createHttp(options: HttpOptions): Express {
  const app = express()
  app.disable('x-powered-by')
  app.set('query parser', 'simple')
  app.use(helmet({ contentSecurityPolicy: { directives: { 'upgrade-insecure-requests': null } }, strictTransportSecurity: false }))

  app.get('/healthz', (_request, response) => void response.json({ status: 'ok' }))
  app.get('/readyz', async (_request, response) => {
    await options.ready()
    response.json({ status: 'ready' })
  })

  app.use('/api', identifyCaller(options.origins, options.auth), express.json({ limit: 1_000_000 }))
  app.use('/api/chats/:chatId/messages', chatMessageRoutes(options))
  app.use('/api/chats', chatRoutes(options))
  app.use('/api/messages', messageRoutes(options))
  app.use('/api/tasks', taskRoutes(options))
  app.use('/api', notFound)

  if (options.pageFolder !== undefined) app.use(express.static(options.pageFolder, { index: 'index.html' }))
  app.use(notFound)
  app.use(errorHandler(options.log))
  return app
}
