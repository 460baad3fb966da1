/** What a provider says when it says no, as an error that a person can read. */
import { parsed } from '../../shared/json.ts'
import { isRunnelError, RunnelError, type ErrorCode } from '../../shared/errors.ts'
import { isWhole } from '../../shared/wire.ts'
import type { Redact } from '../secrets/secrets.ts'
import { isFields } from './frames.ts'
import { failureIn, sentenceOf } from './reported.ts'
import { retryAfterMs } from './retry-after.ts'

const maxMessage = 600
const maxDetail = 200
/** Of a text that is no answer, so much is said. */
const maxQuote = 200

/**
 * A provider's failure as it may be shown, stored and logged: without the keys
 * that the server knows, and then cut to length. What is no failure of a
 * provider (the reason of an abort) is left as it is.
 */
export function shownFailure(failure: unknown, redact: Redact): unknown {
  if (!isRunnelError(failure) || !failure.code.startsWith('provider_')) return failure
  const { code, message, details, cause } = failure
  const shown = new RunnelError(code, cut(withoutKeys(redact(message)), maxMessage), {
    details: details && shownDetails(details, redact),
    // An SDK's error holds the request and the answer; what the system calls it is enough.
    cause: systemCode(cause),
  })
  if (failure.stack !== undefined) shown.stack = failure.stack.replace(failure.message, () => shown.message)
  return shown
}

function shownDetails(details: object, redact: Redact): object {
  return Object.fromEntries(
    Object.entries(details).map(([name, value]) => [
      name,
      typeof value === 'string' ? cut(withoutKeys(redact(value)), maxDetail) : value,
    ]),
  )
}

/** `ECONNREFUSED` and the like, wherever in the chain it stands. */
function systemCode(cause: unknown, depth = 0): Error | undefined {
  if (!(cause instanceof Error) || depth > 4) return undefined
  const code = 'code' in cause ? cause.code : undefined
  if (typeof code === 'string' && /^(?:E[A-Z]+|(?:ERR|UND_ERR|CERT)_\w+)$/.test(code))
    return Object.assign(new Error(code), { code })
  return systemCode(cause.cause, depth + 1)
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text
}

/** The error that a provider reports in its stream, or instead of one. */
export function reportedFailure(error: unknown): RunnelError {
  const sentence = sentenceOf(error)
  const message =
    sentence === '' ? 'The model provider reported an error.' : `The model provider reported an error: ${sentence}`
  return new RunnelError('provider_error', message, { details: detailsOf(error) })
}

/** The error of an HTTP status that is none of success. `body` is what the provider sent along. */
export function statusFailure(status: number, body: unknown, cause: unknown, headers?: Headers): RunnelError {
  const sentence = sentenceOf(body)
  const [code, message] = statusRow(status)
  const waitMs = retryAfterMs(headers)
  if (status >= 300 && status < 400)
    return new RunnelError(code, `${message} (HTTP ${status}).`, { details: { status } })
  return new RunnelError(
    code,
    sentence === '' ? `${message} (HTTP ${status}).` : `${message} (HTTP ${status}): ${sentence}`,
    {
      details: { status, ...detailsOf(body), ...(waitMs !== undefined && { retryAfterMs: waitMs }) },
      cause,
    },
  )
}

function statusRow(status: number): [ErrorCode, string] {
  if (status < 400)
    return [
      'provider_bad_response',
      'The model provider answered with a redirect, which is not followed, since the prompt would go wherever it points. Is its base URL right?',
    ]
  if (status === 401 || status === 403) return ['provider_auth', 'The model provider did not accept the API key']
  if (status === 429) return ['provider_rate_limited', 'The model provider asks to slow down']
  if (status >= 500) return ['provider_error', 'The model provider failed']
  return ['provider_rejected', 'The model provider rejected the request']
}

/** The error of an answer that is none of a model, although its status says success. */
export function noStreamFailure(body: string, contentType: string): RunnelError {
  const json = parsed(body)
  const failure = failureIn(json)
  if (failure !== undefined) return reportedFailure(failure)
  const text = body.trim()
  const what =
    json !== undefined
      ? 'one JSON document'
      : text.startsWith('<')
        ? 'a web page'
        : `something else (${contentType || 'no content type'})`
  const words = json !== undefined || text.startsWith('<') || text === '' ? '' : ` It says: ${text.slice(0, maxQuote)}`
  return new RunnelError(
    'provider_bad_response',
    `The model provider answered with ${what} instead of a stream. Is its base URL right?${words}`,
  )
}

/** Counts what is held for the end of an answer only, so that nobody else can count it before; throws where it is too much. */
export function heldBytes(maxBytes: number): (bytes: number) => void {
  let held = 0
  return (bytes) => {
    held += bytes
    if (held <= maxBytes) return
    throw new RunnelError(
      'message_too_large',
      `The answer is larger than ${maxBytes} bytes (RUNNEL_MAX_MESSAGE_BYTES). What came so far is kept.`,
    )
  }
}

/** Keys of others never reach a screen or a log either, nor what a provider leaves of one (`my-k***ey`). */
function withoutKeys(text: string): string {
  return text
    .replace(/\b(?:sk|gsk|csk|xai|hf|pplx|nvapi|key)[-_][\w*.-]{6,}/gi, '…')
    .replace(/(?<![\w*-])(?=[\w*-]*\w)[\w-]*\*{3,}[\w*-]*/g, '…')
}

function detailsOf(error: unknown, depth = 0): Record<string, string | number> {
  const details: Record<string, string | number> = {}
  if (Array.isArray(error) && depth < 3) return detailsOf(error[0], depth + 1)
  if (!isFields(error)) return details
  for (const name of ['code', 'type', 'param']) {
    const value = error[name]
    // `error` is what the event is called, no kind of error.
    if (value !== 'error' && (typeof value === 'string' || isWhole(value))) details[name] = value
  }
  if (isWhole(error.status_code)) details.code ??= error.status_code
  return depth < 3 && isFields(error.error) ? { ...details, ...detailsOf(error.error, depth + 1) } : details
}
