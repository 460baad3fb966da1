/** Which tools there are: for models, and for people who ask. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { mcpServer } from '../../server/extension/mcp.ts'
import { defineTool, type Tool, type ToolSource } from '../../server/extension/tool.ts'
import type { Message, ToolCallBlock } from '../../shared/schema.ts'
import { answer } from '../../testing/index.ts'
import { ping, schema, startOdd, type OddHttp, type OddServer } from '../extension/odd-mcp.ts'
import { start, startWithFake } from './server.ts'

let odd: OddServer
beforeAll(async () => {
  odd = await startOdd()
})
afterAll(() => odd.close())

const own = (name: string, more: Partial<Tool> = {}): Tool => ({
  ...defineTool({ name, description: `Does ${name}`, parameters: z.object({}), execute: () => `own ${name}` }),
  ...more,
})
const server = (name: string, kind: OddHttp = {}) => mcpServer({ name, url: odd.at(kind) })
const saying = (words: string): OddHttp => ({ results: { ping: { content: words } } })

/** Runs with calls of these names; gives what they said, and what the model was offered. */
async function run(tools: (Tool | ToolSource)[], rounds: string[][], settings: object = {}) {
  const { server, fake } = await startWithFake({ tools, ...settings })
  for (const [round, names] of rounds.entries())
    fake.enqueue(
      answer({ toolCalls: names.map((name, index) => ({ id: `c${round}_${index}`, name, arguments: '{}' })) }),
    )
  fake.enqueue(answer({ text: 'Done.' }))
  const { messageId } = await server.ask('Q')
  let message!: Message
  await vi.waitUntil(
    async () => {
      message = (await server.call('GET', `/api/messages/${messageId}`)).body
      return ['completed', 'failed'].includes(message.status)
    },
    { timeout: 10_000 },
  )
  const outputs = message.output.filter((block) => block.type === 'tool_call') as ToolCallBlock[]
  const offered = fake.requests.map(({ body }) =>
    (body.tools as { function: { name: string } }[] | undefined)?.map((tool) => tool.function.name),
  )
  return { message, outputs: outputs.map(({ output, error }) => output ?? error), offered, server }
}

test('tools of one name are told apart by their servers, and each is called', async () => {
  const source: ToolSource = {
    name: 'lists',
    list: async () => [own('search'), own('search', { execute: () => 'twice' })],
    close: async () => {},
  }
  const tools = [
    server('a', saying('of a')),
    server('a', saying('of the other a')),
    source,
    own('search'),
    own('a_ping', { execute: () => 'of the program' }),
    { ...own('search'), name: 'a name that nobody takes' },
  ]
  const wanted = [
    'a_a_ping',
    'a_a_ping_2',
    'lists_search',
    'lists_search_2',
    'search',
    'a_ping',
    'a_name_that_nobody_takes',
  ]
  const { message, outputs, offered, server: runnel } = await run(tools, [wanted])
  expect(message.status).toBe('completed')
  expect(offered[0]).toEqual(wanted)
  expect(outputs).toEqual([
    'of a',
    'of the other a',
    'own search',
    'twice',
    'own search',
    'of the program',
    'own search',
  ])
  const { body } = await runnel.call('GET', '/api/tools')
  expect(body.tools.map(({ name, server }: { name: string; server?: string }) => [name, server])).toEqual(
    wanted.map((name, index) => [name, ['a', 'a', 'lists', 'lists', undefined, undefined, undefined][index]]),
  )
})

test('a long text of a server is cut at the bound, and its first part goes to the model', async () => {
  const { outputs, message } = await run([server('s', saying('x'.repeat(1_400_000)))], [['s_ping']])
  expect(message.status).toBe('completed')
  expect(outputs).toEqual(['x'.repeat(1_000_000)])
  expect(message.output.find(({ type }) => type === 'tool_call')).toMatchObject({
    status: 'failed',
    error: expect.stringContaining('the rest was cut off'),
  })
})

