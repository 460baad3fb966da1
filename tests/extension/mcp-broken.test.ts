/** MCP servers whose transport misbehaves: each call gets an answer or a sentence, at once. */
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { mcpServer } from '../../server/extension/mcp.ts'
import { expectNothingLeftOpen } from '../helpers/open-handles.ts'
import { call, toolOf } from './mcp-context.ts'
import type { Hop, OddHttp } from './odd-mcp.ts'
import { never, oddSources } from './odd-sources.ts'

expectNothingLeftOpen()
const { http, kept } = oddSources()

/** Calls are handled so; all else is as it should be. */
function calls(handle: (hop: Hop) => void, more: OddHttp = {}): OddHttp {
  return { ...more, handle: (hop) => (hop.message.method === 'tools/call' ? handle(hop) : hop.answer()) }
}

const event = (message: object, id?: string) =>
  `${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`
const result = (words: string) => ({ result: { content: [{ type: 'text', text: words }] } })
const sse = { 'content-type': 'text/event-stream' }
const json = { 'content-type': 'application/json' }

describe('a session that the server has forgotten', () => {
  /** Knows one session at a time; `forget` is as a restart. */
  function forgetting(status: number, body: string) {
    const log: string[] = []
    let sessions = 0
    let current = 0
    const kind: OddHttp = {
      handle: ({ message, request, response, answer }) => {
        const given = request.headers['mcp-session-id']
        if (message.method === 'initialize') {
          current = ++sessions
          response.setHeader('mcp-session-id', String(current))
        } else if (given !== String(current)) return void response.writeHead(status).end(body)
        if (message.method === 'tools/call') log.push(`${given}: ${message.params!.name}`)
        answer()
      },
    }
    return { kind, log, forget: () => (current = -1), sessions: () => sessions }
  }

  test.each<[number, string]>([
    [404, ''],
    [404, 'Not Found'],
    [404, '{"jsonrpc":"2.0","error":{"code":-32001,"message":"Session not found"},"id":null}'],
    [400, '{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: No valid session ID provided"},"id":null}'],
    [410, 'Gone'],
    [400, 'Invalid session id'],
    [400, '{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: Server not initialized"},"id":null}'],
  ])('is made anew, and the call runs once (HTTP %i %s)', async (status, body) => {
    const { kind, log, forget, sessions } = forgetting(status, body)
    const { source, said } = http(kind)
    const ping = await toolOf(source, 'odd_ping')
    forget()
    expect(await Promise.all([call(source, 'odd_ping'), call(source, 'odd_ping')])).toEqual([
      'ping was called',
      'ping was called',
    ])
    expect(log).toEqual(['2: ping', '2: ping'])
    for (let count = 0; count < 3; count++) {
      forget()
      // A call without a listing before it, as in the middle of a run.
      expect(await ping.execute!({}, { signal: never } as never)).toBe('ping was called')
    }
    expect(sessions()).toBe(5)
    expect(said).toEqual([])
  })

  test('again and again fails the call, after one more try', async () => {
    let asked = 0
    const { source } = http(
      calls(
        ({ response }) => {
          asked += 1
          response.writeHead(404).end('Session not found')
        },
        { session: 'one' },
      ),
    )
    await expect(call(source, 'odd_ping')).rejects.toThrow(/^The MCP server odd is gone: .*Session not found/)
    expect(asked).toBe(2)
  })

  test.each([400, 401, 403, 422, 429, 500, 502])(
    'is none where the server says HTTP %i of something else',
    async (status) => {
      let asked = 0
      const { source } = http(
        calls(
          ({ response }) => {
            asked += 1
            response.writeHead(status).end('Something else is wrong')
          },
          { session: 'one' },
        ),
      )
      await expect(call(source, 'odd_ping')).rejects.toThrow(
        /^The MCP server odd answered with an error: .*Something else is wrong/,
      )
      expect(asked).toBe(1)
    },
  )
})

