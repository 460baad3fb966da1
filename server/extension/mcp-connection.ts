/** Keeps a connection to an MCP server: made when first needed, shared, and made again when it was lost. */
import type { CallToolResult, Progress, Tool } from '@modelcontextprotocol/sdk/types.js'
import type { JsonObject } from '../../shared/schema.ts'
import type { McpClient, McpServer } from './mcp-client.ts'
import { redactor } from './mcp-secrets.ts'

export interface McpConnection {
  list(signal: AbortSignal): Promise<{ tools: Tool[]; complete: boolean }>
  call(tool: string, args: JsonObject, onProgress: (progress: Progress) => void, signal: AbortSignal): Promise<CallToolResult>
  close(): Promise<void>
}

const MAX_TOOLS = 512
/** A connection that ends sooner counts as a failed start. */
const STEADY_MS = 10_000
const FIRST_WAIT_MS = 500
const MAX_WAIT_MS = 30_000
const MAX_ERROR_CHARS = 500

/** How long nothing is started after so many failed starts in a row. The first costs nothing: a server may end once. */
export function waitAfter(failures: number): number {
  return failures < 2 ? 0 : Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 2))
}

/** Errors name the server and hold none of its secrets. `onLog`: lines of the child's standard error, likewise. */
export function mcpConnection(server: McpServer, onLog?: (line: string) => void): McpConnection {
  const redact = redactor(server)
  const closing = new AbortController()
  const ending = new Set<Promise<void>>()
  let current: Promise<McpClient> | null = null
  let failures = 0
  let notBefore = 0
  let lastError: Error | undefined
  let closed: Promise<void> | undefined

  function client(): Promise<McpClient> {
    if (closing.signal.aborted) return Promise.reject(new Error(`The MCP server ${server.name} is closed.`))
    if (current !== null) return current
    if (lastError !== undefined && performance.now() < notBefore) return Promise.reject(lastError)
    return (current = connect())
  }

  async function connect(): Promise<McpClient> {
    const startedAt = performance.now()
    // Loading is part of what everyone waits for together.
    const { connectClient } = await import('./mcp-client.ts')
    try {
      const made = await connectClient(server, onLog && lines((line) => onLog(redact(line))), closing.signal)
      void made.lost.then(() => {
        forget(performance.now() - startedAt < STEADY_MS ? failures + 1 : 0)
        // What it still does to end is waited for by `close`.
        const end = made.close().finally(() => ending.delete(end))
        ending.add(end)
      })
      return made
    } catch (error) {
      lastError = said('cannot be reached', error)
      forget(failures + 1)
      throw lastError
    }
  }

  function forget(failed: number): void {
    current = null
    failures = failed
    notBefore = performance.now() + waitAfter(failed)
  }

  async function use<T>(signal: AbortSignal, action: (client: McpClient) => Promise<T>): Promise<T> {
    const connected = await unlessAborted(client(), signal)
    try {
      return await action(connected)
    } catch (error) {
      signal.throwIfAborted()
      const { ConnectionLost } = await import('./mcp-client.ts')
      if (!(error instanceof ConnectionLost)) throw said('answered with an error', error)
      throw (lastError = said('is gone', error))
    }
  }

  function said(what: string, error: unknown): Error {
    const reason = error instanceof Error ? error.message : 'its answer is not understood'
    return new Error(`The MCP server ${server.name} ${what}: ${redact(reason).slice(0, MAX_ERROR_CHARS)}`)
  }

  async function closeAll(): Promise<void> {
    closing.abort()
    await current?.then((made) => made.close(), () => undefined)
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
    call: (tool, args, onProgress, signal) => use(signal, (connected) => connected.callTool(tool, args, onProgress, signal)),
    close: () => (closed ??= closeAll()),
  }
}

/** The promise is others', too: only this caller's waiting ends. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

const MAX_LINE_CHARS = 2000

/** Whole lines of the pieces that come; a line that is too long is cut in several. */
function lines(onLine: (line: string) => void): (text: string) => void {
  let rest = ''
  return (text) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop()!
    if (rest.length > MAX_LINE_CHARS) {
      parts.push(rest)
      rest = ''
    }
    for (const line of parts) if (line.trim() !== '') onLine(line.trimEnd().slice(0, MAX_LINE_CHARS))
  }
}
