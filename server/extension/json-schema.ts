/**
 * Is a schema of somebody else one that a model provider takes? A provider
 * refuses a whole request for one tool whose schema is none. Only the form is
 * looked at: unknown keywords and formats are anybody's own affair.
 */
import { isObject, type Json, type JsonObject } from '../../shared/json.ts'

const types = new Set(['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'])

/** What stands behind these is data, whatever it looks like. */
const values = new Set(['const', 'enum', 'default', 'examples'])

type Fault = string | null
type Check = (value: Json, at: string) => Fault

/** What is wrong with the schema of a tool's arguments, in words; null: nothing. At most so deep as whoever calls has made sure. */
export function argumentsFault(schema: Json | undefined): string | null {
  if (schema === undefined) return 'it has no inputSchema'
  if (!isObject(schema)) return 'its inputSchema is no object'
  if (schema['type'] !== 'object') return `its inputSchema is not of the type "object"`
  return schemaFault(schema, 'inputSchema') ?? referenceFault(schema)
}

const isText: Check = (value, at) => (typeof value === 'string' ? null : `${at} is no text`)
const isNumber: Check = (value, at) => (typeof value === 'number' ? null : `${at} is no number`)
const isBoolean: Check = (value, at) => (typeof value === 'boolean' ? null : `${at} is neither true nor false`)
const isCount: Check = (value, at) =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 ? null : `${at} is no count`
const isList: Check = (value, at) => (Array.isArray(value) ? null : `${at} is no list`)
const isNames: Check = (value, at) =>
  Array.isArray(value) && value.every((name) => typeof name === 'string') ? null : `${at} is no list of names`
const isType: Check = (value, at) => {
  const list = Array.isArray(value) ? value : [value]
  return list.length > 0 && list.every((type) => typeof type === 'string' && types.has(type))
    ? null
    : `${at} is no type of JSON`
}
const isSchemas: Check = (value, at) =>
  Array.isArray(value) && value.length > 0
    ? first(value.entries(), ([index, entry]) => schemaFault(entry, `${at}/${index}`))
    : `${at} is no list of schemas`
const isSchemaTable: Check = (value, at) =>
  isObject(value)
    ? first(Object.entries(value), ([name, entry]) => schemaFault(entry, `${at}/${shown(name)}`))
    : `${at} is no table of schemas`
/** A list in `items` is of an earlier draft. */
const isItems: Check = (value, at) => (Array.isArray(value) ? isSchemas(value, at) : schemaFault(value, at))

const checks = new Map<string, Check>([
  ['type', isType],
  ['enum', isList],
  ['required', isNames],
  ['items', isItems],
  ...table(isSchemaTable, 'properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'),
  ...table(isSchemas, 'anyOf', 'oneOf', 'allOf', 'prefixItems'),
  ...table(
    schemaFault,
    ...['additionalProperties', 'additionalItems', 'unevaluatedProperties', 'unevaluatedItems', 'propertyNames'],
    ...['not', 'if', 'then', 'else', 'contains'],
  ),
  ...table(isText, '$ref', '$id', '$anchor', 'format', 'pattern', 'title', 'description'),
  ...table(isNumber, 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'),
  ...table(isCount, 'minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties'),
  ...table(isBoolean, 'uniqueItems'),
])

function table(check: Check, ...keywords: string[]): [string, Check][] {
  return keywords.map((keyword) => [keyword, check])
}

function schemaFault(schema: Json, at: string): Fault {
  if (typeof schema === 'boolean') return null
  if (!isObject(schema)) return `${at} is no schema`
  return first(Object.entries(schema), ([keyword, value]) => checks.get(keyword)?.(value, `${at}/${shown(keyword)}`))
}

/** A reference leads to a place in the schema itself: nobody fetches another for a tool. */
function referenceFault(root: JsonObject): Fault {
  const references: string[] = []
  const anchors = new Set<string>()
  const walk = (value: Json) => {
    if (Array.isArray(value)) return value.forEach(walk)
    if (!isObject(value)) return
    const { $ref, $id, $anchor } = value
    if (typeof $ref === 'string') references.push($ref)
    if (typeof $id === 'string') anchors.add($id)
    if (typeof $anchor === 'string') anchors.add(`#${$anchor}`)
    for (const [keyword, entry] of Object.entries(value)) if (!values.has(keyword)) walk(entry)
  }
  walk(root)
  return first(references, (reference) =>
    anchors.has(reference) || leadsSomewhere(root, reference) ? null : `its $ref ${shown(reference)} leads nowhere`,
  )
}

/** A JSON pointer behind a `#`. */
function leadsSomewhere(root: JsonObject, reference: string): boolean {
  if (reference === '#') return true
  if (!reference.startsWith('#/')) return false
  let at: Json | undefined = root
  for (const part of reference.slice(2).split('/')) {
    const name = decoded(part).replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return false
    at = (at as JsonObject)[name]
  }
  return typeof at === 'boolean' || isObject(at)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function first<T>(values: Iterable<T>, faultOf: (value: T) => Fault | undefined): Fault {
  for (const value of values) {
    const fault = faultOf(value)
    if (fault) return fault
  }
  return null
}

const maxShownChars = 60

function shown(name: string): string {
  return name.length > maxShownChars ? `${name.slice(0, maxShownChars)}…` : name
}
