/** The door to the MCP SDK: one connection to one server. Loaded only where a server is configured: the SDK takes its time to load. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  CallToolResultSchema,
  ErrorCode,
  ListToolsResultSchema,
  McpError,
  type CallToolResult,
  type Progress,
  type Tool,
} from '@modelcontextprotocol/sdk/types.js'
import { isDeeper } from '../../shared/json-depth.ts'
import type { JsonObject } from '../../shared/schema.ts'
import { unlessAborted, within } from '../waiting/race.ts'

/** A program that is started and spoken to over its standard input and output. */
export interface StdioServer {
  /** Stands before the names of its tools, and in errors. */
  name: string
  command: string
  args?: readonly string[]
  /** Beside HOME, LOGNAME, PATH, SHELL, TERM and USER; nothing else of our own environment is passed on. */
  env?: Readonly<Record<string, string>>
  cwd?: string
}

/** A server that speaks streamable HTTP. */
export interface HttpServer {
  name: string
  url: string | URL
  headers?: Readonly<Record<string, string>>
}

export type McpServer = StdioServer | HttpServer

export interface McpClient {
  /** Resolves once it is of no more use: the server died, was closed or does not answer. */
  readonly lost: Promise<void>
  listTools(maxTools: number, signal: AbortSignal): Promise<{ tools: Tool[]; complete: boolean }>
  callTool(
    name: string,
    args: JsonObject,
    onProgress: (progress: Progress) => void,
    signal: AbortSignal,
    requestId?: string,
  ): Promise<CallToolResult>
  /** Ends session and child; returns when the child is gone. Idempotent. */
  close(): Promise<void>
}

/** The server is gone, or the way to it: another connection may help. */
export class ConnectionLost extends Error {}

// A first start may download the program (npx, uvx).
const CONNECT_MS = 60_000
const LIST_MS = 30_000
const PING_MS = 5000
const END_SESSION_MS = 2000
// The SDK closes the child's input, sends SIGTERM after 2 s and SIGKILL after 2 s more, and does not wait for that.
const CHILD_END_MS = 6000
// The SDK's defaults, but for the option's being ours to change.
const RECONNECTION = {
  initialReconnectionDelay: 1000,
  maxReconnectionDelay: 30_000,
  reconnectionDelayGrowFactor: 1.5,
  maxRetries: 2,
}
/** A connection serves many requests, and its SDK takes no header for a single one. */
const requestIds = new AsyncLocalStorage<string | undefined>()
const MAX_ANSWER_BYTES = 10 * 1024 * 1024
const MAX_PAGES = 100
// A tool whose schema is nested deeper is left out: no provider would take it.
const MAX_TOOL_DEPTH = 64
// The longest that Node's timers can: a call's limit is its caller's.
const NO_LIMIT_MS = 2 ** 31 - 1

/** `onLog`: pieces of what the child writes to its standard error; without it that is dropped. */
export async function connectClient(
  server: McpServer,
  onLog: ((text: string) => void) | undefined,
  signal: AbortSignal,
): Promise<McpClient> {
  signal.throwIfAborted()
  const client = new Client({ name: 'runnel', version: '0.1.0' })
  const lost = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  let closing: Promise<void> | undefined
  let probe: Promise<boolean> | undefined

  const close = () => (closing ??= closeAll())
  const reconnection = { ...RECONNECTION }
  const transport =
    'command' in server ? stdioTransport(server, onLog) : httpTransport(server, reconnection, () => void close())

  async function closeAll(): Promise<void> {
    lost.resolve()
    // The SDK clears one timer of the several that it may have; the others must not start more.
    reconnection.maxRetries = 0
    if (transport instanceof StreamableHTTPClientTransport) await waitFor(END_SESSION_MS, transport.terminateSession())
    await client.close().catch(() => undefined)
    await waitFor(CHILD_END_MS, ended.promise)
  }

  /** Closes a connection whose server does not even answer a ping: a broken HTTP stream by itself says nothing about the calls that wait. */
  function isAlive(): Promise<boolean> {
    if (closing !== undefined) return Promise.resolve(false)
    return (probe ??= client
      .ping({ timeout: PING_MS })
      .then(() => true, isAnswer)
      .then((alive) => {
        probe = undefined
        if (!alive) void close()
        return alive
      }))
  }

  /** The SDK keeps its listener on the signal it is given, and would cancel calls that have ended: so it gets one of its own. */
  async function ask<T>(outer: AbortSignal, request: (own: AbortSignal) => Promise<T>): Promise<T> {
    const own = new AbortController()
    try {
      return await unlessAborted(outer, () => request(own.signal))
    } catch (error) {
      if (outer.aborted) own.abort('The run was stopped.')
      outer.throwIfAborted()
      if (isAnswer(error) || (await isAlive())) throw error
      throw new ConnectionLost(reasonOf(error))
    }
  }

  client.onclose = () => {
    ended.resolve()
    void close()
  }
  if (transport instanceof StreamableHTTPClientTransport) client.onerror = () => void isAlive()

  try {
    await unlessAborted(signal, () => client.connect(transport, { timeout: CONNECT_MS }))
  } catch (error) {
    // There is no child to wait for.
    if (isSpawnError(error)) ended.resolve()
    await close()
    throw new ConnectionLost(reasonOf(error))
  }

  return {
    lost: lost.promise,
    close,
    listTools: (maxTools, outer) =>
      ask(outer, async (own) => {
        const tools: Tool[] = []
        let cursor: string | undefined
        for (let page = 0; page < MAX_PAGES; page++) {
          // Not `client.listTools`: it compiles each output schema, and keeps those of the last page only.
          const result = await client.request(
            { method: 'tools/list', params: cursor === undefined ? {} : { cursor } },
            ListToolsResultSchema,
            { signal: own, timeout: LIST_MS },
          )
          for (const tool of result.tools) if (!isDeeper(tool, MAX_TOOL_DEPTH)) tools.push(tool)
          cursor = result.nextCursor
          if (tools.length > maxTools) break
          if (cursor === undefined) return { tools, complete: true }
        }
        return { tools: tools.slice(0, maxTools), complete: false }
      }),
    callTool: (name, args, onProgress, outer, requestId) =>
      ask(outer, (own) =>
        requestIds.run(requestId, () =>
          client.request({ method: 'tools/call', params: { name, arguments: args } }, CallToolResultSchema, {
            signal: own,
            onprogress: onProgress,
            timeout: NO_LIMIT_MS,
          }),
        ),
      ),
  }
}

