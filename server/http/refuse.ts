import type { ServerResponse } from 'node:http'
import { errorRow, isRunnelError, RunnelError } from '../../shared/errors.ts'
import { restoreHeaders } from './kept-headers.ts'

/** Before any route, or where its answer cannot be given: what it says is all that can be said. */
export function refuse(response: ServerResponse, error: unknown): void {
  const { code, message } = isRunnelError(error)
    ? error
    : new RunnelError('internal', 'The server could not start; its log has more.')
  const { http, retryable } = errorRow(code)
  restoreHeaders(response)
  response.writeHead(http, {
    'Content-Type': 'application/json; charset=utf-8',
    ...(retryable && { 'Retry-After': '1' }),
  })
  response.end(JSON.stringify({ error: { code, message } }))
}
