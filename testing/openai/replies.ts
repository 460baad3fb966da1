/** Answers that are no stream: what a provider, or a proxy in front of it, says in its stead. */
import { checkFields } from './known-fields.ts'
import type { Script } from './script.ts'

export interface ErrorFields {
  code?: string | number | null
  param?: string | null
  type?: string
}

/** As OpenAI has them, by the status. */
const USUAL = new Map<number, { type: string; code: string | null }>([
  [401, { type: 'invalid_request_error', code: 'invalid_api_key' }],
  [403, { type: 'invalid_request_error', code: 'unsupported_country_region_territory' }],
  [404, { type: 'invalid_request_error', code: 'model_not_found' }],
  [429, { type: 'requests', code: 'rate_limit_exceeded' }],
])

/** An error as OpenAI answers it; type and code follow from the status, where they are not given. */
export function httpError(
  status: number,
  message: string,
  headers: Record<string, string> = {},
  fields: ErrorFields = {},
): Extract<Script, { kind: 'reply' }> {
  checkFields('httpError()', fields, ['code', 'param', 'type'])
  const usual = USUAL.get(status) ?? { type: status >= 500 ? 'server_error' : 'invalid_request_error', code: null }
  const body = JSON.stringify({ error: { message, ...usual, param: null, ...fields } }, null, 2)
  return { kind: 'reply', status, headers: { 'content-type': 'application/json', ...headers }, body }
}

/** 429 with Retry-After, in whole seconds; what is finer says the header that the SDK looks at first. */
export function rateLimited(retryAfterMs: number): Script {
  const seconds = Math.ceil(retryAfterMs / 1_000)
  return httpError(429, 'Rate limit reached.', {
    'retry-after': String(seconds),
    ...(seconds * 1_000 === retryAfterMs ? {} : { 'retry-after-ms': String(retryAfterMs) }),
  })
}

/** A page of HTML with status 200, as a proxy or a wrong base URL gives it. */
export function webPage(): Script {
  return {
    kind: 'reply',
    status: 200,
    headers: { 'content-type': 'text/html' },
    body: '<!doctype html><title>Sign in</title>',
  }
}
