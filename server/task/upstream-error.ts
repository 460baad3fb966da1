/** What is kept of a provider's own words for a failure: programs that know the provider go by them. */
import { isRunnelError } from '../../shared/errors.ts'
import type { UpstreamError } from '../../shared/schema.ts'
import { isWhole } from '../../shared/wire.ts'
import type { Redact } from '../secrets/secrets.ts'

const maxChars = 200
/** Nobody waits longer for a program. */
const maxWaitMs = 86_400_000

/** Undefined where it said nothing, or where the failure is none of a provider's. */
export function upstreamErrorOf(error: unknown, redact: Redact): UpstreamError | undefined {
  if (!isRunnelError(error) || !error.code.startsWith('provider_')) return undefined
  const { status, code, type, param, retryAfterMs } = (error.details ?? {}) as Record<string, unknown>
  const isWord = (value: unknown): value is string => typeof value === 'string' && value !== ''
  const word = (value: string) => redact(value).slice(0, maxChars)
  const words: UpstreamError = {
    ...(isWhole(status) && status >= 300 && status < 600 && { status }),
    ...(isWord(code) ? { code: word(code) } : isWhole(code) && { code }),
    ...(isWord(type) && { type: word(type) }),
    ...(isWord(param) && { param: word(param) }),
    ...(isWhole(retryAfterMs) && retryAfterMs <= maxWaitMs && { retryAfterMs }),
  }
  return Object.keys(words).length > 0 ? words : undefined
}
