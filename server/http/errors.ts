import type { NextFunction, Request, Response } from 'express'
import { errorRow, isRunnelError, RunnelError } from '../../shared/errors.ts'
import type { Logger } from '../operation/log.ts'
import { requestIdOf } from '../operation/request-id.ts'

/** Every failure leaves with the status of its code, in the shape that `answer` gives it. */
export function errorHandler(
  log: Logger,
  maxBodyBytes: number,
  answer: (response: Response, error: RunnelError) => void = answerError,
) {
  return (error: unknown, request: Request, response: Response, next: NextFunction): void => {
    const failure = asRunnelError(error, log, request, requestIdOf(response), maxBodyBytes)
    if (response.headersSent) return next(error)
    answer(response, failure)
  }
}

/** `{error: {code, message, details?}}` */
function answerError(response: Response, { code, message, details }: RunnelError): void {
  const { http, retryable } = errorRow(code)
  refusalHeaders(response, http, retryable)
  response.status(http).json({ error: { code, message, ...(details === undefined ? {} : { details }) } })
}

/** What a refusal says beside its body. */
export function refusalHeaders(response: Response, status: number, retryable: boolean): void {
  if ((status === 503 || status === 429) && retryable && !response.hasHeader('Retry-After'))
    response.set('Retry-After', '1')
  if (status === 401) response.set('WWW-Authenticate', 'Bearer realm="runnel"')
}

export function notFound(): never {
  throw new RunnelError('not_found', 'There is nothing at this address.')
}

/** What express and its body parser throw has a status; anything else is our own fault and is logged. */
function asRunnelError(
  error: unknown,
  log: Logger,
  request: Request,
  requestId: string,
  maxBodyBytes: number,
): RunnelError {
  if (isRunnelError(error)) return error
  const status = error instanceof Error && 'status' in error ? error.status : undefined
  if (status === 413)
    return new RunnelError(
      'too_large',
      `The request body is larger than ${maxBodyBytes} bytes (RUNNEL_MAX_BODY_BYTES).`,
    )
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new RunnelError(
      'bad_request',
      'The request could not be read: its body must be JSON in UTF-8, its address well-formed.',
    )
  }
  log.error({ err: error, method: request.method, path: request.path, requestId }, 'a request failed')
  return new RunnelError('internal', 'Something went wrong inside the server; its log has more.', { cause: error })
}
