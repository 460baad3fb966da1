/** The door to the MCP SDK: one connection to one server. Loaded only where a server is configured: the SDK takes its time to load. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport, StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { ErrorCode, McpError, type Progress } from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import type { JsonObject } from '../../shared/json.ts'
import { unlessAborted, within } from '../waiting/race.ts'
import type { McpServer } from './mcp-config.ts'
import { ConnectionLost, ErrorAnswer, NoAnswer, SessionForgotten } from './mcp-errors.ts'
import { McpFetch, requestIds } from './mcp-http.ts'
import { readList, type Listing } from './mcp-list.ts'
import { noAnswer } from './mcp-message.ts'
import { stdioTransport } from './mcp-stdio.ts'

export interface McpClientOptions {
  /** Pieces of what the child writes to its standard error; without it that is dropped. */
  onLog: ((text: string) => void) | undefined
  /** The server says that its list of tools is another. */
  onListChanged: () => void
  /** The server asks for what is not offered: in words. */
  onRefused: (words: string) => void
}

/** A first start may download the program (npx, uvx). */
const connectMs = 60_000
const listMs = 30_000
const pingMs = 5_000
const endSessionMs = 2_000
/** The SDK closes the child's input, sends SIGTERM after 2 s and SIGKILL after 2 s more, and does not wait for that. */
const childEndMs = 6_000
/** The SDK's defaults, but for the option's being ours to change. */
const reconnectionDefaults = {
  initialReconnectionDelay: 1_000,
  maxReconnectionDelay: 30_000,
  reconnectionDelayGrowFactor: 1.5,
  maxRetries: 2,
}
const maxAnswerBytes = 10 * 1024 * 1024
/** The longest that Node's timers can: a call's limit is its caller's. */
const noLimitMs = 2 ** 31 - 1
/** A list that changes while it is read is read again so often. */
const maxListings = 3

/** What a server sends is read leniently, by rules of our own. */
const anything = z.looseObject({}) as unknown as z.ZodType<JsonObject>

/** What servers may ask of clients, and we do not offer. */
const notOffered = new Map(
  Object.entries({
    'elicitation/create': 'elicitation: nobody is asked for input in the middle of a call',
    'sampling/createMessage': 'sampling: no model is asked on behalf of a server',
    'roots/list': 'roots: there are no folders to work in',
  }),
)
const urlElicitationRequired = -32042

export class McpClient {
  /** Resolves once it is of no more use: the server died, was closed or does not answer. */
  readonly lost: Promise<void>
  readonly #client = new Client({ name: 'runnel', version: '0.1.0' })
  readonly #transport: StdioClientTransport | StreamableHTTPClientTransport
  readonly #options: McpClientOptions
  readonly #reconnection = { ...reconnectionDefaults }
  readonly #lost = Promise.withResolvers<void>()
  readonly #ended = Promise.withResolvers<void>()
  #closing: Promise<void> | undefined
  #probe: Promise<boolean> | undefined
  #listChanges = 0

