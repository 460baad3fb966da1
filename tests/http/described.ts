/** What is really answered, compared with what `/openapi.json` says of it: also a field that it does not name is a fault. */
import { z } from 'zod'
import { errorJson } from '../../server/http/schemas.ts'
import { openAiErrorJson } from '../../server/http/door/failure.ts'
import { routes } from '../../server/http/routes.ts'
import type { RouteDescription } from '../../server/http/route.ts'

interface Schema {
  $ref?: string
  const?: unknown
  type?: string
  properties?: Record<string, Schema>
  additionalProperties?: boolean | Schema
  items?: Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
}

interface Described {
  schema: z.ZodType
  json: Schema & { $defs?: Record<string, Schema> }
}

const known = routes().map((row) => ({
  row,
  pattern: new RegExp(`^${row.path.replaceAll('.', '\\.').replaceAll(/:\w+/g, row.slashes ? '.+' : '[^/]+')}$`),
}))
const described = new Map<z.ZodType, Described>()

/** Throws where this answer is not as its route says. `path` without the base path. */
export function checkDescribed(method: string, path: string, status: number, body: unknown): void {
  if (typeof body !== 'object' || body === null) return
  const address = path.replace(/[?#].*/, '')
  // An address with less in it is another route's, too: the fixed one comes first.
  const found = known
    .filter(({ row, pattern }) => row.method === method.toLowerCase() && pattern.test(address))
    .toSorted((a, b) => variables(a.row) - variables(b.row))[0]
  if (!found) return
  const schema = schemaOf(found.row, status)
  if (!schema) return
  const { json } = describe(schema)
  const parsed = schema.safeParse(body)
  const faults = [
    ...(parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)),
    ...unnamed(json, body, '', json.$defs ?? {}),
  ]
  if (faults.length > 0)
    throw new Error(`${method} ${address} answers ${status} otherwise than it is described: ${faults.join('; ')}`)
}

const variables = ({ path }: RouteDescription) => path.split(':').length

function schemaOf({ responses, openAiErrors }: RouteDescription, status: number): z.ZodType | null {
  if (!(status in responses)) return status < 400 ? null : openAiErrors ? openAiErrorJson : errorJson
  const content = responses[status] ?? null
  return content instanceof z.ZodType ? content : (content?.['application/json'] ?? null)
}

function describe(schema: z.ZodType): Described {
  const before = described.get(schema)
  if (before) return before
  const json = z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' }) as Described['json']
  described.set(schema, { schema, json })
  return { schema, json }
}

/** Paths of what stands in the value and in no schema. An object of which no property is named may hold anything. */
function unnamed(schema: Schema, value: unknown, path: string, named: Record<string, Schema>): string[] {
  if (schema.$ref !== undefined) return unnamed(named[schema.$ref.replace('#/$defs/', '')]!, value, path, named)
  const choices = schema.anyOf ?? schema.oneOf
  if (choices) {
    // What a program has of its own type is described by that program.
    const all = choices
      .filter((choice) => fits(choice, value, named))
      .map((choice) => unnamed(choice, value, path, named))
    return all.toSorted((a, b) => a.length - b.length)[0] ?? []
  }
  if (Array.isArray(value)) return value.flatMap((item, i) => unnamed(schema.items ?? {}, item, `${path}[${i}]`, named))
  if (typeof value !== 'object' || value === null || !schema.properties) return []
  const { properties } = schema
  return Object.entries(value).flatMap(([key, inner]) =>
    Object.hasOwn(properties, key)
      ? unnamed(properties[key]!, inner, `${path}.${key}`, named)
      : [`${path}.${key} is not named`],
  )
}

function fits(schema: Schema, value: unknown, named: Record<string, Schema>): boolean {
  if (schema.$ref !== undefined) return fits(named[schema.$ref.replace('#/$defs/', '')]!, value, named)
  if (typeof value !== 'object' || value === null) return schema.properties === undefined
  return Object.entries(schema.properties ?? {}).every(
    ([key, inner]) => inner.const === undefined || inner.const === (value as Record<string, unknown>)[key],
  )
}
