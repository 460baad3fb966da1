/** The port to what a model may call. `defineTool` makes one; `mcp.ts` turns the tools of MCP servers into ours. */
import { z } from 'zod'
import type { Json, JsonObject } from '../../shared/schema.ts'
import type { MaybePromise } from '../cluster/cluster.ts'
import type { RunContext } from './context.ts'

/** `progress` shows on the call's block. */
export interface ToolContext extends RunContext {
  readonly callId: string
}

export interface Tool {
  readonly name: string
  /** What its server calls it, and for people; where they are others. */
  readonly original?: string
  readonly title?: string
  readonly description: string
  /** JSON Schema of the arguments. */
  readonly parameters: JsonObject
  /** What `execute` gets of parsed arguments. Throws an Error whose message the model can act on. */
  check(args: Json): MaybePromise<unknown>
  /**
   * A value, a promise of one, or an async iterable whose pieces show as they come in the call's `output`: strings as
   * they are, anything else as JSON. What it throws goes to the model as the call's error. Absent: a client answers.
   */
  execute?(args: unknown, context: ToolContext): unknown
  /** Must a person say yes first? */
  approval?: boolean | ((args: unknown, context: ToolContext) => MaybePromise<boolean>)
  /** Default: RUNNEL_TOOL_MAX_MS. */
  readonly maxMs?: number
}

/** What a source does not offer, and why. Without a tool: a sentence that goes on behind the source's name. */
export interface LeftOut {
  tool?: string
  reason: string
  /** It is as it should be, and of a kind that is not taken: nothing to mend. */
  isLimit?: boolean
}

/** The way to a source. `error`: a sentence for people who may not know where it is; `since`: epoch ms. */
export type SourceState =
  | { state: 'connecting' | 'connected'; since: number }
  | { state: 'failed'; since: number; error: string }

export type SourceStatus = SourceState & {
  transport: 'stdio' | 'http'
  leftOut: readonly LeftOut[]
}

/** Tools that are listed anew for each run. */
export interface ToolSource {
  readonly name: string
  /** Keys of its configuration: hidden in the errors of every run. */
  readonly secrets?: readonly string[]
  /** What it throws fails the run, and says the source's name. `warn`: takes a sentence for whoever runs the server. */
  list(signal: AbortSignal, warn?: (words: string) => void): Promise<readonly Tool[]>
  /** Another number than before: what `list` gives is other. A run that goes on lists anew then. */
  revision?(): number
  /** As far as anybody has asked for its tools. */
  status?(): SourceStatus
  /** Idempotent. */
  close(): Promise<void>
}

export interface ToolDefinition<Parameters extends z.ZodType> {
  /** What the model calls it: letters, digits, `_` and `-`, 64 at the most. */
  name: string
  description: string
  /** An object schema; its descriptions are told to the model. */
  parameters: Parameters
  /** As in `Tool`. Without it the call waits for a client's `{output}`. */
  execute?: (args: z.output<Parameters>, context: ToolContext) => unknown
  approval?: boolean | ((args: z.output<Parameters>, context: ToolContext) => MaybePromise<boolean>)
  /** ms that a call may take. Default: RUNNEL_TOOL_MAX_MS. */
  maxMs?: number
}

/** Throws TypeError for a name that providers refuse, and for parameters that JSON Schema cannot say. */
export function defineTool<Parameters extends z.ZodType>(definition: ToolDefinition<Parameters>): Tool {
  const { name, description, parameters, execute, approval, maxMs } = definition
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(name))
    throw new TypeError(`A tool's name has letters, digits, _ and -, 64 at the most: ${JSON.stringify(name)} is none.`)
  const { $schema: _, ...schema } = z.toJSONSchema(parameters, { io: 'input' })
  if (schema.type !== 'object') throw new TypeError(`The parameters of the tool ${name} are no object schema.`)
  return {
    name,
    description,
    parameters: schema as JsonObject,
    check: async (args) => {
      const parsed = await parameters.safeParseAsync(args)
      if (parsed.success) return parsed.data
      throw new Error(
        `The arguments do not fit the schema: ${parsed.error.issues.map((issue) => `${issue.path.map(String).join('.') || 'arguments'}: ${issue.message}`).join('; ')}.`,
      )
    },
    // Checked arguments are of the schema's type.
    ...(execute && { execute: execute as NonNullable<Tool['execute']> }),
    ...(approval !== undefined && { approval: approval as NonNullable<Tool['approval']> }),
    ...(maxMs !== undefined && { maxMs }),
  }
}
