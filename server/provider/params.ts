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
] as const

/** Gateways lay what stands here over the body. */
const wrapper = 'extra_body'

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

/** Names of parameters with their values, those in `extra_body` too. */
export function* namedParams(params: JsonObject): Generator<[name: string, value: Json]> {
  for (const [name, value] of Object.entries(params)) {
    yield [name, value]
    if (isWrapper(name) && isFields(value)) yield* namedParams(value as JsonObject)
  }
}

function isWrapper(name: string): boolean {
  return plainName(name) === plainName(wrapper)
}

const builtField = fieldFinder(builtFields)

/** The parameters without those of some names, in `extra_body` too. */
export function withoutParams(params: JsonObject, isLeftOut: (name: string) => boolean): JsonObject {
  return Object.fromEntries(
    Object.entries(params)
      .filter(([name]) => name !== '__proto__' && !isLeftOut(name))
      .map(([name, value]) => [
        name,
        isWrapper(name) && isFields(value) ? withoutParams(value as JsonObject, isLeftOut) : value,
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
