/** An MCP server of hand-written JSON-RPC that answers whatever it is told to, over HTTP in this process, or over stdio as a program. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Odd {
  /** In place of fields of the answer to `initialize`. */
  welcome?: object
  /** Results of `tools/list`, one after the other; the last again and again. */
  pages?: unknown[]
  /** In place of a list. */
  listError?: unknown
  /** Results of `tools/call` by the tool's name; others say that they were called. */
  results?: Record<string, unknown>
  /** Written before an answer, on a line of its own or not. */
  noise?: string
}

export interface Message {
  id?: string | number
  method?: string
  params?: { name?: string; cursor?: string; arguments?: object }
  error?: { message: string }
}

export const schema = { type: 'object', properties: {} }
export const ping = { name: 'ping', inputSchema: schema }

/** What it answers to a message; null: nothing. `count`: lists that were asked for before. */
export function oddAnswer(odd: Odd, { id, method, params }: Message, count: number): object | null {
  const result = (value: unknown) => ({ jsonrpc: '2.0', id, result: value })
  switch (method) {
    case 'initialize':
      return result({
        protocolVersion: '2025-06-18',
        capabilities: { tools: {} },
        serverInfo: { name: 'odd', version: '1' },
        ...odd.welcome,
      })
    case 'ping':
      return result({})
    case 'tools/list': {
      if (odd.listError !== undefined) return { jsonrpc: '2.0', id, error: odd.listError }
      const pages = odd.pages ?? [{ tools: [ping] }]
      return result(pages[Math.min(count, pages.length - 1)])
    }
    case 'tools/call': {
      const { results = {} } = odd
      const name = params!.name!
      const given = Object.hasOwn(results, name)
        ? results[name]
        : { content: [{ type: 'text', text: `${name} was called` }] }
      return result(given)
    }
    default:
      return id === undefined || method === undefined
        ? null
        : { jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } }
  }
}

export interface Hop {
  message: Message
  request: IncomingMessage
  response: ServerResponse
  /** How often the method was asked for before. */
  count: number
  /** As it would be. */
  answer: () => void
}

export type OddHttp = Odd & {
  /** In place of an answer to a POST. */
  handle?: (hop: Hop) => void
  /** To a GET; without it 405. */
  get?: (request: IncomingMessage, response: ServerResponse) => void
  session?: string
}

export interface OddServer {
  /** The address of a server of this kind. */
  at(odd: OddHttp): string
  close(): Promise<void>
}

export async function startOdd(): Promise<OddServer> {
  const kinds: { odd: OddHttp; counts: Map<string, number> }[] = []
  const server: Server = createServer((request, response) => {
    const { odd, counts } = kinds[Number.parseInt(request.url!.slice(1))]!
    if (request.method === 'GET' && odd.get) return odd.get(request, response)
    if (request.method !== 'POST') return void response.writeHead(405).end()
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const message = JSON.parse(Buffer.concat(chunks).toString()) as Message
      const count = counts.get(message.method ?? '') ?? 0
      counts.set(message.method ?? '', count + 1)
      const answer = () => {
        const body = oddAnswer(odd, message, count)
        if (body === null) return void response.writeHead(202).end()
        response
          .writeHead(200, {
            'content-type': 'application/json',
            ...(odd.session !== undefined && { 'mcp-session-id': odd.session }),
          })
          .end(JSON.stringify(body))
      }
      if (odd.handle) odd.handle({ message, request, response, count, answer })
      else answer()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    at: (odd) => `http://127.0.0.1:${port}/${kinds.push({ odd, counts: new Map() }) - 1}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
