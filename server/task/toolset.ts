import { isRefusal, RunnelError } from '../../shared/errors.ts'
import type { JsonObject } from '../../shared/schema.ts'
import type { Tool, ToolSource } from '../extension/tool.ts'

/** The tools of one run. */
export interface Toolset {
  /** As the provider gets them. */
  readonly definitions: readonly JsonObject[]
  /** Undefined for one that is not there, and for one that only its caller knows. */
  find(name: string): Tool | undefined
  has(name: string): boolean
}

/**
 * Lists what a run may call: the tools of the server that it names (all, if it
 * names none), and those of its caller. Throws `tools_unavailable`, with the
 * name of the source that cannot list; `bad_request` for a name that is not
 * there, or stands twice.
 */
export async function listTools(
  configured: readonly (Tool | ToolSource)[],
  wanted: readonly (string | JsonObject)[] | undefined,
  signal: AbortSignal,
): Promise<Toolset> {
  const named = new Set(wanted?.filter((tool) => typeof tool === 'string'))
  const callers = wanted?.filter((tool) => typeof tool !== 'string') ?? []
  // Who brings only tools of its own wants no others, and no server is asked for them.
  const listed = wanted && named.size === 0 ? [] : await listAll(configured, signal)
  const byName = new Map<string, Tool>()
  for (const tool of listed) {
    if (byName.has(tool.name)) throw new RunnelError('tools_unavailable', `Two tools have the name ${tool.name}.`)
    if (!wanted || named.has(tool.name)) byName.set(tool.name, tool)
  }
  for (const name of named) {
    if (!byName.has(name)) throw new RunnelError('bad_request', `tools: there is no tool ${name} on this server.`)
  }
  const callersNames = new Set<string>()
  for (const definition of callers) {
    const name = nameOf(definition)
    if (name === undefined) continue
    if (byName.has(name) || callersNames.has(name))
      throw new RunnelError('bad_request', `tools: ${name} stands there twice.`)
    callersNames.add(name)
  }
  return {
    definitions: [...[...byName.values()].map(definitionOf), ...callers],
    find: (name) => byName.get(name),
    has: (name) => byName.has(name) || callersNames.has(name),
  }
}

async function listAll(configured: readonly (Tool | ToolSource)[], signal: AbortSignal): Promise<Tool[]> {
  const lists = await Promise.all(
    configured.map(async (entry) => {
      if (!('list' in entry)) return [entry]
      try {
        return await entry.list(signal)
      } catch (error) {
        signal.throwIfAborted()
        if (isRefusal(error)) throw error
        throw new RunnelError(
          'tools_unavailable',
          `The tools of ${entry.name} could not be listed: ${error instanceof Error ? error.message : String(error)}`,
          { cause: error },
        )
      }
    }),
  )
  return lists.flat()
}

function definitionOf({ name, description, parameters }: Tool): JsonObject {
  return { type: 'function', name, description, parameters }
}

/** Of a function tool in the shape of either API; undefined for tools that a provider runs itself. */
function nameOf(definition: JsonObject): string | undefined {
  const fields =
    typeof definition.function === 'object' && definition.function !== null && !Array.isArray(definition.function)
      ? definition.function
      : definition
  return typeof fields.name === 'string' ? fields.name : undefined
}
