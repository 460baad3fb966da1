/** Tools of MCP servers (https://modelcontextprotocol.io) as ours. */
import type { Logger } from '../operation/log.ts'
import { redactor, type Redact } from '../secrets/secrets.ts'
import { McpConnection } from './mcp-connection.ts'
import type { McpServer } from './mcp-config.ts'
import { mcpPlace, mcpSecrets } from './mcp-secrets.ts'
import { McpTools, type McpToolsOptions } from './mcp-tools.ts'
import type { LeftOut, ToolSource } from './tool.ts'

export interface McpServerOptions extends McpToolsOptions {
  /** A server that cannot be reached then costs a run its tools only; `onError` or the logger hears of it. Default: the run fails. */
  optional?: boolean
  /** Hears of what costs tools: an optional server that cannot be reached, tools that are left out. */
  onError?: (error: Error) => void
  /** Hears that, too, and what the server writes to its standard error. Without one the former goes to the log of Runnel, the latter nowhere. */
  logger?: Logger
}

/** Nothing is started before the first run. Throws TypeError for what can never work. */
export function mcpServer(server: McpServer, options: McpServerOptions = {}): ToolSource {
  if (!/[A-Za-z0-9]/.test(server.name)) throw new TypeError('An MCP server has a name, with a letter or a digit.')
  // Not quoted: an address may hold a key.
  if ('url' in server && !isWebAddress(server.url))
    throw new TypeError(`The url of the MCP server ${server.name} is no http or https address.`)
  const source = new McpSource(server, options)
  return {
    name: server.name,
    secrets: source.secrets,
    list: (signal, warn) => source.list(signal, warn),
    revision: () => source.revision,
    status: () => source.status,
    close: () => source.close(),
  }
}

type Warn = (words: string) => void

/** Sentences that were said once. */
const maxSaid = 1_000
const maxReasonChars = 500

class McpSource {
  readonly secrets: string[]
  revision = 0
  readonly #server: McpServer
  readonly #options: McpServerOptions
  readonly #connection: McpConnection
  readonly #tools: McpTools
  /** Hides where the server is, and its keys. */
  readonly #redactPlace: Redact
  readonly #said = new Set<string>()
  #leftOut: readonly LeftOut[] = []
  /** Of Runnel, as soon as it has asked. */
  #warn: Warn | undefined
  /** The last sentence that Runnel's log got: each run would say it again. */
  #warned = ''

  constructor(server: McpServer, options: McpServerOptions) {
    this.#server = server
    this.#options = options
    this.secrets = mcpSecrets(server)
    const { logger } = options
    const redact = redactor(this.secrets)
    this.#redactPlace = redactor([...this.secrets, ...mcpPlace(server)])
    this.#connection = new McpConnection({
      server,
      redact,
      redactPlace: this.#redactPlace,
      onLog: logger && ((line) => logger.info(this.#fields, line)),
      onListChanged: () => {
        this.revision += 1
      },
      onRefused: (words) => this.#sayOnce(`asked for what is not offered, ${words}.`),
    })
    this.#tools = new McpTools(server.name, this.#connection, redact, options)
  }

  get status(): ReturnType<NonNullable<ToolSource['status']>> {
    return {
      ...this.#connection.state,
      transport: 'command' in this.#server ? 'stdio' : 'http',
      leftOut: this.#leftOut,
    }
  }

  async list(signal: AbortSignal, warn?: Warn) {
    this.#warn = warn ?? this.#warn
    try {
      const listing = await this.#connection.list(signal)
      this.#leftOut = listing.leftOut.map((entry) => ({
        ...entry,
        reason: this.#redactPlace(entry.reason).slice(0, maxReasonChars),
      }))
      this.#warned = ''
      for (const { tool, reason, isLimit } of this.#leftOut)
        if (!isLimit) this.#sayOnce(tool === undefined ? reason : `has a tool ${tool} that is left out: ${reason}.`)
      return this.#tools.of(listing.tools)
    } catch (error) {
      if (this.#options.optional !== true || signal.aborted || !(error instanceof Error)) throw error
      this.#say(error.message)
      return []
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#connection.close(), this.#tools.close()])
  }

  get #fields(): object {
    return { mcpServer: this.#server.name }
  }

  #sayOnce(words: string): void {
    if (this.#said.has(words) || this.#said.size >= maxSaid) return
    this.#said.add(words)
    this.#say(`The MCP server ${this.#server.name} ${words}`)
  }

  #say(sentence: string): void {
    const { onError, logger } = this.#options
    onError?.(new Error(sentence))
    if (logger) logger.warn(this.#fields, sentence)
    else if (this.#warned !== sentence) this.#warn?.(sentence)
    this.#warned = sentence
  }
}

function isWebAddress(url: string | URL): boolean {
  return /^https?:$/.test(URL.parse(url)?.protocol ?? '')
}
