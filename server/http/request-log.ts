import type { RequestHandler } from 'express'
import type { Identity } from '../auth/auth.ts'
import type { Logger } from '../operation/log.ts'
import { markRequest, requestIdOf } from '../operation/request-id.ts'

/** One line a request when it has been answered: no query (it may carry a token), no headers, no body. */
export function logRequests(log: Logger): RequestHandler {
  return (request, response, next) => {
    markRequest(request, response)
    const began = performance.now()
    const { method, path } = request
    response.on('close', () => {
      const identity = response.locals.identity as Identity | undefined
      log.debug(
        {
          method,
          path,
          status: response.writableFinished ? response.statusCode : 'hung up',
          ms: Math.round(performance.now() - began),
          userId: identity?.user.id,
          requestId: requestIdOf(response),
        },
        'request',
      )
    })
    next()
  }
}