describe('an answer that does not come fails its call at once', () => {
  const ways: [string, (hop: Hop) => void, RegExp][] = [
    ['a stream that ends', ({ response }) => response.writeHead(200, sse).end(), /gave no answer: its stream ended/],
    [
      'a stream of comments and progress that ends',
      ({ response }) =>
        response
          .writeHead(200, sse)
          .end(`: hello\n\n${event({ method: 'notifications/progress', params: { progressToken: 0, progress: 1 } })}`),
      /gave no answer: its stream ended/,
    ],
    [
      'a stream that breaks',
      ({ response }) => {
        response.writeHead(200, sse).write(': hello\n\n')
        setImmediate(() => response.destroy())
      },
      /gave no answer: its stream ended/,
    ],
    [
      'a stream that answers another',
      ({ response }) => response.writeHead(200, sse).end(event({ id: 4_711, ...result('not yours') })),
      /gave no answer: its stream ended/,
    ],
    ['an empty 202', ({ response }) => response.writeHead(202).end(), /gave no answer: it took the request/],
    ['an empty 204', ({ response }) => response.writeHead(204).end(), /gave no answer: it took the request/],
    [
      'an empty body',
      ({ response }) => response.writeHead(200, json).end(),
      /gave no answer: its answer is no message/,
    ],
    [
      'half a body',
      ({ response }) => response.writeHead(200, json).end('{"jsonrpc":"2.0","id"'),
      /gave no answer: its answer is no message/,
    ],
    [
      'a list of nothing',
      ({ response }) => response.writeHead(200, json).end('[]'),
      /gave no answer: its answer is no message/,
    ],
    [
      'an answer to another',
      ({ response }) => response.writeHead(200, json).end(JSON.stringify({ jsonrpc: '2.0', id: 4_711, result: {} })),
      /gave no answer: its answer is no message/,
    ],
    [
      'an error of nobody',
      ({ response }) =>
        response
          .writeHead(200, json)
          .end('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}'),
      /answered with an error: .*Parse error/,
    ],
    [
      'an error of nobody in a stream',
      ({ response }) => response.writeHead(200, sse).end('data: {"id":null,"error":"Parse error"}\n\n'),
      /answered with an error: .*Parse error/,
    ],
    [
      'a page',
      ({ response }) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Welcome</h1>'),
      /answered with an error: .*text\/html/,
    ],
    ['a connection that breaks', ({ response }) => response.destroy(), /answered with an error: fetch failed/],
    [
      'more than 10 MB',
      ({ response }) => response.writeHead(200, json).end(`"${'x'.repeat(11 * 1024 * 1024)}"`),
      /gave no answer: it answered with more than 10 MB/,
    ],
    [
      'more than 10 MB in a stream',
      ({ response }) => response.writeHead(200, sse).end(`data: "${'x'.repeat(11 * 1024 * 1024)}"\n\n`),
      /gave no answer: it answered with more than 10 MB/,
    ],
  ]
  test.each(ways)('%s', async (_what, handle, words) => {
    const { source } = http(calls((hop) => (hop.message.params!.name === 'ping' ? handle(hop) : hop.answer())))
    await source.list(never)
    const started = performance.now()
    await expect(call(source, 'odd_ping')).rejects.toThrow(words)
    expect(performance.now() - started).toBeLessThan(2_000)
    // The connection is as it was.
    expect((await source.list(never)).map(({ name }) => name)).toEqual(['odd_ping'])
    expect(source.status?.()).toMatchObject({ state: 'connected' })
  })

  test('a stream that could go on, and cannot', async () => {
    let asked = 0
    const { source } = http(
      calls(({ response }) => response.writeHead(200, sse).end('retry: 10\nid: 7\ndata:\n\n'), {
        get: (request, response) => {
          if (request.headers['last-event-id'] === '7') asked += 1
          response.writeHead(404).end()
        },
      }),
    )
    await expect(call(source, 'odd_ping')).rejects.toThrow(/gave no answer: .*cannot be gone on with \(HTTP 404\)/)
    expect(asked).toBe(1)
  })

  test('unless its stream is gone on with', async () => {
    const { source } = http(
      calls(({ response }) => response.writeHead(200, sse).end('retry: 10\nid: 7\ndata:\n\n'), {
        get: (request, response) => {
          if (request.headers['last-event-id'] !== '7') return void response.writeHead(405).end()
          response.writeHead(200, sse).end(event({ id: 2, ...result('late') }))
        },
      }),
    )
    expect(await call(source, 'odd_ping')).toBe('late')
  })

  test('and a stream that ended with an error is not asked for again', async () => {
    let asked = 0
    let id = 0
    const { source } = http(
      calls(
        ({ message, response }) =>
          response
            .writeHead(200, sse)
            .end(`retry: 10\n${event({ id: message.id, error: { code: 1, message: 'No.' } }, `e${id++}`)}`),
        {
          get: (request, response) => {
            if (request.headers['last-event-id'] !== undefined) asked += 1
            response.writeHead(200, sse).end()
          },
        },
      ),
    )
    for (let count = 0; count < 5; count++) await expect(call(source, 'odd_ping')).rejects.toThrow('No.')
    await source.close()
    expect(asked).toBe(0)
  })
})

