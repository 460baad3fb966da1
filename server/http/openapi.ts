import { z } from 'zod'
import type { JsonObject } from '../../shared/schema.ts'
import { openAiErrorJson } from './door/failure.ts'
import { route, type Content, type Route, type RouteDescription } from './route.ts'
import { errorJson } from './schemas.ts'

/** `GET /openapi.json`: the table itself among the routes that it tells of. */
export function openApiRoute(others: readonly RouteDescription[]): Route {
  /** By base path. */
  const texts = new Map<string, string>()
  const own: Route = route({
    method: 'get',
    path: '/openapi.json',
    access: 'open',
    summary: 'This description',
    responses: { 200: z.looseObject({ openapi: z.string() }) },
    handle({ response }, { basePath }) {
      const text = texts.get(basePath) ?? JSON.stringify(openApi([...others, own], basePath))
      texts.set(basePath, text)
      response.type('application/json').send(text)
    },
  })
  return own
}

/** The OpenAPI 3.1 document of the routes. */
function openApi(table: readonly RouteDescription[], basePath = ''): JsonObject {
  const paths: Record<string, JsonObject> = {}
  for (const row of table) (paths[templateOf(row.path)] ??= {})[row.method] = operation(row)
  return {
    openapi: '3.1.0',
    info: {
      title: 'Runnel',
      version: '1',
      description: 'Streams LLM answers to many screens. Documents are followed on the sockets /ws and /yjs/{doc}.',
    },
    servers: [{ url: basePath || '/' }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: { Error: schemaOf(errorJson, 'output'), OpenAIError: schemaOf(openAiErrorJson, 'output') },
    },
  }
}

/** Every status that a route may answer with, its errors too. */
export function statusesOf(row: RouteDescription): number[] {
  const errors = new Set([400, 503, ...(row.errors ?? [])])
  if (row.access !== 'open') for (const status of [401, 403, 429]) errors.add(status)
  if (parametersOf(row.path).length > 0 || row.form) errors.add(404)
  if (row.body || row.form) errors.add(413)
  if (row.repeatable) errors.add(422)
  return [...Object.keys(row.responses).map(Number), ...[...errors].toSorted((a, b) => a - b)]
}

function operation(row: RouteDescription): JsonObject {
  const body = row.form ? { 'multipart/form-data': row.form } : row.body
  return {
    summary: row.summary,
    'x-access': row.access,
    ...(row.access !== 'open' && { security: [{ bearer: [] }] }),
    parameters: [
      ...parametersOf(row.path).map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
      ...(row.query ? queryParameters(row.query) : []),
      ...Object.entries(row.headers ?? {}).map(([name, description]) => ({
        name,
        in: 'header',
        description,
        schema: { type: 'string' },
      })),
      ...(row.repeatable
        ? [{ name: 'Idempotency-Key', in: 'header', schema: { type: 'string', maxLength: 255 } }]
        : []),
    ],
    ...(body && {
      requestBody: {
        required: row.form !== undefined || !row.body!.safeParse(undefined).success,
        content: contentOf(body, 'input'),
      },
    }),
    responses: Object.fromEntries(statusesOf(row).map((status) => [String(status), responseOf(row, status)])),
  }
}

function responseOf({ responses, openAiErrors }: RouteDescription, status: number): JsonObject {
  if (!(status in responses))
    return {
      description: 'An error',
      content: {
        'application/json': { schema: { $ref: `#/components/schemas/${openAiErrors ? 'OpenAIError' : 'Error'}` } },
      },
    }
  const content = responses[status] ?? null
  return { description: 'Success', ...(content && { content: contentOf(content, 'output') }) }
}

function contentOf(content: NonNullable<Content>, io: 'input' | 'output'): JsonObject {
  const byType = content instanceof z.ZodType ? { 'application/json': content } : content
  return Object.fromEntries(Object.entries(byType).map(([type, schema]) => [type, { schema: schemaOf(schema, io) }]))
}

function queryParameters(query: z.ZodType): JsonObject[] {
  const { properties = {}, required = [] } = schemaOf(query, 'input') as {
    properties?: JsonObject
    required?: string[]
  }
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }))
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): JsonObject {
  const { $schema: _version, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return rest as JsonObject
}

const templateOf = (path: string) => path.replaceAll(/:(\w+)/g, '{$1}')

const parametersOf = (path: string) => [...path.matchAll(/:(\w+)/g)].map((match) => match[1]!)