test('a server says that its tools are others: the next request of the same run offers them', async () => {
  const kind: OddHttp = {
    handle: ({ message, response, answer }) => {
      if (message.method !== 'tools/call' || message.params!.name !== 'ping') return answer()
      kind.pages = [{ tools: [{ name: 'pong', inputSchema: schema }] }]
      const frames = [
        { jsonrpc: '2.0', method: 'notifications/tools/list_changed' },
        { jsonrpc: '2.0', id: message.id, result: { content: 'changed' } },
      ]
      response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .end(frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join(''))
    },
  }
  const { outputs, offered } = await run([own('mine'), server('s', kind)], [['s_ping'], ['s_pong', 's_ping']])
  expect(offered).toEqual([
    ['mine', 's_ping'],
    ['mine', 's_pong'],
    ['mine', 's_pong'],
  ])
  expect(outputs).toEqual(['changed', 'pong was called', 'There is no tool "s_ping".'])
})

test('GET /api/tools says which there are, what is left out, and nothing of where they are', async () => {
  const lines: string[] = []
  const say = (_fields: object, words: string) => void lines.push(words)
  const bad = { name: 'bad', inputSchema: null }
  const secret = 'sk-secret-4711'
  const runnel = await start({
    logger: { debug: say, info: say, warn: say, error: say },
    tools: [
      own('mine', { approval: () => true, title: 'Mine' }),
      own('asks', { approval: true }),
      mcpServer({
        name: 'web',
        url: `${odd.at({ pages: [{ tools: [{ ...ping, title: 'Ping', description: 'Pings' }, bad, { ...ping, name: 'a task', execution: { taskSupport: 'required' } }] }] })}?key=${secret}`,
      }),
      mcpServer({ name: 'gone', command: '/nowhere/secret-server', args: ['--token', secret], env: { TOKEN: secret } }),
      mcpServer({ name: 'closed', url: `http://user:${secret}@127.0.0.1:9/hidden-path` }, { optional: true }),
      mcpServer({ name: 'mute', command: process.execPath, args: ['-e', 'process.stdin.resume()'] }),
    ],
  })
  const { status, body } = await runnel.call('GET', '/api/tools')
  expect(status).toBe(200)
  expect(body).toEqual({
    servers: [
      {
        name: 'web',
        transport: 'http',
        state: 'connected',
        since: expect.any(Number),
        leftOut: [
          { tool: '"bad"', reason: 'its inputSchema is no object' },
          { tool: '"a task"', reason: 'it can only be called as a task' },
        ],
      },
      {
        name: 'gone',
        transport: 'stdio',
        state: 'failed',
        since: expect.any(Number),
        error: 'The MCP server gone cannot be reached: its program could not be started (ENOENT)',
        leftOut: [],
      },
      {
        name: 'closed',
        transport: 'http',
        state: 'failed',
        since: expect.any(Number),
        error: expect.stringMatching(/^The MCP server closed cannot be reached: /),
        leftOut: [],
      },
      { name: 'mute', transport: 'stdio', state: 'connecting', since: expect.any(Number), leftOut: [] },
    ],
    tools: [
      { name: 'mine', original: 'mine', title: 'Mine', description: 'Does mine', approval: 'depends' },
      { name: 'asks', original: 'asks', description: 'Does asks', approval: 'always' },
      { name: 'web_ping', server: 'web', original: 'ping', title: 'Ping', description: 'Pings', approval: 'never' },
    ],
  })
  expect(JSON.stringify(body)).not.toMatch(/secret|hidden-path|127\.0\.0\.1|nowhere/)
  await runnel.call('GET', '/api/tools')
  // What is as it should be is no line of the log.
  const about = (words: string) => lines.filter((line) => line.includes(words))
  expect(about('has a tool "bad" that is left out')).toHaveLength(1)
  expect(about('a task')).toEqual([])
  expect(about('closed cannot be reached')).toHaveLength(1)
}, 20_000)

test('without tools there are none', async () => {
  expect((await (await start()).call('GET', '/api/tools')).body).toEqual({ servers: [], tools: [] })
})
