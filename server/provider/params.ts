/** Parameters of a request: what of its body they may say, and what is never theirs. */
import type { Json, JsonObject } from '../../shared/schema.ts'
import { isFields } from './frames.ts'

/** What the server makes of a body itself, in either API: whoever gives it as a parameter, it does not go upstream. */
export const builtFields = [
  'model',
  'models',
  'messages',
  'input',
  'instructions',
  'prompt',
  'tools',
  'functions',
  'function_call',
  'stream',
  'stream_options',
  'store',
  'background',
  'conversation',
  'previous_response_id',
  'n',
  // The same in the words of other servers and gateways: another model,
  'engine',
  'deployment_id',
  'preset',
  'fallbacks',
  'context_window_fallbacks',
  'content_policy_fallbacks',
  // another server or key,
  'api_base',
  'base_url',
  'api_key',
  'mock_response',
  // other words than those of the branch,
  'system',
  'system_instruction',
  'contents',
  'chat_template',
  'input_ids',
  'prompt_token_ids',
  'prompt_embeds',
  // several answers.
  'best_of',
  'candidate_count',
  'num_return_sequences',
] as const

/** Gateways lay what stands in these over the body. */
const wrappers = ['extra_body', 'extra_json', 'model_kwargs', 'litellm_params'] as const

/** Servers take other spellings for the same name: any case (Go), also `ſ` for s; `toolChoice` (protobuf). */
function plainName(name: string): string {
  return name
    .toUpperCase()
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
}

/** Finds a parameter's field among these, however it is spelled. */
export function fieldFinder<Field extends string>(fields: readonly Field[]): (name: string) => Field | undefined {
  const byName = new Map(fields.map((field) => [plainName(field), field]))
  return (name) => byName.get(plainName(name))
}

const wrapperOf = fieldFinder(wrappers)

/** Names of parameters with their values, those in wrappers too. */
export function* namedParams(params: JsonObject): Generator<[name: string, value: Json]> {
  for (const [name, value] of Object.entries(params)) {
    yield [name, value]
    if (wrapperOf(name) && isFields(value)) yield* namedParams(value as JsonObject)
  }
}

const builtField = fieldFinder(builtFields)

/** The parameters without those of some names, in wrappers too. */
export function withoutParams(params: JsonObject, isLeftOut: (name: string) => boolean): JsonObject {
  return Object.fromEntries(
    Object.entries(params)
      .filter(([name]) => name !== '__proto__' && !isLeftOut(name))
      .map(([name, value]) => [
        name,
        wrapperOf(name) && isFields(value) ? withoutParams(value as JsonObject, isLeftOut) : value,
      ]),
  )
}

/** The parameters without what is not theirs to say. */
export function freeParams(params: JsonObject = {}): JsonObject {
  return withoutParams(params, (name) => builtField(name) !== undefined)
}

/** Usage is always asked for; null leaves the field out, for servers that refuse it. */
export function streamOptions({ stream_options: given }: JsonObject = {}): JsonObject {
  if (given === null) return {}
  return { stream_options: { ...(isFields(given) && (given as JsonObject)), include_usage: true } }
}

/** Tools whose calls come back. All others are run by the provider: searches, containers, MCP servers. */
const callersTools = new Set<unknown>(['function', 'custom', 'local_shell', 'apply_patch'])

export function runsAtProvider({ type }: JsonObject): boolean {
  return !callersTools.has(type)
}
