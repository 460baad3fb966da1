/** What a provider's failure means for another try: by its HTTP status, or by the number or word that stands for one. */
import type { UpstreamError } from '../../shared/schema.ts'

/** What providers call a failure that has no status, as it stands within a stream. */
const statusOfWord = new Map(
  Object.entries({
    invalid_request_error: 400,
    context_length_exceeded: 400,
    content_filter: 400,
    authentication_error: 401,
    permission_error: 403,
    invalid_api_key: 401,
    not_found_error: 404,
    model_not_found: 404,
    request_too_large: 413,
    rate_limit_error: 429,
    rate_limit_exceeded: 429,
    insufficient_quota: 429,
    overloaded_error: 503,
  }),
)

/** Undefined where nothing stands for one: of a stream that began well there may be no status at all. */
export function impliedStatus({ status, code, type }: UpstreamError): number | undefined {
  const given = status ?? statusIn(code)
  return given !== undefined && given >= 300 && given < 600 ? given : (wordStatus(code) ?? wordStatus(type))
}

/** Such failures may pass: client libraries ask again after them by themselves. */
export function mayPass(status: number): boolean {
  return status === 408 || status === 409 || status === 429 || status >= 500
}

function statusIn(code: string | number | undefined): number | undefined {
  if (typeof code === 'string') return /^[3-5]\d\d$/.test(code) ? Number(code) : undefined
  return code
}

function wordStatus(word: string | number | undefined): number | undefined {
  return typeof word === 'string' ? statusOfWord.get(word) : undefined
}
