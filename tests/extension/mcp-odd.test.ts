/** MCP servers that are odd: what is known of what they say is kept, and the rest is said. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { mcpServer, type McpServerOptions } from '../../server/extension/mcp.ts'
import type { Tool, ToolSource } from '../../server/extension/tool.ts'
import { recordedStreamsRoot } from '../helpers/corpus.ts'
import { expectNothingLeftOpen } from '../helpers/open-handles.ts'
import { call, seeingContext } from './mcp-context.ts'
import { ping, schema, startOdd, type Odd, type OddHttp, type OddServer } from './odd-mcp.ts'

expectNothingLeftOpen()

const never = new AbortController().signal
const sources: ToolSource[] = []
let odd: OddServer
beforeAll(async () => {
  odd = await startOdd()
})
afterAll(() => odd.close())
afterEach(async () => {
  await Promise.all(sources.splice(0).map((source) => source.close()))
})

/** A server of this kind, with what was said of it. */
function http(kind: OddHttp, options: McpServerOptions = {}): { source: ToolSource; said: string[] } {
  const said: string[] = []
  const source = mcpServer(
    { name: 'odd', url: odd.at(kind) },
    { onError: ({ message }) => said.push(message), ...options },
  )
  sources.push(source)
  return { source, said }
}

function stdio(kind: Odd): ToolSource {
  const file = fileURLToPath(new URL('odd-mcp-stdio.ts', import.meta.url))
  const source = mcpServer({
    name: 'odd',
    command: process.execPath,
    args: [file],
    env: { ODD: JSON.stringify(kind), NODE_NO_WARNINGS: '1' },
  })
  sources.push(source)
  return source
}

async function namesOf(source: ToolSource): Promise<string[]> {
  return (await source.list(never)).map(({ name }) => name.replace(/^odd_/, ''))
}

const text = (words: string) => ({ content: [{ type: 'text', text: words }] })

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
    const { source, said } = http({
      pages: [page('a', 'x')],
      handle: ({ message, response, count, answer }) => {
        if (message.method !== 'tools/list' || count === 0) return answer()
        const error = { code: -32602, message: 'Invalid cursor' }
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(JSON.stringify({ jsonrpc: '2.0', id: message.id, error }))
      },
    })
    expect(await namesOf(source)).toEqual(['a'])
    expect(said).toEqual([expect.stringMatching(/page 2 is an error .*Invalid cursor/)])
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