  private constructor(server: McpServer, options: McpClientOptions) {
    this.#options = options
    this.lost = this.#lost.promise
    if ('command' in server) this.#transport = stdioTransport(server, maxAnswerBytes, options.onLog)
    else {
      const { url, headers } = server
      const http = new McpFetch(maxAnswerBytes)
      this.#transport = new StreamableHTTPClientTransport(new URL(url), {
        ...(headers !== undefined && { requestInit: { headers } }),
        reconnectionOptions: this.#reconnection,
        fetch: (input, init) => http.fetch(input, init),
      })
    }
  }

  /** Throws ConnectionLost, or the reason of the signal. */
  static async connect(server: McpServer, options: McpClientOptions, signal: AbortSignal): Promise<McpClient> {
    signal.throwIfAborted()
    const made = new McpClient(server, options)
    await made.#connect(signal)
    return made
  }

  /** Throws ConnectionLost, ErrorAnswer, or the reason of the signal. */
  async listTools(signal: AbortSignal): Promise<Listing> {
    // A server without tools need not know the question.
    if (this.#client.getServerCapabilities()?.tools === undefined) return { tools: [], leftOut: [] }
    for (let count = 1; ; count++) {
      const changes = this.#listChanges
      const changed = () => this.#listChanges !== changes && count < maxListings
      try {
        const listing = await this.#list(signal)
        if (!changed()) return listing
      } catch (error) {
        if (!(error instanceof ErrorAnswer) || !changed()) throw error
      }
    }
  }

  /** What the server answers, whatever it is. Throws ConnectionLost, ErrorAnswer, or the reason of the signal. */
  async callTool(
    name: string,
    args: JsonObject,
    onProgress: (progress: Progress) => void,
    signal: AbortSignal,
    requestId?: string,
  ): Promise<JsonObject> {
    return await this.#ask(signal, (own) =>
      requestIds.run(requestId, () =>
        this.#client.request({ method: 'tools/call', params: { name, arguments: args } }, anything, {
          signal: own,
          onprogress: onProgress,
          timeout: noLimitMs,
        }),
      ),
    )
  }

  /** Ends session and child; returns when the child is gone. Idempotent. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #connect(signal: AbortSignal): Promise<void> {
    const client = this.#client
    client.onclose = () => {
      this.#ended.resolve()
      void this.close()
    }
    if (this.#transport instanceof StreamableHTTPClientTransport) client.onerror = () => void this.#isAlive()
    client.fallbackNotificationHandler = async ({ method }) => {
      if (method !== 'notifications/tools/list_changed') return
      this.#listChanges += 1
      this.#options.onListChanged()
    }
    client.fallbackRequestHandler = async ({ method }) => {
      const words = notOffered.get(method)
      if (words !== undefined) this.#options.onRefused(words)
      throw Object.assign(new Error(words === undefined ? `There is no ${method} here.` : `Not offered: ${words}.`), {
        code: Number(ErrorCode.MethodNotFound),
      })
    }
    try {
      await unlessAborted(signal, () => client.connect(this.#transport, { timeout: connectMs }))
    } catch (error) {
      // There is no child to wait for.
      if (spawnCode(error) !== undefined) this.#ended.resolve()
      await this.close()
      throw lost(error)
    }
  }

  async #list(signal: AbortSignal): Promise<Listing> {
    const until = performance.now() + listMs
    return await readList((cursor) =>
      this.#ask(signal, async (own) => {
        // Not `client.listTools`: it compiles each output schema, keeps those of the last page only, and fails for one odd tool.
        const page = this.#client.request(
          { method: 'tools/list', params: cursor === undefined ? {} : { cursor } },
          anything,
          { signal: own, timeout: Math.max(1, until - performance.now()) },
        )
        return await page.catch((error: unknown) => {
          if (error instanceof McpError && error.code === Number(ErrorCode.MethodNotFound)) return {}
          throw error
        })
      }),
    )
  }

  /** The SDK keeps its listener on the signal it is given, and would cancel calls that have ended: so it gets one of its own. */
  async #ask<T>(outer: AbortSignal, request: (own: AbortSignal) => Promise<T>): Promise<T> {
    const own = new AbortController()
    try {
      return await unlessAborted(outer, () => request(own.signal))
    } catch (error) {
      if (outer.aborted) own.abort('The run was stopped.')
      outer.throwIfAborted()
      if (this.#isForgotten(error)) {
        void this.close()
        throw new SessionForgotten(reasonOf(error))
      }
      if (error instanceof McpError && error.code === noAnswer) throw new NoAnswer(withoutPrefix(error))
      if (isAnswer(error) || (await this.#isAlive())) throw new ErrorAnswer(reasonOf(error))
      throw lost(error)
    }
  }

  /** The protocol's way to say so is 404; some say 410, many 400 and the word. */
  #isForgotten(error: unknown): boolean {
    if (!(error instanceof StreamableHTTPError)) return false
    if (error.code === 404 || error.code === 410)
      return (this.#transport as StreamableHTTPClientTransport).sessionId !== undefined
    return error.code === 400 && /session|not initialized/i.test(error.message)
  }

  /** Closes a connection whose server does not even answer a ping: a broken HTTP stream by itself says nothing about the calls that wait. */
  #isAlive(): Promise<boolean> {
    if (this.#closing !== undefined) return Promise.resolve(false)
    return (this.#probe ??= this.#client
      .ping({ timeout: pingMs })
      .then(() => true, isAnswer)
      .then((alive) => {
        this.#probe = undefined
        if (!alive) void this.close()
        return alive
      }))
  }

  async #close(): Promise<void> {
    this.#lost.resolve()
    // The SDK clears one timer of the several that it may have; the others must not start more.
    this.#reconnection.maxRetries = 0
    if (this.#transport instanceof StreamableHTTPClientTransport)
      await waitFor(endSessionMs, this.#transport.terminateSession())
    await this.#client.close().catch(() => undefined)
    await waitFor(childEndMs, this.#ended.promise)
  }
}

/** Did the server answer, if only with an error or with something that is no MCP? */
function isAnswer(error: unknown): boolean {
  if (error instanceof McpError)
    return error.code !== Number(ErrorCode.ConnectionClosed) && error.code !== Number(ErrorCode.RequestTimeout)
  // Of 500 and above nobody knows whose answer it is.
  return (error instanceof StreamableHTTPError && (error.code ?? 500) < 500) || isParseError(error)
}

function isParseError(error: unknown): boolean {
  return error instanceof Object && 'issues' in error
}

/** Of a program that could not be started: `ENOENT` and the like. */
function spawnCode(error: unknown): string | undefined {
  return error instanceof Error && 'syscall' in error && String(error.syscall).startsWith('spawn')
    ? String((error as NodeJS.ErrnoException).code)
    : undefined
}

function lost(error: unknown): ConnectionLost {
  const code = spawnCode(error)
  return new ConnectionLost(
    reasonOf(error),
    code === undefined ? undefined : `its program could not be started (${code})`,
  )
}

/** The SDK puts "MCP error -31999: " before it. */
function withoutPrefix({ message, code }: McpError): string {
  return message.replace(`MCP error ${code}: `, '')
}

/** `fetch` says "fetch failed" and hides why. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (isParseError(error)) return 'its answer is not understood'
  if (error instanceof McpError) {
    if (error.code === Number(ErrorCode.ConnectionClosed))
      return `it ended before it answered, or answered with more than ${maxAnswerBytes / 1024 / 1024} MB`
    if (error.code === urlElicitationRequired)
      return `it wants an elicitation (somebody is to open a page), which is not offered: ${error.message}`
  }
  const { cause } = error
  const hidden = cause instanceof Error ? ('code' in cause ? String(cause.code) : cause.message) : ''
  return hidden === '' ? error.message : `${error.message} (${hidden})`
}

/** Waits for what may never come, but not for long. */
async function waitFor(ms: number, work: Promise<unknown>): Promise<void> {
  await within(ms, () => new Error('It did not come.'), work).catch(() => undefined)
}
