/** Results of MCP tools that are odd: what is known of them is kept. */
import { describe, expect, test } from 'vitest'
import { expectNothingLeftOpen } from '../helpers/open-handles.ts'
import { call, seeingContext } from './mcp-context.ts'
import { ping } from './odd-mcp.ts'
import { namesOf, oddSources } from './odd-sources.ts'

expectNothingLeftOpen()
const { http, stdio } = oddSources()

const text = (words: string) => ({ content: [{ type: 'text', text: words }] })

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
      'an image of another protocol',
      { content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${data}` } }] },
      kept('ping.png', 'image/png'),
      { files: ['ping.png'] },
    ],
    [
      'an image with a source',
      { content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data } }] },
      kept('ping.png', 'image/png'),
      { files: ['ping.png'] },
    ],
    [
      'an image at an address',
      { content: [{ type: 'image', url: 'https://example.com/a.png' }] },
      'https://example.com/a.png',
      { sources: ['https://example.com/a.png'] },
    ],
    ['parts in a list of their own', { content: [[{ type: 'text', text: 'words' }]] }, 'words'],
    ['structured content without anything in it', { ...text('words'), structuredContent: {} }, 'words'],
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
    ['structured content of an empty list', { structuredContent: { result: [] } }, '{"result":[]}'],
    [
      'structured content that nobody wrote out',
      { ...text('[object Object]'), structuredContent: { a: 1 } },
      '[object Object]\n{"a":1}',
    ],
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
    ['by another name', { ...text('No.'), is_error: true }, 'No.'],
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
