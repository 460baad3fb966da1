/** Which parameters a request may give. What the server decides is refused, not dropped: nobody should believe that it counted. */
import { RunnelError } from '../../shared/errors.ts'
import type { JsonObject } from '../../shared/schema.ts'
import { builtFields, fieldFinder, namedParams, runsAtProvider, withoutParams } from '../provider/params.ts'

const decidedField = fieldFinder([
  ...builtFields.filter((field) => field !== 'stream_options'),
  'tool_choice',
  'user',
  'metadata',
  'service_tier',
])

/** So much of names that were sent is repeated. */
const maxNames = 8
const maxNameChars = 64

/** `params` of our own API: `tools`, `model` and `stream` have fields of their own, the rest is the server's. Throws `bad_request`. */
export function refuseParams(params: JsonObject, allowed: readonly string[] | undefined): void {
  const decided = new Set([...namedParams(params)].flatMap(([name]) => decidedField(name) ?? []))
  if (decided.size > 0)
    throw refusedParams([...decided], 'params.', 'decided by the server, or by a field of its own in the request')
  refuseUnlisted(Object.keys(params), 'params.', allowed)
}

const droppedField = fieldFinder(['user', 'metadata', 'store'])
const refusedField = fieldFinder(builtFields)

/** The fields of an OpenAI request that are none of the door's own. Throws `bad_request`. */
export function doorParams(fields: JsonObject, allowed: readonly string[] | undefined): JsonObject {
  // Some clients send null for all that they know and do not use.
  const given = Object.fromEntries(
    Object.entries(fields).filter(([name, value]) => value !== null || !refusedField(name)),
  )
  const params = withoutParams(given, (name) => droppedField(name) !== undefined)
  const taken = new Set([...namedParams(params)].flatMap(([name]) => refusedField(name) ?? []))
  if (taken.size > 0) throw refusedParams([...taken], '', 'not taken here, or not in this spelling')
  const unlisted = Object.keys(params).filter((name) => name !== 'tool_choice')
  refuseUnlisted(unlisted, '', allowed)
  return params
}

/** Throws `bad_request` for a tool that the provider would run. */
export function refuseProviderTools(tools: readonly (string | JsonObject)[]): void {
  if (tools.some((tool) => typeof tool !== 'string' && runsAtProvider(tool)))
    throw refused(
      'tools',
      'must be functions that the caller runs: tools of the provider are not allowed on this server (RUNNEL_PROVIDER_TOOLS).',
    )
}

export function refused(field: string, words: string): RunnelError {
  return new RunnelError('bad_request', `${field}: ${words}`, { details: { fields: [{ field, message: words }] } })
}

function refuseUnlisted(names: readonly string[], prefix: string, allowed: readonly string[] | undefined): void {
  if (!allowed) return
  const unlisted = names.filter((name) => !allowed.includes(name))
  if (unlisted.length === 0) return
  const shown = unlisted.slice(0, maxNames).map((name) => name.slice(0, maxNameChars))
  throw refusedParams(shown, prefix, 'not allowed on this server (RUNNEL_ALLOWED_PARAMS)')
}

function refusedParams(names: readonly string[], prefix: string, words: string): RunnelError {
  const fields = names.map((name) => ({ field: prefix + name, message: words }))
  return new RunnelError('bad_request', `${fields.map(({ field }) => field).join(', ')}: ${words}.`, {
    details: { fields },
  })
}
