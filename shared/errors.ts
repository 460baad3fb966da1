/**
 * Every way in which Runnel says no, in one table: what a person reads, which
 * HTTP status and which WebSocket close code it becomes, and whether trying
 * again can help. `docs/PROTOCOL.md` lists the same codes.
 */

interface ErrorRow {
  /** HTTP status of an answer that carries this code. */
  readonly http: number
  /** WebSocket close code where the fault ends the socket. */
  readonly close?: number
  /** Can the same request succeed later without being changed? */
  readonly retryable: boolean
}

const table = {
  bad_request: { http: 400, close: 4400, retryable: false },
  unauthenticated: { http: 401, close: 4401, retryable: false },
  forbidden: { http: 403, close: 4403, retryable: false },
  not_found: { http: 404, close: 4403, retryable: false },
  method_not_allowed: { http: 405, retryable: false },
  busy: { http: 409, retryable: true },
  not_current: { http: 409, retryable: false },
  already_answered: { http: 409, retryable: false },
  ahead: { http: 409, close: 4409, retryable: true },
  too_large: { http: 413, close: 1009, retryable: false },
  idempotency_mismatch: { http: 422, retryable: false },
  rate_limited: { http: 429, close: 1013, retryable: true },
  internal: { http: 500, close: 1011, retryable: true },
  restarting: { http: 503, close: 1012, retryable: true },
  overloaded: { http: 503, close: 1013, retryable: true },
  stalled: { http: 503, close: 1013, retryable: true },
  store_unavailable: { http: 503, close: 1013, retryable: true },

  provider_unreachable: { http: 502, retryable: true },
  provider_auth: { http: 502, retryable: false },
  provider_rejected: { http: 502, retryable: false },
  provider_rate_limited: { http: 503, retryable: true },
  provider_error: { http: 502, retryable: true },
  provider_bad_response: { http: 502, retryable: true },
  provider_disconnected: { http: 502, retryable: true },
  provider_timeout: { http: 504, retryable: true },
  message_too_large: { http: 502, retryable: false },
  task_timeout: { http: 504, retryable: true },
  tool_rounds_exceeded: { http: 502, retryable: true },
  tools_unavailable: { http: 502, retryable: true },
  filter_failed: { http: 500, retryable: true },
  content_filtered: { http: 403, retryable: false },
  interrupted: { http: 503, retryable: true },
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof table

export const errorCodes = Object.keys(table) as readonly ErrorCode[]

/** The row of a code. A code of a newer server is treated as `internal`. */
export function errorRow(code: string): ErrorRow {
  return Object.hasOwn(table, code) ? table[code as ErrorCode] : table.internal
}

/** The error of every public function, route and socket. `message` is a sentence for a person. */
export class RunnelError extends Error {
  readonly code: ErrorCode
  readonly details: unknown
  /** Host, file or database that it is about: for the operator's log and console, never in an answer. */
  readonly where: string | undefined

  constructor(code: ErrorCode, message: string, options: { details?: unknown; cause?: unknown; where?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'RunnelError'
    this.code = code
    this.details = options.details
    this.where = options.where
  }

  get retryable(): boolean {
    return errorRow(this.code).retryable
  }

  get httpStatus(): number {
    return errorRow(this.code).http
  }
}

/**
 * Is it a RunnelError, of whichever copy of this class? A process may have several: the client's package, the server's, another
 * version. So nobody asks `instanceof`.
 */
export function isRunnelError(error: unknown): error is RunnelError {
  return (
    typeof error === 'object' &&
    error !== null &&
    'name' in error &&
    error.name === 'RunnelError' &&
    'code' in error &&
    typeof error.code === 'string'
  )
}

/**
 * Is it a decision about the request (a 4xx), rather than a fault of a server?
 * Who stands between a caller and a model says no with such a code, and it is
 * passed on as it is.
 */
export function isRefusal(error: unknown): error is RunnelError {
  return isRunnelError(error) && errorRow(error.code).http < 500
}

/** What the close code of a socket asks of the client that was closed. */
export type AfterClose = 'retry' | 'refresh_token' | 'reset' | 'give_up'

/**
 * Close code → what a client does next. Codes that are not listed (a broken
 * line is 1006) are worth a retry: only what can never succeed gives up.
 */
export function afterClose(code: number): AfterClose {
  if (code === 4401) return 'refresh_token'
  if (code === 4409) return 'reset'
  if (code === 4400 || code === 4403 || code === 1002 || code === 1007 || code === 1009) return 'give_up'
  return 'retry'
}
