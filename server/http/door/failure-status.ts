/** Which status a failure has at the door: client libraries go by it alone when they ask again. */
import { errorRow } from '../../../shared/errors.ts'
import type { UpstreamError } from '../../../shared/schema.ts'
import type { Failure } from './outcome.ts'

/** The provider did not take the server's key: none of 401 and 403, by which callers would look at their own. */
export const authStatus = 424

/** Where OpenAI's clients look for another status than ours. */
const ownStatuses: Record<string, number> = {
  // Somebody pressed Stop: to ask again would start what was stopped.
  stopped: 410,
  provider_auth: authStatus,
  provider_rejected: 400,
  provider_rate_limited: 429,
  message_too_large: 422,
}

/** What providers call a failure that has no status, as it stands within a stream. */
const statusOfWord: Record<string, number> = {
  invalid_request_error: 400,
  context_length_exceeded: 400,
  content_filter: 400,
  authentication_error: authStatus,
  permission_error: authStatus,
  invalid_api_key: authStatus,
  not_found_error: 404,
  model_not_found: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  rate_limit_exceeded: 429,
  insufficient_quota: 429,
  overloaded_error: 503,
}

const types: Record<number, string> = {
  401: 'authentication_error',
  403: 'permission_error',
  409: 'conflict_error',
  429: 'rate_limit_error',
}

/** Libraries ask again after these by themselves. */
export function repeated(status: number): boolean {
  return status === 408 || status === 409 || status === 429 || status >= 500
}

/** The provider's own, but for what is about its key; none that is asked again where that cannot help. */
export function statusOf({ code, upstream }: Failure): number {
  const theirs = upstream && upstreamStatus(upstream)
  if (theirs !== undefined) return theirs
  const { http, retryable } = errorRow(code)
  const own = ownStatuses[code] ?? http
  return repeated(own) && !retryable ? 400 : own
}

function upstreamStatus({ status, code, type }: UpstreamError): number | undefined {
  // Of a stream that began well there is no other status than this.
  const given = status ?? (typeof code === 'number' ? code : undefined)
  if (given === 401 || given === 403 || given === 407) return authStatus
  if (given !== undefined && given >= 400 && given < 600) return given
  if (given !== undefined && given >= 300 && given < 400) return authStatus
  return wordStatus(code) ?? wordStatus(type)
}

function wordStatus(word: string | number | undefined): number | undefined {
  return typeof word === 'string' && Object.hasOwn(statusOfWord, word) ? statusOfWord[word] : undefined
}

export function typeOf(status: number): string {
  return types[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error')
}
