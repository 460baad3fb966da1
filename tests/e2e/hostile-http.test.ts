/** Hostile input to every route of the OpenAPI document: whatever is sent, an answer comes, and never a fault of the server. */
import { Agent, request as httpRequest } from 'node:http'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Provider } from '../../server/provider/events.ts'
import { startRunnel, type StartedRunnel } from '../../testing/index.ts'

const runs = Number(process.env.RUNNEL_TEST_HOSTILE_RUNS ?? 30)
const batch = 50
const hangMs = 10_000
const seed = Number(process.env['RUNNEL_FUZZ_SEED'] ?? Date.now() % 2 ** 31)

interface Operation {
  method: string
  path: string
  query: { name: string; schema: JsonSchema }[]
  content: Record<string, { schema: JsonSchema }>
  statuses: number[]
}
type JsonSchema = { [key: string]: any }

interface Hostile {
  operation: Operation
  path: string
  headers: Record<string, string>
  body: Buffer | undefined
}

const provider: Provider = async function* () {
  yield { type: 'block_start', key: 'a', block: { type: 'text', status: 'in_progress' } }
  yield { type: 'delta', key: 'a', field: 'text', text: 'Yes.' }
  yield { type: 'block_end', key: 'a', status: 'completed' }
  yield { type: 'finish', reason: 'stop' }
}

let server: StartedRunnel
let agent: Agent
const real: Record<string, string> = {}

beforeAll(async () => {
  server = await startRunnel({
    DATABASE_URL: 'memory:',
    RUNNEL_MAX_FILE_BYTES: 5_000,
    RUNNEL_MAX_TASKS_PER_USER: 1_000,
    provider,
    LOG_LEVEL: 'silent',
  })
  agent = new Agent({ keepAlive: true, maxSockets: 32 })
})
afterAll(async () => {
  agent.destroy()
  await server.close()
})

/** Ids that are there; those that a hostile request deleted are made anew. */
async function makeReal(): Promise<void> {
  if (
    real['messageId'] !== undefined &&
    (await server.call('GET', `/api/messages/${real['messageId']}`)).status === 200
  )
    return
  Object.assign(real, await server.ask('Hello'), { userId: 'somebody', inviteId: 'invite_unknown' })
  const form = new FormData()
  form.set('chatId', real['chatId']!)
  form.set('file', new File(['words'], 'a.txt'))
  real['fileId'] = ((await (await fetch(`${server.url}/api/files`, { method: 'POST', body: form })).json()) as any).id
}

async function operations(): Promise<Operation[]> {
  const { paths } = (await server.call('GET', '/openapi.json')).body as { paths: Record<string, Record<string, any>> }
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, told]) => ({
      method: method.toUpperCase(),
      path,
      query: told['parameters'].filter((parameter: any) => parameter.in === 'query'),
      content: told['requestBody']?.content ?? {},
      statuses: Object.keys(told['responses']).map(Number),
    })),
  )
}

const nasty = fc.constantFrom(
  '',
  ' ',
  '.',
  '..',
  '../..',
  '%',
  '%00',
  '\0',
  '%ff',
  'null',
  'undefined',
  'NaN',
  '-1',
  '0',
  '1e999',
  '9'.repeat(400),
  "' OR 1=1 --",
  '"',
  '<script>',
  '\ud800',
  '\u202e',
  '🙂',
  '__proto__',
  'constructor',
  'toString',
  '${7*7}',
  'a'.repeat(5_000),
  'chat_',
  'msg_aaaaaaaaaaaaaaaaaaaa',
  'inv_x',
  'file_../../x',
  '*',
  'NEAR(',
  'PCwx',
)
const word = fc.oneof(nasty, fc.string({ maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 40 }))
const json = fc.oneof(
  fc.jsonValue(),
  word,
  fc.constant('['.repeat(500) + ']'.repeat(500)).map((text) => JSON.parse(text) as unknown),
  fc.constant(JSON.parse('{"__proto__":{"a":1},"constructor":{"prototype":1}}') as unknown),
)