describe('an answer in a stream', () => {
  test.each<[string, (id: unknown) => string]>([
    ['as it should be', (id) => event({ id, ...result('words') })],
    ['without a blank line at its end', (id) => event({ id, ...result('words') }).trimEnd()],
    ['with CR and LF', (id) => event({ id, ...result('words') }).replaceAll('\n', '\r\n')],
    ['with CR', (id) => event({ id, ...result('words') }).replaceAll('\n', '\r')],
    [
      'on several lines',
      (id) => `data: {"jsonrpc":"2.0",\ndata: "id":${String(id)},\ndata: "result":{"content":"words"}}\n\n`,
    ],
    ['without a space', (id) => event({ id, ...result('words') }).replace('data: ', 'data:')],
    ['in a list', (id) => `data: [${JSON.stringify({ jsonrpc: '2.0', id, ...result('words') })}]\n\n`],
    ['with a text for its id', (id) => event({ id: String(id), ...result('words') })],
    ['with nothing for an error', (id) => event({ id, ...result('words'), error: null })],
    ['with fields of its own', (id) => event({ id, ...result('words'), took: 7 })],
    ['without its version', (id) => `data: ${JSON.stringify({ id, ...result('words') })}\n\n`],
    ['without a frame', (id) => JSON.stringify({ id, ...result('words') }, null, 2)],
    ['beside an empty error', (id) => event({ id, ...result('words'), error: {} })],
    ['behind noise', (id) => `: hello\n\nevent: ping\ndata: {}\n\ndata: hello\n\n${event({ id, ...result('words') })}`],
  ])('is understood %s', async (_what, write) => {
    const { source } = http(
      calls(({ message, response }) => {
        // In pieces, cut anywhere.
        const text = write(message.id)
        response.writeHead(200, sse)
        for (let at = 0; at < text.length; at += 7) response.write(text.slice(at, at + 7))
        response.end()
      }),
    )
    expect(await call(source, 'odd_ping')).toBe('words')
  })
})

test.each<[string, number, Record<string, string>]>([
  ['of no type', 200, {}],
  ['called text', 200, { 'content-type': 'text/plain' }],
  ['of a type of its own', 200, { 'content-type': 'application/vnd.mcp+json' }],
  ['with HTTP 202', 202, json],
])('an answer %s is one', async (_what, status, headers) => {
  const { source } = http(
    calls(({ message, response }) =>
      response.writeHead(status, headers).end(JSON.stringify({ jsonrpc: '2.0', id: message.id, ...result('words') })),
    ),
  )
  expect(await call(source, 'odd_ping')).toBe('words')
})

describe('what a server asks for', () => {
  test.each([
    ['elicitation/create', /elicitation/],
    ['sampling/createMessage', /sampling/],
    ['roots/list', /roots/],
  ])('%s is refused in words that name it, once in the log', async (method, words) => {
    const refused: string[] = []
    const waiting: Hop[] = []
    const { source, said } = http({
      handle: (hop) => {
        const { message, response } = hop
        if (message.error) {
          refused.push(message.error.message)
          response.writeHead(202).end()
          const { message: asked, response: stream } = waiting.shift()!
          return void stream.end(event({ id: asked.id, ...result('went on') }))
        }
        if (message.method !== 'tools/call') return hop.answer()
        waiting.push(hop)
        response
          .writeHead(200, sse)
          .write(event({ id: 'ask', method, params: { message: 'Who are you?', mode: null } }))
      },
    })
    expect(await call(source, 'odd_ping')).toBe('went on')
    expect(await call(source, 'odd_ping')).toBe('went on')
    expect(refused).toEqual([expect.stringMatching(words), expect.stringMatching(words)])
    expect(said).toEqual([expect.stringMatching(words)])
  })

  test('an elicitation by an error is named, too', async () => {
    const { source } = http(
      calls(({ message, response }) => {
        const error = { code: -32042, message: 'Sign in first', data: { elicitations: [] } }
        response.writeHead(200, json).end(JSON.stringify({ jsonrpc: '2.0', id: message.id, error }))
      }),
    )
    await expect(call(source, 'odd_ping')).rejects.toThrow(/elicitation.*Sign in first/)
  })
})

describe('the status of a server', () => {
  test('says how it is, and nothing of where', async () => {
    const missing = kept(
      mcpServer({ name: 'gone', command: '/nowhere/secret-server', args: ['--token', 'sk-secret-1'] }),
    )
    expect(missing.status?.()).toMatchObject({ transport: 'stdio', state: 'connecting', leftOut: [] })
    await expect(missing.list(never)).rejects.toThrow('spawn /nowhere/secret-server ENOENT')
    expect(missing.status?.()).toMatchObject({
      state: 'failed',
      error: 'The MCP server gone cannot be reached: its program could not be started (ENOENT)',
    })

    const file = fileURLToPath(new URL('odd-mcp-stdio.ts', import.meta.url))
    const dying = kept(mcpServer({ name: 'dying', command: process.execPath, args: [file] }))
    await dying.list(never)
    expect(dying.status?.()).toMatchObject({ state: 'connected' })
    await dying.close()
    expect(dying.status?.()).toMatchObject({ state: 'failed' })
  })
})