function stdioTransport(
  { command, args, env, cwd }: StdioServer,
  onLog: ((text: string) => void) | undefined,
): StdioClientTransport {
  const transport = new StdioClientTransport({
    command,
    args: [...(args ?? [])],
    ...(env !== undefined && { env }),
    ...(cwd !== undefined && { cwd }),
    stderr: onLog === undefined ? 'ignore' : 'pipe',
    maxBufferSize: MAX_ANSWER_BYTES,
  })
  if (onLog !== undefined) transport.stderr?.on('data', (chunk: Buffer) => onLog(chunk.toString()))
  return transport
}

function httpTransport(
  { url, headers }: HttpServer,
  reconnectionOptions: typeof RECONNECTION,
  onTooLarge: () => void,
): StreamableHTTPClientTransport {
  return new StreamableHTTPClientTransport(new URL(url), {
    ...(headers !== undefined && { requestInit: { headers } }),
    reconnectionOptions,
    fetch: async (input, init) => {
      const requestId = requestIds.getStore()
      const headers = new Headers(init?.headers)
      if (requestId !== undefined) headers.set('X-Request-Id', requestId)
      const response = await fetch(input, { ...init, headers, redirect: 'manual' })
      if (response.status >= 300 && response.status < 400) {
        void response.body?.cancel().catch(() => undefined)
        throw new Error(
          `it answered with a redirect (HTTP ${response.status}), which is not followed: what is sent to it would go elsewhere`,
        )
      }
      // Only answers have a bound: the stream of the server's own messages is as long as the session.
      if (!response.ok || response.body === null || init?.method !== 'POST') return response
      let left = MAX_ANSWER_BYTES
      const body = response.body.pipeThrough(
        new TransformStream<Uint8Array, Uint8Array>({
          transform(chunk, controller) {
            left -= chunk.length
            if (left >= 0) return controller.enqueue(chunk)
            controller.terminate()
            onTooLarge()
          },
        }),
      )
      return new Response(body, { status: response.status, statusText: response.statusText, headers: response.headers })
    },
  })
}

/** Did the server answer, if only with an error or with something that is no MCP? */
function isAnswer(error: unknown): boolean {
  if (error instanceof McpError)
    return error.code !== Number(ErrorCode.ConnectionClosed) && error.code !== Number(ErrorCode.RequestTimeout)
  return error instanceof Object && 'issues' in error
}

const isSpawnError = (error: unknown) =>
  error instanceof Error && 'syscall' in error && String(error.syscall).startsWith('spawn')

/** `fetch` says "fetch failed" and hides why. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof McpError && error.code === Number(ErrorCode.ConnectionClosed)) {
    return `it ended before it answered, or answered with more than ${MAX_ANSWER_BYTES / 1024 / 1024} MB`
  }
  const { cause } = error
  const hidden = cause instanceof Error ? ('code' in cause ? String(cause.code) : cause.message) : ''
  return hidden === '' ? error.message : `${error.message} (${hidden})`
}

/** Waits for what may never come, but not for long. */
async function waitFor(ms: number, work: Promise<unknown>): Promise<void> {
  await within(ms, () => new Error('It did not come.'), work).catch(() => undefined)
}
