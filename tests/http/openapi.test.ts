/** `/openapi.json`: valid, complete, and true. */
import { validate } from '@readme/openapi-parser'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { expect, test } from 'vitest'
import { statusesOf } from '../../server/http/openapi.ts'
import { routes } from '../../server/http/routes.ts'
import { answer } from '../../testing/index.ts'
import { checkDescribed } from './described.ts'
import { start, startWithFake } from './server.ts'

test('is a valid OpenAPI document that names every route once', async () => {
  const server = await start()
  const { status, body } = await server.call('GET', '/openapi.json')
  expect(status).toBe(200)
  const result = await validate(structuredClone(body))
  expect(result.valid ? [] : result.errors).toEqual([])
  const told = Object.entries<object>(body.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  )
  const known = routes().map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
  expect(told.toSorted()).toEqual(known.toSorted())
  expect(new Set(known).size).toBe(known.length)
  expect(known.length).toBeGreaterThan(18)
  expect(JSON.stringify(body)).not.toContain('#/$defs')
})

test('has nothing that a linter finds', async () => {
  const server = await start()
  const { body } = await server.call('GET', '/openapi.json')
  const problems = await lintFromString({
    source: JSON.stringify(body),
    config: await createConfig({
      extends: ['recommended-strict'],
      rules: {
        // It is served by whoever runs it, under a licence and at an address of their own.
        'info-license': 'off',
        'no-server-example.com': 'off',
        'no-empty-servers': 'off',
        'operation-operationId': 'error',
        'operation-operationId-unique': 'error',
        'operation-operationId-url-safe': 'error',
        'operation-description': 'off',
        'security-defined': 'error',
        'no-invalid-media-type-examples': 'error',
      },
    }),
  })
  expect(problems.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])).toEqual([])
})

test('says of each route who may, and what comes of it: no bare objects', async () => {
  const server = await start()
  const { paths, components } = (await server.call('GET', '/openapi.json')).body
  const bare: string[] = []
  const look = (schema: any, path: string) => {
    const { type, properties, additionalProperties, items, oneOf, anyOf, $ref } = schema
    for (const [name, inner] of Object.entries(properties ?? {})) look(inner, `${path}.${name}`)
    for (const [index, inner] of (oneOf ?? anyOf ?? []).entries()) look(inner, `${path}|${index}`)
    if (items) look(items, `${path}[]`)
    if (additionalProperties?.type) look(additionalProperties, `${path}.*`)
    const isBare =
      type === undefined || (type === 'object' && properties === undefined && additionalProperties === undefined)
    if (isBare && !oneOf && !anyOf && $ref === undefined && !('const' in schema)) bare.push(path)
  }
  for (const [name, schema] of Object.entries(components.schemas)) look(schema, name)
  const ids = new Set<string>()
  for (const [path, methods] of Object.entries<any>(paths))
    for (const [method, operation] of Object.entries<any>(methods)) {
      expect(operation.operationId).toMatch(/^[a-z][A-Za-z0-9]+$/)
      ids.add(operation.operationId)
      expect(operation.security).toEqual(operation['x-access'] === 'open' ? [] : [{ bearer: [] }])
      for (const [status, { content = {} }] of Object.entries<any>(operation.responses))
        for (const [media, { schema }] of Object.entries<any>(content))
          look(schema, `${method} ${path} ${status} ${media}`)
    }
  expect(ids.size).toBe(routes().length)
  // What is wrong with a request is told in many ways.
  expect(bare).toEqual(['Error.error.details'])
})

test('tells what a request may hold', async () => {
  const server = await start()
  const { paths } = (await server.call('GET', '/openapi.json')).body
  const ask = paths['/api/chats/{chatId}/messages'].post
  expect(ask.requestBody).toMatchObject({
    required: true,
    content: { 'application/json': { schema: { type: 'object', required: ['content'], additionalProperties: false } } },
  })
  expect(ask.security).toEqual([{ bearer: [] }])
  expect(ask.parameters.map(({ name }: { name: string }) => name)).toEqual(['chatId', 'Idempotency-Key'])
  expect(paths['/api/chats'].post.requestBody.required).toBe(false)
  expect(paths['/api/chats'].get.parameters.find(({ name }: { name: string }) => name === 'limit')).toMatchObject({
    in: 'query',
    required: false,
    schema: { type: 'integer', minimum: 1, maximum: 200, default: 50 },
  })
  expect(paths['/healthz'].get.security).toEqual([])
})

test('every route answers with a status that it declares, whatever stands in its path', async () => {
  const server = await start()
  const { chatId, messageId, taskId } = await server.ask('Hello')
  const real: Record<string, string> = {
    chatId,
    messageId,
    taskId,
    userId: 'somebody',
    inviteId: 'invite_unknown',
    fileId: 'file_unknown',
  }
  // What deletes comes last.
  for (const row of routes().toSorted((a, b) => Number(a.method === 'delete') - Number(b.method === 'delete'))) {
    for (const values of [{}, real]) {
      const path = row.path.replaceAll(
        /:(\w+)/g,
        (_all, name: string) => (values as Record<string, string>)[name] ?? 'unknown',
      )
      for (const body of row.method === 'get' || row.method === 'delete'
        ? [undefined]
        : [undefined, {}, { content: 'Hi', title: 'Hi', role: 'viewer', userId: 'u', token: 't' }]) {
        const { status } = await server.call(row.method.toUpperCase(), path, body)
        expect(statusesOf(row), `${row.method} ${path} answers ${status}`).toContain(status)
      }
    }
  }
})

test('names all that stands in an answer: what it does not name is found', async () => {
  // Each `call` of these tests is compared.
  const { server, fake } = await startWithFake({ RUNNEL_MAX_TASKS: 1 })
  const script = fake.manual()
  const running = await server.ask('First')
  await script.request
  await server.ask('Second')
  const { items } = (await server.call('GET', '/api/tasks')).body
  expect(items.map(({ place }: { place?: number }) => place)).toEqual([undefined, 1])
  fake.enqueue(answer({ text: 'Second.' }))
  script.end()
  const path = `/api/messages/${running.messageId}`
  await expect.poll(async () => (await server.call('GET', path)).body.status).not.toMatch(/queued|preparing|streaming/)
  const { body } = await server.call('GET', path)
  expect(body.note).toBeTypeOf('string')
  const file = { id: 'b', type: 'file', status: 'completed', name: 'a', mimeType: 'b', url: 'c' }
  checkDescribed('GET', path, 200, { ...body, output: [file] })
  for (const changed of [
    { ...body, surprise: 1 },
    { ...body, output: [{ ...file, surprise: 1 }] },
    { ...body, createdAt: 'now' },
  ])
    expect(() => checkDescribed('GET', path, 200, changed)).toThrow(
      /otherwise than it is described: .*(surprise|createdAt)/,
    )
  expect(() =>
    checkDescribed('GET', '/api/tasks', 200, { items: [{ ...items[0], more: 1 }], nextCursor: null }),
  ).toThrow(/items\[0\]\.more/)
  expect(() => checkDescribed('GET', '/api/tasks', 404, { error: { code: 'a', message: 'b', more: 1 } })).toThrow(
    /error\.more/,
  )
})
