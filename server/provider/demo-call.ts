/** Calls of the tools that are really there, with arguments that fit their schema more or less. */
import { isObject, type Json, type JsonObject } from '../../shared/json.ts'
import { isWhole } from '../../shared/wire.ts'

/** Of the tools of a request the one that the words name, else the first; null where there is none to call. */
export function demoCall(words: string, tools: readonly JsonObject[] = []): { name: string; args: string } | null {
  const functions = tools.flatMap((tool) => {
    const { name, parameters } = isObject(tool.function) ? tool.function : tool
    return typeof name === 'string' ? [{ name, parameters: isObject(parameters) ? parameters : {} }] : []
  })
  const tool = functions.find(({ name }) => words.includes(name.toLowerCase())) ?? functions[0]
  return tool ? { name: tool.name, args: JSON.stringify(example(tool.parameters, 'example')) } : null
}

/** A schema may ask for any number of items, and for as many in each of them. */
const maxItems = 20
const maxValues = 1_000

/** A value of a schema: what it names itself (default, example, enum), else a plain one of its type. `name`: of the field. */
function example(schema: JsonObject, name: string, left = { values: maxValues }): Json {
  if (left.values-- <= 0) return null
  const { type, minimum = 1, minItems = 0, items, properties, required } = schema
  const named = [schema.const, schema.default, first(schema.examples), first(schema.enum)].find(
    (value) => value !== undefined,
  )
  if (named !== undefined) return named
  const isRequired = new Set(Array.isArray(required) ? required : [])
  const variant = first(schema.anyOf) ?? first(schema.oneOf)
  if (isObject(variant)) return example(variant, name, left)
  switch (Array.isArray(type) ? type[0] : type) {
    case 'number':
    case 'integer':
      return minimum
    case 'boolean':
      return true
    case 'null':
      return null
    case 'array':
      return Array.from({ length: isWhole(minItems, 0, maxItems) ? minItems : 1 }, () =>
        example(isObject(items) ? items : {}, name, left),
      )
    case 'object':
      return Object.fromEntries(
        Object.entries(isObject(properties) ? properties : {})
          .filter(([key]) => isRequired.has(key))
          .map(([key, field]) => [key, example(isObject(field) ? field : {}, key, left)]),
      )
    default:
      return formats.get(String(schema.format)) ?? name
  }
}

const formats = new Map(
  Object.entries({
    uri: 'https://example.com/',
    email: 'ada@example.com',
    date: '2026-01-01',
    'date-time': '2026-01-01T12:00:00Z',
  }),
)

function first(list: Json | undefined): Json | undefined {
  return Array.isArray(list) ? list[0] : undefined
}