describe('an odd result', () => {
  const data = Buffer.from('bytes').toString('base64')
  const kept = (name: string, type: string) => `(The file ${name}, ${type}, is shown to the reader.)`
  const cases: [string, unknown, string | RegExp, { files?: string[]; sources?: string[] }?][] = [
    ['nothing', null, ''],
    ['no content', {}, ''],
    ['nothing for content', { content: null }, ''],
    ['a text for content', { content: 'words' }, 'words'],
    ['a part for content', { content: { type: 'text', text: 'words' } }, 'words'],
    ['a text without a type', { content: [{ text: 'words' }] }, 'words'],
    [
      'a text of nothing',
      {
        content: [
          { type: 'text', text: null },
          { type: 'text', text: 'words' },
        ],
      },
      'words',
    ],
    ['a number for a text', { content: [{ type: 'text', text: 7 }] }, '7'],
    ['texts and nothing', { content: ['words', null, { type: 'text', text: 'more' }] }, 'words\nmore'],
    [
      'annotations of nothing',
      { content: [{ type: 'text', text: 'words', annotations: null, _meta: null }], _meta: null },
      'words',
    ],
    ['nothing for an error', { ...text('words'), isError: null }, 'words'],
    [
      'an unknown part',
      {
        content: [
          { type: 'text', text: 'words' },
          { type: 'chart', points: [1, 2] },
        ],
      },
      'words\n{"type":"chart","points":[1,2]}',
    ],
    ['an unknown part with a text', { content: [{ type: 'thought', text: 'words' }] }, 'words'],
    [
      'an unknown part with bytes',
      { content: [{ type: 'video', data, mimeType: 'video/mp4' }] },
      kept('ping.mp4', 'video/mp4'),
      { files: ['ping.mp4'] },
    ],
    [
      'an image without a type of its own',
      { content: [{ type: 'image', data }] },
      kept('ping.octet', 'application/octet-stream'),
      { files: ['ping.octet'] },
    ],
    [
      'an image as an address',
      { content: [{ type: 'image', data: `data:image/png;base64,${data}` }] },
      kept('ping.png', 'image/png'),
      { files: ['ping.png'] },
    ],
    [
      'an image without bytes',
      { content: [{ type: 'image', mimeType: 'image/png' }] },
      '{"type":"image","mimeType":"image/png"}',
    ],
    ['an image of nothing', { content: [{ type: 'image', data: '', mimeType: 'image/png' }] }, /holds nothing/],
    [
      'sound',
      { content: [{ type: 'audio', data, mimeType: 'audio/wav' }] },
      kept('ping.wav', 'audio/wav'),
      { files: ['ping.wav'] },
    ],
    [
      'a link without a name',
      { content: [{ type: 'resource_link', uri: 'https://example.com/a' }] },
      'https://example.com/a',
      { sources: ['https://example.com/a'] },
    ],
    [
      'a link with nothing for its words',
      { content: [{ type: 'resource_link', uri: 'notes://1', name: 'N', title: null, description: null }] },
      'N: notes://1',
      { sources: ['N'] },
    ],
    [
      'a resource of an address',
      { content: [{ type: 'resource', resource: { uri: 'notes://1' } }] },
      'notes://1',
      { sources: ['notes://1'] },
    ],
    [
      'a resource of a text only',
      { content: [{ type: 'resource', resource: { text: 'a note', mimeType: null } }] },
      'a note',
    ],
    [
      'a resource of bytes only',
      { content: [{ type: 'resource', resource: { blob: data } }] },
      kept('ping.octet', 'application/octet-stream'),
      { files: ['ping.octet'] },
    ],
    [
      'a resource of nothing',
      { content: [{ type: 'resource', resource: null }] },
      '{"type":"resource","resource":null}',
    ],
    ['structured content only', { structuredContent: { a: 1 } }, '{"a":1}'],
    ['structured content in a list', { structuredContent: [1, 2] }, '[1,2]'],
    ['structured content of nothing', { ...text('words'), structuredContent: null }, 'words'],
    [
      'structured content and words about it',
      { ...text('2 rows'), structuredContent: { rows: [1, 2] } },
      '2 rows\n{"rows":[1,2]}',
    ],
    ['structured content and its text', { ...text('{ "a": 1 }'), structuredContent: { a: 1 } }, '{ "a": 1 }'],
    [
      'structured content, its text and more',
      {
        content: [
          { type: 'text', text: 'Here:' },
          { type: 'text', text: '{"a":1}' },
        ],
        structuredContent: { a: 1 },
      },
      'Here:\n{"a":1}',
    ],
    ['a value that stands alone', { ...text('7'), structuredContent: { result: 7 } }, '7'],
    ['a text that stands alone', { ...text('words'), structuredContent: { result: 'words' } }, 'words'],
    ['values that stand alone', { content: ['1', '"b"'], structuredContent: { result: [1, 'b'] } }, '1\n"b"'],
    [
      'structured content and an image',
      { content: [{ type: 'image', data, mimeType: 'image/png' }], structuredContent: { a: 1 } },
      `${kept('ping.png', 'image/png')}\n{"a":1}`,
      { files: ['ping.png'] },
    ],
    ['a field of its own', { toolResult: { a: 1 } }, '{"toolResult":{"a":1}}'],
    ['a text for all', 'words', '{"result":"words"}'],
  ]
  test.each(cases)('of %s gives what is known of it', async (_what, result, output, shown = {}) => {
    const { source } = http({ results: { ping: result } })
    const { context, seen } = seeingContext()
    const given = await call(source, 'odd_ping', {}, context)
    if (typeof output === 'string') expect(given).toBe(output)
    else expect(given).toMatch(output)
    expect(seen.files.map(({ name }) => name)).toEqual(shown.files ?? [])
    expect(seen.sources.map(({ title }) => title)).toEqual(shown.sources ?? [])
  })

  test.each<[string, unknown, string]>([
    ['in words', { ...text('The disk is full.'), isError: true }, 'The disk is full.'],
    ['in unknown parts', { content: [{ type: 'fault', code: 7 }], isError: true }, '{"type":"fault","code":7}'],
    ['in structured content', { structuredContent: { code: 7 }, isError: true }, '{"code":7}'],
    ['without words', { content: null, isError: true }, 'The tool ping failed and does not say why.'],
    ['with a word for true', { ...text('No.'), isError: 'true' }, 'No.'],
  ])('that is an error %s fails', async (_what, result, words) => {
    await expect(call(http({ results: { ping: result } }).source, 'odd_ping')).rejects.toThrow(words)
  })

  test('comes in one piece, however long', async () => {
    const { source } = http({ results: { ping: text('x'.repeat(3_000_000)) } })
    expect(await call(source, 'odd_ping')).toHaveLength(3_000_000)
  })
})

describe('over stdio', () => {
  test('noise is passed over, and odd messages are understood', async () => {
    for (const noise of [
      'Loading…\n',
      '{"level":30,"msg":"ready"}\n',
      '[1]\n\n{"a":\n',
      'INFO ready: ',
      '\ufeff',
      '\r\n',
    ]) {
      const source = stdio({
        noise,
        welcome: { serverInfo: null, capabilities: { tools: {}, prompts: null } },
        pages: [{ tools: [ping, { name: 'bad' }], nextCursor: null, _meta: null }],
        results: { ping: { ...text('words'), _meta: null, structuredContent: null } },
      })
      expect(await namesOf(source)).toEqual(['ping'])
      expect(await call(source, 'odd_ping')).toBe('words')
      await source.close()
    }
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
