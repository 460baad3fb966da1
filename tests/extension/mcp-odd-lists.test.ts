/** Tools and lists of MCP servers that are odd: what is known of them is kept, and the rest is said. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Tool } from '../../server/extension/tool.ts'
import { recordedStreamsRoot } from '../helpers/corpus.ts'
import { expectNothingLeftOpen } from '../helpers/open-handles.ts'
import { call, seeingContext } from './mcp-context.ts'
import { ping, schema, type Odd } from './odd-mcp.ts'
import { namesOf, never, oddSources } from './odd-sources.ts'

expectNothingLeftOpen()
const { http, stdio } = oddSources()

describe('an odd tool', () => {
  const deep = (levels: number): object => (levels === 0 ? {} : { type: 'object', properties: { a: deep(levels - 1) } })
  test.each<[string, unknown]>([
    ['nothing', null],
    ['a text', 'ping'],
    ['a list', [ping]],
    ['without a name', { inputSchema: schema }],
    ['with an empty name', { name: '', inputSchema: schema }],
    ['with white space for a name', { name: ' ', inputSchema: schema }],
    ['with a number for a name', { name: 7, inputSchema: schema }],
    ['with the name of another', ping],
    ['without a schema', { name: 'bad' }],
    ['with nothing for a schema', { name: 'bad', inputSchema: null }],
    ['with a list for a schema', { name: 'bad', inputSchema: [] }],
    ['with a schema that is true', { name: 'bad', inputSchema: true }],
    ['with a schema without a type', { name: 'bad', inputSchema: { anyOf: [{ type: 'object' }] } }],
    ['with a schema of another type', { name: 'bad', inputSchema: { type: 'array' } }],
    ['with a schema of two types', { name: 'bad', inputSchema: { type: ['object', 'null'] } }],
    ['with nothing required', { name: 'bad', inputSchema: { ...schema, required: null } }],
    ['with a word required', { name: 'bad', inputSchema: { ...schema, required: 'a' } }],
    ['with numbers required', { name: 'bad', inputSchema: { ...schema, required: [1] } }],
    ['with nothing for properties', { name: 'bad', inputSchema: { type: 'object', properties: null } }],
    ['with a list of properties', { name: 'bad', inputSchema: { type: 'object', properties: [] } }],
    [
      'with a property of no type',
      { name: 'bad', inputSchema: { type: 'object', properties: { a: { type: 'text' } } } },
    ],
    ['with a property that is a word', { name: 'bad', inputSchema: { type: 'object', properties: { a: 'string' } } }],
    ['with an enum of one', { name: 'bad', inputSchema: { type: 'object', properties: { a: { enum: 'x' } } } }],
    [
      'with a bound of an old draft',
      { name: 'bad', inputSchema: { type: 'object', properties: { a: { exclusiveMinimum: true } } } },
    ],
    ['with a choice of none', { name: 'bad', inputSchema: { ...schema, anyOf: [] } }],
    [
      'with a reference to nowhere',
      { name: 'bad', inputSchema: { type: 'object', properties: { a: { $ref: '#/$defs/none' } } } },
    ],
    [
      'with a reference to elsewhere',
      { name: 'bad', inputSchema: { ...schema, allOf: [{ $ref: 'https://example.com/s.json' }] } },
    ],
    ['that is deep', { name: 'bad', inputSchema: deep(80) }],
    ['that is deeper than anybody writes', { name: 'bad', inputSchema: deep(1_000) }],
    ['that is huge', { name: 'bad', inputSchema: { ...schema, description: 'x'.repeat(300_000) } }],
  ])('%s is left out and said, and the others stay', async (_what, bad) => {
    const { source, said } = http({ pages: [{ tools: [ping, bad, { name: 'pong', inputSchema: schema }] }] })
    expect(await namesOf(source)).toEqual(['ping', 'pong'])
    expect(await namesOf(source)).toEqual(['ping', 'pong'])
    // Once.
    expect(said).toEqual([expect.stringMatching(/^The MCP server odd has a tool .* that is left out: .+\.$/)])
    expect(source.status?.().leftOut).toEqual([{ tool: expect.any(String), reason: expect.any(String) }])
  })

  test.each<[string, object, Partial<Tool>]>([
    ['nothing for a description', { ...ping, description: null }, { description: '' }],
    ['a number for a description', { ...ping, description: 7 }, { description: '' }],
    ['a title in place of a description', { ...ping, title: 'Ping', description: null }, { description: 'Ping' }],
    ['a title that is none', { ...ping, title: 7, annotations: { title: 'Ping' } }, { description: 'Ping' }],
    ['annotations of nothing', { ...ping, annotations: null }, { approval: true }],
    ['annotations in a list', { ...ping, annotations: [1] }, { approval: true }],
    ['a hint in words', { ...ping, annotations: { readOnlyHint: 'true' } }, { approval: true }],
    ['an output of another type', { ...ping, outputSchema: { type: 'integer' } }, {}],
    ['an output of nothing', { ...ping, outputSchema: null }, {}],
    ['an output that is a word', { ...ping, outputSchema: 'text' }, {}],
    ['an execution of nothing', { ...ping, execution: null, icons: 'none', _meta: null }, {}],
    ['unknown keywords', { ...ping, inputSchema: { ...schema, example: null, 'x-order': [1] } }, {}],
    [
      'an unknown format',
      { ...ping, inputSchema: { type: 'object', properties: { a: { type: 'string', format: 'uint' } } } },
      {},
    ],
    [
      'an unknown dialect',
      { ...ping, inputSchema: { $schema: 'https://example.com/own', ...schema } },
      { parameters: schema as never },
    ],
    ['a schema that is true inside', { ...ping, inputSchema: { type: 'object', properties: { a: true } } }, {}],
    ['a schema in itself', { ...ping, inputSchema: { type: 'object', properties: { a: { $ref: '#' } } } }, {}],
    [
      'a list of two',
      { ...ping, inputSchema: { type: 'object', properties: { a: { type: 'array', items: [{}, {}] } } } },
      {},
    ],
    [
      'data that look like references',
      { ...ping, inputSchema: { ...schema, default: { $ref: 'x' }, examples: [{ $ref: 'y' }] } },
      {},
    ],
    ['no properties', { ...ping, inputSchema: { type: 'object' } }, { parameters: schema as never }],
  ])('with %s is taken', async (_what, tool, expected) => {
    const { source, said } = http({ pages: [{ tools: [tool] }] }, { approval: 'destructive' })
    expect(await source.list(never)).toMatchObject([{ name: 'odd_ping', ...expected }])
    expect(await call(source, 'odd_ping')).toBe('ping was called')
    expect(said).toEqual([])
  })

  test('that says much of itself is taken, and the model is told its beginning', async () => {
    const { source, said } = http({
      pages: [{ tools: [{ ...ping, description: `${'x'.repeat(16_383)}🌊${'y'.repeat(9)}` }] }],
    })
    expect((await source.list(never))[0]!.description).toBe('x'.repeat(16_383))
    expect(said).toEqual([expect.stringContaining('describes its tool "ping" at length')])
  })

  test('has a name that providers take, and is called by its own', async () => {
    const names = [
      'a b',
      'a_b',
      'wetter.heute',
      '天気',
      '気温',
      'x'.repeat(200),
      `${'x'.repeat(200)}y`,
      '__proto__',
      'constructor',
    ]
    const { source } = http({ pages: [{ tools: names.map((name) => ({ name, inputSchema: schema })) }] })
    const tools = await source.list(never)
    expect(new Set(tools.map(({ name }) => name)).size).toBe(names.length)
    for (const { name } of tools) expect(name).toMatch(/^[A-Za-z0-9_-]{1,64}$/)
    const { context } = seeingContext()
    expect(await Promise.all(tools.map((tool) => tool.execute!({}, context)))).toEqual(
      names.map((name) => `${name} was called`),
    )
  })

  test('keeps its name, whatever comes and goes beside it', async () => {
    const tools = ['a b', 'a_b', 'a.b'].map((name) => ({ name, inputSchema: schema }))
    const { source } = http({
      pages: [{ tools: tools.slice(1) }, { tools }, { tools: tools.toReversed() }, { tools: [tools[2]] }],
    })
    expect(await namesOf(source)).toEqual(['a_b', 'a_b_2'])
    expect(await namesOf(source)).toEqual(['a_b_3', 'a_b', 'a_b_2'])
    expect(await namesOf(source)).toEqual(['a_b_2', 'a_b', 'a_b_3'])
    expect(await namesOf(source)).toEqual(['a_b_2'])
  })
})

describe('an odd list', () => {
  const page = (name: string, nextCursor?: unknown) => ({
    tools: [{ name, inputSchema: schema }],
    ...(nextCursor !== undefined && { nextCursor }),
  })
  test.each<[string, unknown[], string[], number?]>([
    ['a cursor of nothing', [page('a', null), page('b')], ['a']],
    ['an empty cursor', [page('a', ''), page('b')], ['a']],
    ['the same cursor each time', [page('a', 'x')], ['a']],
    ['cursors in a circle', [page('a', 'x'), page('b', 'y'), page('c', 'x'), page('d')], ['a', 'b', 'c']],
    ['a number for a cursor', [page('a', 7), page('b')], ['a'], 1],
    ['an object for a cursor', [page('a', {}), page('b')], ['a'], 1],
    ['an empty page in the middle', [page('a', '1'), { tools: [], nextCursor: '2' }, page('b')], ['a', 'b']],
    ['no tools', [{}], []],
    ['nothing for tools', [{ tools: null }], []],
    ['nothing for all', [null], []],
    ['a table of tools', [{ tools: { a: {} } }], [], 1],
    ['a list for all', [[page('a')]], []],
    ['a later page of nothing', [page('a', '1'), { tools: null, nextCursor: '2' }, page('b')], ['a', 'b']],
    ['what it lists for clients only', [{ ...page('a'), _meta: null, extra: { deep: [null] } }], ['a']],
  ])('with %s ends', async (_what, pages, names, sentences = 0) => {
    const { source, said } = http({ pages })
    expect(await namesOf(source)).toEqual(names)
    expect(said).toHaveLength(sentences)
  })

  test('without end is ended', async () => {
    let count = 0
    const { source, said } = http({
      handle: ({ message, response, answer }) => {
        if (message.method !== 'tools/list') return answer()
        const result = { tools: [ping], nextCursor: `page ${count++}` }
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }))
      },
    })
    expect(await namesOf(source)).toEqual(['ping'])
    expect(count).toBe(100)
    expect(said.at(-1)).toContain('goes on listing after 100 pages')
  })

  test('whose second page is an error keeps the first', async () => {
    const { source, said } = http(
      {
        pages: [page('a', 'x')],
        handle: ({ message, response, count, answer }) => {
          if (message.method !== 'tools/list' || count === 0) return answer()
          const error = { code: -32602, message: `Invalid cursor for sk-secret-1 ${'x'.repeat(5_000)}` }
          response
            .writeHead(200, { 'content-type': 'application/json' })
            .end(JSON.stringify({ jsonrpc: '2.0', id: message.id, error }))
        },
      },
      {},
      { authorization: 'Bearer sk-secret-1' },
    )
    expect(await namesOf(source)).toEqual(['a'])
    expect(said).toEqual([expect.stringMatching(/page 2 is an error .*Invalid cursor for \*\*\*/)])
    expect(said[0]!.length).toBeLessThan(600)
  })

  test.each<[string, unknown]>([
    ['an error', { code: -32603, message: 'the database is away' }],
    ['a word', 'the database is away'],
    ['an error without a code', { message: 'the database is away' }],
    ['an error with a word for a code', { code: 'E_DB', message: 'the database is away', data: null }],
  ])('that is %s fails in its words', async (_what, listError) => {
    await expect(http({ listError }).source.list(never)).rejects.toThrow(
      /^The MCP server odd answered with an error: .*the database is away/,
    )
  })

  test.each<[string, object]>([
    ['says that it has none', { capabilities: {} }],
    ['says nothing of it', { capabilities: { tools: null, prompts: null } }],
    ['does not say what it can', { capabilities: null }],
  ])('is empty where a server without tools %s', async (_what, welcome) => {
    const { source } = http({ welcome, listError: { code: -32601, message: 'Method not found' } })
    expect(await namesOf(source)).toEqual([])
  })

  test.each<[string, object]>([
    ['no version', { serverInfo: { name: 'odd' } }],
    ['nothing for itself', { serverInfo: null }],
    ['words that are none', { instructions: null, _meta: null }],
    ['capabilities of nothing', { capabilities: { tools: { listChanged: null }, logging: null, experimental: null } }],
  ])('comes, though the server says %s', async (_what, welcome) => {
    expect(await namesOf(http({ welcome }).source)).toEqual(['ping'])
  })

  test('that changes while it is read is read again', async () => {
    const { source } = http({
      handle: ({ message, response, count, answer }) => {
        if (message.method !== 'tools/list') return answer()
        const name = count < 2 ? 'before' : 'after'
        const result = { tools: [{ name, inputSchema: schema }], ...(count === 0 && { nextCursor: 'x' }) }
        const changed = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' }
        response
          .writeHead(200, { 'content-type': 'text/event-stream' })
          .end(
            `${count === 1 ? `data: ${JSON.stringify(changed)}\n\n` : ''}data: ${JSON.stringify({ jsonrpc: '2.0', id: message.id, result })}\n\n`,
          )
      },
    })
    expect(await namesOf(source)).toEqual(['after'])
    expect(source.revision?.()).toBe(1)
  })
})

