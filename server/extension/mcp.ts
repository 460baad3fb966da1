/** Tools of MCP servers (https://modelcontextprotocol.io) as ours. */
import type { Progress, Tool as McpTool } from '@modelcontextprotocol/sdk/types.js'
import type { JsonObject } from '../../shared/schema.ts'
import type { Logger } from '../operation/log.ts'
import { redactor, type Redact } from '../secrets/secrets.ts'
import { mcpConnection, type McpConnection } from './mcp-connection.ts'
import type { McpServer } from './mcp-client.ts'
import { outputOf } from './mcp-result.ts'
import { mcpSecrets } from './mcp-secrets.ts'
import { SchemaCheck } from './schema-check.ts'
import type { Tool, ToolSource } from './tool.ts'

export interface McpServerOptions {
  /**
   * Which calls wait for a person's yes: all, none (default), those a function of the tool's own name chooses, or
   * `destructive`: all but the tools whose server says that they only read (`readOnlyHint`).
   */
  approval?: boolean | 'destructive' | ((tool: string) => boolean)
  /** A server that cannot be reached then costs a run its tools only; `onError` or the logger hears of it. Default: the run fails. */
  optional?: boolean
  onError?: (error: Error) => void
  /** Hears what the server writes to its standard error. Without one that is dropped. */
  logger?: Logger
  /** ms that a call may take. Default: RUNNEL_TOOL_MAX_MS. */
  maxMs?: number
}

const MAX_NAME_CHARS = 64
const MAX_PROGRESS_CHARS = 500

/** Nothing is started before the first run. Throws TypeError for what can never work. */
export function mcpServer(server: McpServer, options: McpServerOptions = {}): ToolSource {
  if (!/[A-Za-z0-9]/.test(server.name)) throw new TypeError('An MCP server has a name, with a letter or a digit.')
  // Not quoted: an address may hold a key.
  if ('url' in server && !isWebAddress(server.url))
    throw new TypeError(`The url of the MCP server ${server.name} is no http or https address.`)
  const { optional = false, onError, logger } = options
  const fields = { mcpServer: server.name }
  const secrets = mcpSecrets(server)
  const redact = redactor(secrets)
  const connection = mcpConnection(server, redact, logger && ((line) => logger.info(fields, line)))
  const schemas = new SchemaCheck()
  let known: { text: string; tools: readonly Tool[] } | undefined

  async function list(signal: AbortSignal): Promise<readonly Tool[]> {
    const listed = await connection.list(signal)
    const text = JSON.stringify(listed.tools)
    // The same tools keep their compiled schemas.
    if (known?.text !== text) {
      known = { text, tools: toolsOf(listed.tools, server.name, connection, schemas, redact, options) }
      if (!listed.complete)
        warn(
          new Error(
            `The MCP server ${server.name} has more tools than are taken: only its first ${listed.tools.length} are there.`,
          ),
        )
    }
    return known.tools
  }

  function warn(error: Error): void {
    onError?.(error)
    logger?.warn(fields, error.message)
  }

  return {
    name: server.name,
    secrets,
    list: async (signal) => {
      try {
        return await list(signal)
      } catch (error) {
        if (!optional || signal.aborted || !(error instanceof Error)) throw error
        warn(error)
        return []
      }
    },
    close: async () => {
      await Promise.all([connection.close(), schemas.close()])
    },
  }
}

function toolsOf(
  listed: readonly McpTool[],
  server: string,
  connection: McpConnection,
  schemas: SchemaCheck,
  redact: Redact,
  { approval = false, maxMs }: McpServerOptions,
): Tool[] {
  const taken = new Set<string>()
  return (
    listed
      // An experiment of the protocol: such a tool refuses a plain call.
      .filter((tool) => tool.execution?.taskSupport !== 'required')
      .map((tool): Tool => {
        const name = nameFor(tool.name, server, taken)
        // Some providers refuse an object schema without properties.
        const { $schema: _, ...schema } = { properties: {}, ...tool.inputSchema } as JsonObject
        const check = checkOf(schema, schemas)
        return {
          name,
          description: tool.description ?? tool.title ?? tool.annotations?.title ?? '',
          parameters: schema,
          check,
          execute: async (args, context) => {
            const result = await connection.call(
              tool.name,
              args as JsonObject,
              (progress) => context.progress(wordsOf(progress)),
              context.signal,
              context.requestId,
            )
            return await outputOf(result, tool.name, context, redact)
          },
          approval:
            typeof approval === 'function'
              ? approval(tool.name)
              : approval === 'destructive'
                ? tool.annotations?.readOnlyHint !== true
                : approval,
          ...(maxMs !== undefined && { maxMs }),
        }
      })
  )
}

/** `<server>_<tool>` as providers take it, unlike the others. */
function nameFor(tool: string, server: string, taken: Set<string>): string {
  const clean = (text: string) => text.replace(/[^A-Za-z0-9_-]+/g, '_')
  const whole = `${clean(server)}_${clean(tool)}`
  for (let count = 1; ; count++) {
    const end = count === 1 ? '' : `_${count}`
    const name = whole.slice(0, MAX_NAME_CHARS - end.length) + end
    if (taken.has(name)) continue
    taken.add(name)
    return name
  }
}

function checkOf(schema: JsonObject, schemas: SchemaCheck): Tool['check'] {
  return async (args) => {
    if (args === null || typeof args !== 'object' || Array.isArray(args))
      throw new Error('The arguments are no JSON object.')
    const fault = await schemas.faultOf(schema, args)
    if (fault !== null) throw new Error(`The arguments do not fit the schema: ${fault}.`)
    return args
  }
}

function wordsOf({ progress, total, message }: Progress): string {
  return (message ?? (total === undefined ? String(progress) : `${progress} of ${total}`)).slice(0, MAX_PROGRESS_CHARS)
}

const isWebAddress = (url: string | URL) => /^https?:$/.test(URL.parse(url)?.protocol ?? '')