/** Values that a schema would take, as a rule; now and then others. */
function ofSchema(schema: JsonSchema, name = ''): fc.Arbitrary<unknown> {
  const id = { parentId: 'messageId', files: 'fileId', taskId: 'taskId' }[name]
  const fitting = (() => {
    if (schema['enum']) return fc.constantFrom(...(schema['enum'] as unknown[]))
    if (schema['anyOf']) return fc.oneof(...(schema['anyOf'] as JsonSchema[]).map((inner) => ofSchema(inner, name)))
    switch (schema['type']) {
      case 'string':
        return id !== undefined
          ? fc.oneof({ weight: 8, arbitrary: fc.constant(null).map(() => real[id]) }, { weight: 1, arbitrary: word })
          : fc.oneof(word, fc.constantFrom('content', 'viewer', 'somebody'))
      case 'integer':
        return fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer(), fc.double())
      case 'null':
        return fc.constant(null)
      case 'boolean':
        return fc.boolean()
      case 'array':
        return fc.array(ofSchema(schema['items'] ?? {}, name), { maxLength: 3 })
      case 'object':
        return fc.record(
          Object.fromEntries(
            Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>).map(([name, inner]) => [
              name,
              ofSchema(inner, name),
            ]),
          ),
          { requiredKeys: (schema['required'] ?? []) as never[] },
        )
      default:
        return json
    }
  })() as fc.Arbitrary<unknown>
  return fc.oneof({ weight: 15, arbitrary: fitting }, { weight: 1, arbitrary: json })
}

function ofPath({ path, method }: Operation): fc.Arbitrary<string> {
  const parts = path.split('/').map((part) => {
    const name = /^\{(\w+)\}$/.exec(part)?.[1]
    if (name === undefined) return fc.constant(part)
    return fc.oneof(
      // Others of the same batch want to find something.
      { weight: method === 'DELETE' ? 1 : 12, arbitrary: fc.constant(null).map(() => real[name] ?? 'unknown') },
      {
        weight: method === 'DELETE' ? 12 : 2,
        arbitrary: word.map((value) => encodeURIComponent(value.toWellFormed()) || 'x'),
      },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          '%',
          '%zz',
          '%c0%af',
          '%00',
          '..',
          '.',
          ';',
          '%2e%2e%2f',
          '%ed%a0%80',
          '~',
          '(',
          '*',
        ),
      },
    )
  })
  return fc.tuple(...parts).map((pieces) => pieces.join('/'))
}

const header = fc.oneof(
  fc.constantFrom('x', '', '*/*', 'Bearer', 'Bearer x', 'Bearer inv_x', 'gzip', 'chunked?', '0', 'text/html;q=nope'),
  fc.string({ unit: 'grapheme-ascii', maxLength: 300 }),
)
const headers = fc.dictionary(
  fc.constantFrom(
    'idempotency-key',
    'last-event-id',
    'accept',
    'authorization',
    'accept-language',
    'content-encoding',
    'if-none-match',
    'if-modified-since',
    'range',
    'x-forwarded-for',
    'x-http-method-override',
  ),
  header,
  { maxKeys: 3 },
)

const boundary = 'b0undary'
const multipart = fc
  .array(
    fc.record({
      name: fc.oneof(fc.constantFrom('chatId', 'file'), word),
      filename: fc.option(word),
      value: fc.oneof(
        fc.constant(null).map(() => real['chatId'] ?? ''),
        word,
        fc.string({ unit: 'binary', maxLength: 8_000 }),
      ),
    }),
    { maxLength: 4 },
  )
  .map((parts) =>
    parts
      .map(
        ({ name, filename, value }) =>
          `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${filename === null ? '' : `; filename="${filename}"`}\r\n\r\n${value}\r\n`,
      )
      .join(''),
  )

function ofBody(operation: Operation): fc.Arbitrary<{ type?: string; body?: Buffer }> {
  const schema = operation.content['application/json']?.schema
  const plain = fc.constant<{ type?: string; body?: Buffer }>({})
  const junk = fc.record({
    type: fc.constantFrom(
      'application/json',
      'application/json; charset=utf-7',
      'text/plain',
      'multipart/form-data',
      `multipart/form-data; boundary=${boundary}`,
      'application/x-www-form-urlencoded',
      '/',
    ),
    body: fc.oneof(
      fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom(
          '{',
          '[',
          '"',
          '{"a":',
          '\ufeff{}',
          'null',
          '[[[',
          '{"title":"\\ud800"}',
          `{"a":${'['.repeat(200_000)}`,
          `{"content":"x","params":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`,
        )
        .map((text) => Buffer.from(text)),
    ),
  })
  const form = fc
    .tuple(multipart, fc.constantFrom(`--${boundary}--\r\n`, '', `--${boundary}`))
    .map(([parts, end]) => ({ type: `multipart/form-data; boundary=${boundary}`, body: Buffer.from(parts + end) }))
  const fitting = schema
    ? ofSchema(schema).map((value) => ({ type: 'application/json', body: Buffer.from(JSON.stringify(value) ?? '') }))
    : operation.content['multipart/form-data']
      ? form
      : plain
  return fc.oneof({ weight: 6, arbitrary: fitting }, { weight: 1, arbitrary: junk }, { weight: 1, arbitrary: plain })
}

