import { z } from 'zod'
import type { JsonObject } from '../../shared/schema.ts'
import { openAiErrorJson } from './door/failure.ts'
import { route, type Content, type Route, type RouteDescription } from './route.ts'
import { errorJson } from './schemas.ts'

const documentJson = z.looseObject({
  openapi: z.literal('3.1.0'),
  info: z.object({ title: z.string(), version: z.string(), description: z.string() }),
  servers: z.array(z.object({ url: z.string() })),
  paths: z.record(z.string(), z.record(z.string(), z.unknown())),
  components: z.record(z.string(), z.record(z.string(), z.unknown())),
})

/** `GET /openapi.json`: the table itself among the routes that it tells of. */
export function openApiRoute(others: readonly RouteDescription[]): Route {
  /** By base path. */
  const texts = new Map<string, string>()
  const own: Route = route({
    method: 'get',
    path: '/openapi.json',
    access: 'open',
    summary: 'This description',
    responses: { 200: documentJson },
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
  const schemas = new Schemas()
  schemas.add('Error', errorJson)
  schemas.add('OpenAIError', openAiErrorJson)
  for (const row of table) (paths[templateOf(row.path)] ??= {})[row.method] = operation(row, schemas)
  return {
    openapi: '3.1.0',
    info: {
      title: 'Runnel',
      version: '1',
      description:
        'Streams LLM answers to many screens. Documents are followed on the sockets /ws and /yjs/{doc}; /api/sync is what /ws is where no WebSocket passes.',
    },
    servers: [{ url: basePath || '/' }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: schemas.named,
    },
  }
}

/** Every status that a route may answer with, its errors too. */
export function statusesOf(row: RouteDescription): number[] {
  const errors = new Set([400, 503, ...(row.errors ?? [])])
  if (row.access !== 'open') for (const status of [401, 403, 429]) errors.add(status)
  if (parametersOf(row.path).length > 0 || row.form) errors.add(404)
  if (row.body || row.form || row.frames) errors.add(413)
  if (row.repeatable) errors.add(422)
  return [...Object.keys(row.responses).map(Number), ...[...errors].toSorted((a, b) => a - b)]
}

function operation(row: RouteDescription, schemas: Schemas): JsonObject {
  const body = bodyOf(row)
  return {
    operationId: operationId(row),
    summary: row.summary,
    'x-access': row.access,
    security: row.access === 'open' ? [] : [{ bearer: [] }],
    parameters: [
      ...parametersOf(row.path).map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
      ...(row.query ? queryParameters(row.query, schemas) : []),
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
        required: row.body === undefined || !row.body.safeParse(undefined).success,
        content: contentOf(body, 'input', schemas),
      },
    }),
    responses: Object.fromEntries(statusesOf(row).map((status) => [String(status), responseOf(row, status, schemas)])),
  }
}

function bodyOf({ frames, form, body }: RouteDescription): Content | undefined {
  if (frames) return { 'application/octet-stream': z.string().meta({ format: 'binary' }) }
  return form ? { 'multipart/form-data': form } : body
}

function responseOf({ responses, openAiErrors }: RouteDescription, status: number, schemas: Schemas): JsonObject {
  if (!(status in responses))
    return {
      description: 'An error',
      content: {
        'application/json': { schema: { $ref: `#/components/schemas/${openAiErrors ? 'OpenAIError' : 'Error'}` } },
      },
    }
  const content = responses[status] ?? null
  return { description: 'Success', ...(content && { content: contentOf(content, 'output', schemas) }) }
}

function contentOf(content: NonNullable<Content>, io: Direction, schemas: Schemas): JsonObject {
  const byType = content instanceof z.ZodType ? { 'application/json': content } : content
  return Object.fromEntries(Object.entries(byType).map(([type, schema]) => [type, { schema: schemas.of(schema, io) }]))
}

function queryParameters(query: z.ZodType, schemas: Schemas): JsonObject[] {
  const { properties = {}, required = [] } = schemas.of(query, 'input') as {
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

type Direction = 'input' | 'output'

/** JSON Schemas of the document; those with an id stand once, under its name. */
class Schemas {
  readonly named: Record<string, JsonObject> = {}

  add(name: string, schema: z.ZodType): void {
    this.named[name] = this.of(schema, 'output')
  }

  of(schema: z.ZodType, io: Direction): JsonObject {
    const text = JSON.stringify(z.toJSONSchema(schema, { io, unrepresentable: 'any' }))
    const {
      $schema: _version,
      $defs: named = {},
      ...rest
    } = JSON.parse(text.replaceAll('"#/$defs/', '"#/components/schemas/')) as JsonObject
    Object.assign(this.named, named)
    return rest
  }
}

/** `get /api/chats/:chatId` is `getChatsByChatId`. */
function operationId({ method, path }: RouteDescription): string {
  const words = path
    .split(/[/.-]/)
    .filter((part) => part !== '' && part !== 'api')
    .map((part) => (part.startsWith(':') ? `By${capital(part.slice(1))}` : capital(part)))
  return method + words.join('')
}

const capital = (word: string) => word[0]!.toUpperCase() + word.slice(1)

const templateOf = (path: string) => path.replaceAll(/:(\w+)/g, '{$1}')

const parametersOf = (path: string) => [...path.matchAll(/:(\w+)/g)].map((match) => match[1]!)
