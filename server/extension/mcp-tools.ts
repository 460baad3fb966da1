/** The tools that an MCP server lists, as ours. */
import type { Progress } from '@modelcontextprotocol/sdk/types.js'
import type { JsonObject } from '../../shared/json.ts'
import type { Redact } from '../secrets/secrets.ts'
import type { McpConnection } from './mcp-connection.ts'
import type { ListedTool } from './mcp-list.ts'
import { outputOf } from './mcp-result.ts'
import { SchemaCheck } from './schema-check.ts'
import type { Tool } from './tool.ts'
import { fittingName, ToolNames } from './tool-names.ts'

export interface McpToolsOptions {
  /**
   * Which calls wait for a person's yes: all, none (default), those a function of the tool's own name chooses, or
   * `destructive`: all but the tools whose server says that they only read (`readOnlyHint`).
   */
  approval?: boolean | 'destructive' | ((tool: string) => boolean)
  /** ms that a call may take. Default: RUNNEL_TOOL_MAX_MS. */
  maxMs?: number
}

const maxProgressChars = 500

export class McpTools {
  readonly #server: string
  readonly #connection: McpConnection
  readonly #redact: Redact
  readonly #options: McpToolsOptions
  readonly #schemas = new SchemaCheck()
  readonly #names = new ToolNames()
  #known: { text: string; tools: readonly Tool[] } | undefined

  constructor(server: string, connection: McpConnection, redact: Redact, options: McpToolsOptions) {
    this.#server = server
    this.#connection = connection
    this.#redact = redact
    this.#options = options
  }

  /** The same tools keep their compiled schemas. */
  of(listed: readonly ListedTool[]): readonly Tool[] {
    const text = JSON.stringify(listed)
    if (this.#known?.text !== text) {
      const names = this.#names.of(
        listed.map(({ name }) => ({ key: name, wanted: [fittingName(`${this.#server}_${name}`)] })),
      )
      this.#known = { text, tools: listed.map((tool, index) => this.#tool(tool, names[index]!)) }
    }
    return this.#known.tools
  }

  async close(): Promise<void> {
    await this.#schemas.close()
  }

  #tool(tool: ListedTool, name: string): Tool {
    const { approval = false, maxMs } = this.#options
    // Some providers refuse an object schema without properties.
    const { $schema: _, ...schema }: JsonObject = { properties: {}, ...tool.schema }
    return {
      name,
      original: tool.name,
      ...(tool.title !== undefined && { title: tool.title }),
      description: tool.description,
      parameters: schema,
      check: async (args) => {
        if (args === null || typeof args !== 'object' || Array.isArray(args))
          throw new Error('The arguments are no JSON object.')
        const fault = await this.#schemas.faultOf(schema, args)
        if (fault !== null) throw new Error(`The arguments do not fit the schema: ${fault}.`)
        return args
      },
      execute: async (args, context) => {
        const result = await this.#connection.call(
          tool.name,
          args as JsonObject,
          (progress) => context.progress(wordsOf(progress)),
          context.signal,
          context.requestId,
        )
        return await outputOf(result, tool.name, context, this.#redact)
      },
      approval:
        typeof approval === 'function' ? approval(tool.name) : approval === 'destructive' ? !tool.readOnly : approval,
      ...(maxMs !== undefined && { maxMs }),
    }
  }
}

function wordsOf({ progress, total, message }: Progress): string {
  return (message ?? (total === undefined ? String(progress) : `${progress} of ${total}`)).slice(0, maxProgressChars)
}