function ofOperation(operation: Operation): fc.Arbitrary<Hostile> {
  const query = fc
    .array(
      fc.oneof(
        ...operation.query.map(({ name, schema }) => fc.tuple(fc.constant(name), ofSchema(schema).map(String))),
        fc.tuple(word, word),
      ),
      { maxLength: 4 },
    )
    .map((pairs) =>
      pairs
        .map(
          ([name, value]) =>
            `${encodeURIComponent(name.toWellFormed())}=${encodeURIComponent(value.toWellFormed().slice(0, 2_000))}`,
        )
        .join('&'),
    )
  return fc
    .record({
      path: ofPath(operation),
      query: fc.oneof(
        query,
        fc.constantFrom('%', '&&&', '=', '?', '%ff=%ff', 'a[b]=c', 'limit=1&limit=2', '__proto__=1'),
      ),
      headers,
      content: ofBody(operation),
    })
    .map(({ path, query, headers, content: { type, body } }) => ({
      operation,
      path: path.slice(0, 8_000) + (query === '' ? '' : `?${query}`),
      body,
      headers: {
        ...headers,
        ...(type !== undefined && { 'content-type': type }),
        ...(body && { 'content-length': String(body.length) }),
      },
    }))
}

function send({ operation, path, headers, body }: Hostile): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      server.url,
      { agent, path, method: operation.method, headers, signal: AbortSignal.timeout(hangMs) },
      (response) => {
        let text = ''
        response
          .setEncoding('utf8')
          .on('data', (part: string) => {
            text += part
          })
          .on('end', () => resolve({ status: response.statusCode!, text }))
          .on('error', reject)
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

test(`${runs * batch} hostile requests get an answer each, and none is the server's fault (RUNNEL_FUZZ_SEED=${seed})`, async () => {
  await makeReal()
  const all = await operations()
  const seen = new Map<number, number>()
  const startedAt = performance.now()
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(
          ...all.map((operation) => ({
            weight: 'application/json' in operation.content ? 3 : 1,
            arbitrary: ofOperation(operation),
          })),
        ),
        { minLength: batch, maxLength: batch, size: 'max' },
      ),
      async (requests) => {
        await Promise.all(
          requests.map(async (hostile) => {
            const { status, text } = await send(hostile)
            seen.set(status, (seen.get(status) ?? 0) + 1)
            const told = `${hostile.operation.method} ${hostile.path} ${JSON.stringify(hostile.headers)} ${hostile.body?.toString('latin1').slice(0, 300)} → ${status} ${text.slice(0, 300)}`
            if (status >= 500 || ![...hostile.operation.statuses, 304, 404, 431].includes(status)) throw new Error(told)
            if (
              status >= 400 &&
              status !== 431 &&
              hostile.operation.method !== 'HEAD' &&
              typeof JSON.parse(text).error?.code !== 'string'
            )
              throw new Error(told)
          }),
        )
        // The next batch is made of what is there now.
        await makeReal()
      },
    ),
    { seed, numRuns: runs, endOnFailure: true },
  )
  const ms = performance.now() - startedAt
  console.log(
    `${runs * batch} requests in ${Math.round(ms)} ms: ${[...seen]
      .toSorted()
      .map(([status, count]) => `${count} × ${status}`)
      .join(', ')}`,
  )
  expect([...seen.values()].reduce((sum, count) => sum + count, 0)).toBe(runs * batch)
  // It reaches what lies behind the checks, too.
  for (const status of [200, 201, 202, 204, 400, 401, 404, 409])
    expect(seen.get(status) ?? 0, `${status}`).toBeGreaterThan(runs / 50)
  expect((await server.call('GET', '/readyz')).status).toBe(200)
}, 180_000)
