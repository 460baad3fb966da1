/** Keeps a connection to an MCP server: made when first needed, shared, and made again when it was lost. */
import type { Progress } from '@modelcontextprotocol/sdk/types.js'
import type { JsonObject } from '../../shared/json.ts'
import type { Redact } from '../secrets/secrets.ts'
import { unlessAborted } from '../waiting/race.ts'
import { backOff } from '../waiting/retry.ts'
import type { McpClient } from './mcp-client.ts'
import type { McpServer } from './mcp-config.ts'
import { ConnectionLost, NoAnswer, SessionForgotten } from './mcp-errors.ts'
import type { Listing } from './mcp-list.ts'
import type { SourceState } from './tool.ts'

export interface McpConnectionOptions {
  server: McpServer
  /** Errors name the server and hold none of its secrets; neither do lines of its standard error. */
  redact: Redact
  /** Hides where the server is, too: for people who only use it. */
  redactPlace: Redact
  onLog: ((line: string) => void) | undefined
  onListChanged: () => void
  onRefused: (words: string) => void
}

const backOffLimits = { firstMs: 500, longestMs: 30_000 }
const maxErrorChars = 500

/** How long nothing is started once so many connections in a row ended without an answer. The first costs nothing: a server may end once. */
export function waitAfter(failures: number): number {
  // Not spread: nobody else waits for this server.
  return failures < 2 ? 0 : backOff(failures - 1, backOffLimits, 1)
}

export class McpConnection {
  readonly #options: McpConnectionOptions
  readonly #name: string
  /** Loaded while nothing streams yet: that holds up the event loop for a moment. */
  readonly #sdk = import('./mcp-client.ts')
  readonly #closing = new AbortController()
  readonly #ending = new Set<Promise<void>>()
  #current: Promise<McpClient> | null = null
  /** What `current` has become. */
  #connected: McpClient | undefined
  #failures = 0
  #notBefore = 0
  #fault: string
  #state: SourceState = { state: 'connecting', since: Date.now() }
  #closed: Promise<void> | undefined

  constructor(options: McpConnectionOptions) {
    this.#options = options
    this.#name = options.server.name
    this.#fault = `The MCP server ${this.#name} is gone.`
    this.#sdk.catch(() => undefined)
  }

  /** As far as anybody has asked: before the first time it is `connecting`. */
  get state(): SourceState {
    return this.#state
  }

  async list(signal: AbortSignal): Promise<Listing> {
    const before = this.#current
    const list = () => this.#use(signal, (client) => client.listTools(signal))
    try {
      return await list()
    } catch (error) {
      // A server that was restarted: only a connection made just now says that it cannot be reached.
      if (signal.aborted || before === null || this.#current === before) throw error
      return await list()
    }
  }

  /** Gives what the server answers, whatever it is. */
  call(
    tool: string,
    args: JsonObject,
    onProgress: (progress: Progress) => void,
    signal: AbortSignal,
    requestId?: string,
  ): Promise<JsonObject> {
    return this.#use(signal, (client) => client.callTool(tool, args, onProgress, signal, requestId))
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close())
  }

  async #use<T>(signal: AbortSignal, action: (client: McpClient) => Promise<T>, isSecond = false): Promise<T> {
    // The connection is others', too: only this caller's waiting ends.
    const client = await unlessAborted(signal, () => this.#client())
    try {
      const answer = await action(client)
      this.#failures = 0
      return answer
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof SessionForgotten && !isSecond) {
        // It is there, and did nothing of it.
        this.#forget(client, 0)
        return await this.#use(signal, action, true)
      }
      if (error instanceof ConnectionLost) throw this.#failed('is gone', error)
      throw this.#said(error instanceof NoAnswer ? 'gave no answer' : 'answered with an error', error)
    }
  }

  #client(): Promise<McpClient> {
    if (this.#closing.signal.aborted) return Promise.reject(new Error(`The MCP server ${this.#name} is closed.`))
    if (this.#current !== null) return this.#current
    if (performance.now() < this.#notBefore) return Promise.reject(new Error(this.#fault))
    this.#enter({ state: 'connecting', since: Date.now() })
    return (this.#current = this.#connect())
  }

  async #connect(): Promise<McpClient> {
    const { server, redact, onLog, onListChanged, onRefused } = this.#options
    try {
      const { McpClient } = await this.#sdk
      const made = await McpClient.connect(
        server,
        { onLog: onLog && lines(redact, onLog), onListChanged, onRefused },
        this.#closing.signal,
      )
      this.#connected = made
      this.#enter({ state: 'connected', since: Date.now() })
      void made.lost.then(() => this.#forget(made, 1))
      return made
    } catch (error) {
      this.#current = null
      this.#count(1)
      throw this.#failed('cannot be reached', error)
    }
  }

  #forget(made: McpClient, failures: number): void {
    if (this.#connected !== made) return
    this.#connected = undefined
    this.#current = null
    this.#count(failures)
    this.#enter({ state: 'failed', since: Date.now(), error: `The MCP server ${this.#name} is gone.` })
    // What it still does to end is waited for by `close`.
    const end = made.close().finally(() => this.#ending.delete(end))
    this.#ending.add(end)
  }

  #count(failures: number): void {
    this.#failures += failures
    this.#notBefore = performance.now() + waitAfter(this.#failures)
  }

  /** Only of the connection that counts now: an earlier one's end is no news. */
  #failed(what: string, error: unknown): Error {
    const said = this.#said(what, error)
    this.#fault = said.message
    if (this.#current === null) {
      const shown = error instanceof ConnectionLost ? error.shown : 'it is not known why'
      this.#enter({ state: 'failed', since: Date.now(), error: this.#sentence(what, shown, this.#options.redactPlace) })
    }
    return said
  }

  #said(what: string, error: unknown): Error {
    return new Error(
      this.#sentence(
        what,
        error instanceof Error ? error.message : 'its answer is not understood',
        this.#options.redact,
      ),
    )
  }

  #sentence(what: string, reason: string, redact: Redact): string {
    return `The MCP server ${this.#name} ${what}: ${redact(reason).slice(0, maxErrorChars)}`
  }

  #enter(state: SourceState): void {
    // What goes on being so is so since its begin.
    this.#state =
      state.state === 'failed' && this.#state.state === 'failed' ? { ...state, since: this.#state.since } : state
  }

  async #close(): Promise<void> {
    this.#closing.abort()
    await this.#current?.then(
      (made) => made.close(),
      () => undefined,
    )
    await Promise.all(this.#ending)
  }
}

const maxLineChars = 2_000

/** Whole lines of the pieces that come, without secrets; a line that is too long is cut in several. */
function lines(redact: Redact, onLine: (line: string) => void): (text: string) => void {
  let rest = ''
  const say = (line: string) => {
    if (line.trim() !== '') onLine(line.trimEnd().slice(0, maxLineChars))
  }
  return (text) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop()!
    for (const line of parts) say(redact(line))
    // Its end may be the beginning of a secret: it waits for what follows.
    while (rest.length > 2 * maxLineChars) {
      const shown = redact(rest)
      say(shown)
      rest = shown.slice(maxLineChars)
    }
  }
}