// What was seen at servers of others, where the folder with these cases is there.
const root = recordedStreamsRoot()
const casesFile = root === undefined ? '' : `${root}/../cases/mcp-tools-list.json`
interface Case {
  nextCursor?: unknown
  tool?: { name: string }
  capabilities?: object
  expected: string
}
const seen = existsSync(casesFile) ? (JSON.parse(readFileSync(casesFile, 'utf8')) as { cases: Case[] }).cases : []

test.each(seen.map((one) => [JSON.stringify(one), one] as const))('as seen: %s', async (_words, one) => {
  const other = { name: 'other', inputSchema: schema }
  const kind: Odd =
    one.capabilities !== undefined
      ? { welcome: { capabilities: one.capabilities }, listError: { code: -32601, message: 'Method not found' } }
      : one.tool !== undefined
        ? { pages: [{ tools: [other, one.tool] }] }
        : { pages: [{ tools: [other], nextCursor: one.nextCursor }] }
  const wanted = one.capabilities !== undefined ? [] : one.tool?.name === 'ping' ? ['other', 'ping'] : ['other']
  const { source, said } = http(kind)
  expect(await namesOf(source)).toEqual(wanted)
  expect(said).toHaveLength(one.tool?.name === 'bad' ? 1 : 0)
  expect(await namesOf(stdio(kind))).toEqual(wanted)
})
