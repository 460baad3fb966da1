/** Keeps a connection to an MCP server: made when first needed, shared, and made again when it was lost. */
import type { CallToolResult, Progress, Tool } from '@modelcontextprotocol/sdk/types.js'
import type { JsonObject } from '../../shared/schema.ts'
import type { Redact } from '../secrets/secrets.ts'
import { unlessAborted } from '../waiting/race.ts'
import { backOff } from '../waiting/retry.ts'
import type { McpClient, McpServer } from './mcp-client.ts'

export interface McpConnection {
  list(signal: AbortSignal): Promise<{ tools: Tool[]; complete: boolean }>
  call(
    tool: string,
    args: JsonObject,
    onProgress: (progress: Progress) => void,
    signal: AbortSignal,
    requestId?: string,
  ): Promise<CallToolResult>
  close(): Promise<void>
}

const MAX_TOOLS = 512
const BACK_OFF = { firstMs: 500, longestMs: 30_000 }
const MAX_ERROR_CHARS = 500

/** How long nothing is started once so many connections in a row ended without an answer. The first costs nothing: a server may end once. */
export function waitAfter(failures: number): number {
  // Not spread: nobody else waits for this server.
  return failures < 2 ? 0 : backOff(failures - 1, BACK_OFF, 1)
}

/** Errors name the server and hold none of its secrets. `onLog`: lines of the child's standard error, likewise. */
export function mcpConnection(server: McpServer, redact: Redact, onLog?: (line: string) => void): McpConnection {
  // Loaded while nothing streams yet: that holds up the event loop for a moment.
  const sdk = import('./mcp-client.ts')
  sdk.catch(() => undefined)
  const closing = new AbortController()
  const ending = new Set<Promise<void>>()
  let current: Promise<McpClient> | null = null
  let failures = 0
  let notBefore = 0
  let fault = `The MCP server ${server.name} is gone.`
  let closed: Promise<void> | undefined

  function client(): Promise<McpClient> {
    if (closing.signal.aborted) return Promise.reject(new Error(`The MCP server ${server.name} is closed.`))
    if (current !== null) return current
    if (performance.now() < notBefore) return Promise.reject(new Error(fault))
    return (current = connect())
  }

  async function connect(): Promise<McpClient> {
    try {
      const { connectClient } = await sdk
      const made = await connectClient(server, onLog && lines(redact, onLog), closing.signal)
      void made.lost.then(() => {
        forget()
        // What it still does to end is waited for by `close`.
        const end = made.close().finally(() => ending.delete(end))
        ending.add(end)
      })
      return made
    } catch (error) {
      forget()
      throw remembered(said('cannot be reached', error))
    }
  }

  function forget(): void {
    current = null
    notBefore = performance.now() + waitAfter(++failures)
  }

  function remembered(error: Error): Error {
    fault = error.message
    return error
  }

  async function use<T>(signal: AbortSignal, action: (client: McpClient) => Promise<T>): Promise<T> {
    // The connection is others', too: only this caller's waiting ends.
    const connected = await unlessAborted(signal, client)
    try {
      const answer = await action(connected)
      failures = 0
      return answer
    } catch (error) {
      signal.throwIfAborted()
      const { ConnectionLost } = await sdk
      if (!(error instanceof ConnectionLost)) throw said('answered with an error', error)
      throw remembered(said('is gone', error))
    }
  }

  function said(what: string, error: unknown): Error {
    const reason = error instanceof Error ? error.message : 'its answer is not understood'
    return new Error(`The MCP server ${server.name} ${what}: ${redact(reason).slice(0, MAX_ERROR_CHARS)}`)
  }

  async function end(): Promise<void> {
    closing.abort()
    await current?.then(
      (made) => made.close(),
      () => undefined,
    )
    await Promise.all(ending)
  }

  return {
    list: async (signal) => {
      const before = current
      const list = () => use(signal, (connected) => connected.listTools(MAX_TOOLS, signal))
      try {
        return await list()
      } catch (error) {
        // A session of yesterday, a server that was restarted: only a connection made just now says that it cannot be reached.
        if (signal.aborted || before === null || current === before) throw error
        return await list()
      }
    },
    call: (tool, args, onProgress, signal, requestId) =>
      use(signal, (connected) => connected.callTool(tool, args, onProgress, signal, requestId)),
    close: () => (closed ??= end()),
  }
}

const MAX_LINE_CHARS = 2000

/** Whole lines of the pieces that come, without secrets; a line that is too long is cut in several. */
function lines(redact: Redact, onLine: (line: string) => void): (text: string) => void {
  let rest = ''
  const say = (line: string) => {
    if (line.trim() !== '') onLine(line.trimEnd().slice(0, MAX_LINE_CHARS))
  }
  return (text) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop()!
    for (const line of parts) say(redact(line))
    // Its end may be the beginning of a secret: it waits for what follows.
    while (rest.length > 2 * MAX_LINE_CHARS) {
      const shown = redact(rest)
      say(shown)
      rest = shown.slice(MAX_LINE_CHARS)
    }
  }
}
