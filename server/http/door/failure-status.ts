/** Which status a failure has at the door: client libraries go by it alone when they ask again. */
import { errorRow } from '../../../shared/errors.ts'
import type { UpstreamError } from '../../../shared/schema.ts'
import { impliedStatus, mayPass } from '../../provider/implied-status.ts'
import type { Failure } from './outcome.ts'

/** The provider did not take the server's key: none of 401 and 403, by which callers would look at their own. */
export const authStatus = 424

/** Where OpenAI's clients look for another status than ours. */
const ownStatuses = new Map<string, number>(
  Object.entries({
    // Somebody pressed Stop: to ask again would start what was stopped.
    stopped: 410,
    provider_auth: authStatus,
    provider_rejected: 400,
    provider_rate_limited: 429,
    message_too_large: 422,
  }),
)

const types: Record<number, string> = {
  401: 'authentication_error',
  403: 'permission_error',
  409: 'conflict_error',
  429: 'rate_limit_error',
}

/** The provider's own, but for what is about its key; none that is asked again where that cannot help. */
export function statusOf({ code, upstream }: Failure): number {
  const theirs = upstream && upstreamStatus(upstream)
  if (theirs !== undefined) return theirs
  const { http, retryable } = errorRow(code)
  const own = ownStatuses.get(code) ?? http
  return mayPass(own) && !retryable ? 400 : own
}

function upstreamStatus(upstream: UpstreamError): number | undefined {
  const status = impliedStatus(upstream)
  if (status === 401 || status === 403 || status === 407) return authStatus
  return status !== undefined && status < 400 ? authStatus : status
}

export function typeOf(status: number): string {
  return types[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error')
}
