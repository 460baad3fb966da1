/** What a provider says when it says no, as an error that a person can read. */
import { RunnelError, type ErrorCode } from '../../shared/errors.ts'
import { isWhole } from '../../shared/wire.ts'
import { isFields } from './frames.ts'

const maxSentence = 500

/** The error that a provider reports in its stream, or instead of one. */
export function reportedFailure(error: unknown): RunnelError {
  const sentence = sentenceOf(error)
  const message =
    sentence === '' ? 'The model provider reported an error.' : `The model provider reported an error: ${sentence}`
  return new RunnelError('provider_error', message, { details: detailsOf(error) })
}

/** The error of an HTTP status that is none of success. `body` is what the provider sent along. */
export function statusFailure(status: number, body: unknown, cause: unknown): RunnelError {
  const sentence = sentenceOf(body)
  const [code, message] = statusRow(status)
  return new RunnelError(
    code,
    sentence === '' ? `${message} (HTTP ${status}).` : `${message} (HTTP ${status}): ${sentence}`,
    {
      details: { status, ...detailsOf(body) },
      cause,
    },
  )
}

function statusRow(status: number): [ErrorCode, string] {
  if (status === 401 || status === 403) return ['provider_auth', 'The model provider did not accept the API key']
  if (status === 429) return ['provider_rate_limited', 'The model provider asks to slow down']
  if (status >= 500) return ['provider_error', 'The model provider failed']
  return ['provider_rejected', 'The model provider rejected the request']
}

/** The error of an answer that is no event stream, although its status says success. */
export function noStreamFailure(body: string, contentType: string): RunnelError {
  const json = parsed(body)
  if (isFields(json)) {
    if (json.error) return reportedFailure(json.error)
    if (json.object === 'error') return reportedFailure(json)
  }
  const what =
    json === undefined
      ? /^\s*</.test(body)
        ? 'a web page'
        : `something else (${contentType || 'no content type'})`
      : 'one JSON document'
  return new RunnelError(
    'provider_bad_response',
    `The model provider answered with ${what} instead of a stream. Is its base URL right?`,
  )
}

function sentenceOf(error: unknown): string {
  if (typeof error === 'string') return readable(error)
  if (!isFields(error)) return ''
  const { message, detail, error: inner } = error
  if (typeof message === 'string') return readable(message)
  if (typeof detail === 'string') return readable(detail)
  if (inner !== undefined) return sentenceOf(inner)
  return readable(JSON.stringify(error))
}

/** Keys never reach a screen or a log, and pages of HTML are no sentence. */
function readable(text: string): string {
  const sentence = text.replace(/\b(?:sk|gsk|csk|xai|hf|pplx|nvapi|key)[-_][\w*.-]{6,}/gi, '…').trim()
  if (sentence.startsWith('<')) return ''
  return sentence.length > maxSentence ? `${sentence.slice(0, maxSentence)}…` : sentence
}

function detailsOf(error: unknown): Record<string, string | number> {
  const details: Record<string, string | number> = {}
  if (!isFields(error)) return details
  for (const name of ['code', 'type', 'param']) {
    const value = error[name]
    if (typeof value === 'string' || isWhole(value)) details[name] = value
  }
  return details
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
