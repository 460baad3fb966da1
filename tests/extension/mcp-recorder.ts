/** An MCP server over stdio that does on demand what servers do to their clients; `report` says what it was told to cancel, and when. */
import { appendFileSync } from 'node:fs'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import {
  CallToolRequestSchema,
  ListToolsRequestSchema,
  type CallToolResult,
  type Tool,
} from '@modelcontextprotocol/sdk/types.js'

const { MANY, STUBBORN, TOKEN, DIES_AT_ONCE } = process.env
if (DIES_AT_ONCE !== undefined) {
  appendFileSync(DIES_AT_ONCE, '.')
  process.exit(3)
}
if (STUBBORN !== undefined) {
  process.on('SIGTERM', () => undefined)
  setInterval(() => undefined, 1000)
}
console.error(`ready with ${TOKEN ?? 'no token'}`)

const nothing = { type: 'object' as const, properties: {} }
const tools: Tool[] = [
  { name: 'wait', description: 'Never ends, and has one thing more to say when it is cancelled', inputSchema: nothing },
  { name: 'report', inputSchema: nothing, annotations: { readOnlyHint: true } },
  { name: 'crash', inputSchema: nothing },
  { name: 'crash.', inputSchema: nothing },
  { name: 'grow', description: 'Adds a tool', inputSchema: nothing },
  { name: 'fail', inputSchema: nothing },
  { name: 'refuse', inputSchema: nothing },
  { name: 'structured', inputSchema: nothing },
  { name: 'contents', inputSchema: nothing },
  { name: 'huge', inputSchema: nothing },
  {
    name: 'say',
    inputSchema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: { words: { type: 'string' } },
      required: ['words'],
    },
  },
  { name: 'task', inputSchema: nothing, execution: { taskSupport: 'required' } },
  { name: 'x'.repeat(100), inputSchema: nothing },
  ...Array.from({ length: Number(MANY ?? 0) }, (_, at): Tool => ({ name: `many_${at}`, inputSchema: nothing })),
]
const PAGE = 50
let lists = 0
const cancelled: number[] = []

const server = new Server({ name: 'recorder', version: '1.0.0' }, { capabilities: { tools: { listChanged: true } } })

server.setRequestHandler(ListToolsRequestSchema, ({ params }) => {
  lists++
  const start = Number(params?.cursor ?? 0)
  return {
    tools: tools.slice(start, start + PAGE),
    ...(start + PAGE < tools.length && { nextCursor: String(start + PAGE) }),
  }
})

const text = (words: string): CallToolResult => ({ content: [{ type: 'text', text: words }] })

server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal }): Promise<CallToolResult> => {
  const progressToken = params._meta?.progressToken
  const say = async (message: string) =>
    progressToken !== undefined &&
    server.notification({ method: 'notifications/progress', params: { progressToken, progress: 1, message } })
  switch (params.name) {
    case 'wait':
      await say('waiting')
      signal.addEventListener('abort', () => void say('too late'))
      return await new Promise(() => undefined)
    case 'report':
      return text(
        JSON.stringify({ cancelled, lists, pid: process.pid, secret: process.env['RUNNEL_TEST_SECRET'] ?? null }),
      )
    case 'crash':
      return process.exit(1)
    case 'grow':
      tools.push({ name: 'grown', inputSchema: nothing })
      await server.sendToolListChanged()
      return text('grown')
    case 'fail':
      return { isError: true, content: [{ type: 'text', text: 'The disk is full.' }] }
    case 'refuse':
      throw new Error(`bad token ${TOKEN}`)
    case 'structured':
      return { content: [], structuredContent: { degrees: 21 } }
    case 'contents':
      return {
        content: [
          { type: 'text', text: 'first' },
          { type: 'audio', data: Buffer.from('sound').toString('base64'), mimeType: 'audio/wav' },
          { type: 'resource', resource: { uri: 'file:///notes/day.txt', text: 'a note' } },
          {
            type: 'resource',
            resource: {
              uri: 'file:///notes/day.zip?x=/y',
              blob: Buffer.from('zip').toString('base64'),
              mimeType: 'application/zip',
            },
          },
          { type: 'resource_link', uri: 'https://example.com/a', name: 'a', title: 'Page A', description: 'About A' },
          { type: 'resource_link', uri: 'notes://7', name: 'Note 7' },
        ],
      }
    case 'huge':
      return text('x'.repeat(11 * 1024 * 1024))
    case 'say':
      return text(String(params.arguments?.['words']))
    default:
      return text(`${params.name} was called`)
  }
})

const transport = new StdioServerTransport()
await server.connect(transport)
// Before the SDK sees it: that knows nothing of calls that have ended.
const handle = transport.onmessage
transport.onmessage = (message) => {
  if ('method' in message && message.method === 'notifications/cancelled') cancelled.push(Date.now())
  handle?.(message)
}
