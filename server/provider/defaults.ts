/** What a provider is configured to get with each request. */
import { createHash } from 'node:crypto'
import type { JsonObject } from '../../shared/schema.ts'
import type { ProviderRequest } from './events.ts'

interface Defaults {
  params?: JsonObject
  userField?: string
}

/** One limit under three names: which is meant is for the request to say. */
const limits = ['max_tokens', 'max_completion_tokens', 'max_output_tokens']

/** The request with its provider's parameters; its own stand over them. */
export function withDefaults(request: ProviderRequest, { params, userField }: Defaults): ProviderRequest {
  const { user, params: own = {} } = request
  const told = userField !== undefined && user !== undefined
  if (!params && !told) return request
  const limited = limits.some((name) => own[name] !== undefined)
  const defaults = Object.entries(params ?? {}).filter(([name]) => !(limited && limits.includes(name)))
  return {
    ...request,
    params: { ...Object.fromEntries(defaults), ...(told && { [userField]: userWord(user) }), ...own },
  }
}

/** Who asks, as a header. */
export function userHeader(name: string | undefined, user: string | undefined): Record<string, string> {
  return name === undefined || user === undefined
    ? {}
    : { [name]: /^[\x21-\x7e]+$/.test(user) ? user : encodeURIComponent(user) }
}

/** Providers take 64 characters: of a longer id its hash, the same each time. */
const maxUserChars = 64

function userWord(user: string): string {
  return user.length <= maxUserChars ? user : createHash('sha256').update(user).digest('hex')
}
