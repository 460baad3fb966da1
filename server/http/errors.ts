import type { NextFunction, Request, Response } from 'express'
import { errorRow, RunnelError } from '../../shared/errors.ts'
import type { Logger } from '../log.ts'

/** Every failure leaves as `{error: {code, message, details?}}` with the status of its code. */
export function errorHandler(log: Logger, maxBodyBytes: number) {
  return (error: unknown, request: Request, response: Response, next: NextFunction): void => {
    const { code, message, details } = asRunnelError(error, log, request, maxBodyBytes)
    if (response.headersSent) return next(error)
    const { http, retryable } = errorRow(code)
    if ((http === 503 || http === 429) && retryable && !response.hasHeader('Retry-After')) response.set('Retry-After', '1')
    if (http === 401) response.set('WWW-Authenticate', 'Bearer realm="runnel"')
    response.status(http).json({ error: { code, message, ...(details === undefined ? {} : { details }) } })
  }
}

export function notFound(): never {
  throw new RunnelError('not_found', 'There is nothing at this address.')
}

/** What express and its body parser throw has a status; anything else is our own fault and is logged. */
function asRunnelError(error: unknown, log: Logger, request: Request, maxBodyBytes: number): RunnelError {
  if (error instanceof RunnelError) return error
  const status = error instanceof Error && 'status' in error ? error.status : undefined
  if (status === 413) return new RunnelError('too_large', `The request body is larger than ${maxBodyBytes} bytes (RUNNEL_MAX_BODY_BYTES).`)
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new RunnelError('bad_request', 'The request could not be read: its body must be JSON in UTF-8, its address well-formed.')
  }
  log.error({ err: error, method: request.method, path: request.path }, 'a request failed')
  return new RunnelError('internal', 'Something went wrong inside the server; its log has more.', { cause: error })
}
