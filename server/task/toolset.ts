/** Which tools a run has. */
import { isRefusal, RunnelError } from '../../shared/errors.ts'
import type { JsonObject } from '../../shared/schema.ts'
import type { Tool, ToolSource } from '../extension/tool.ts'
import { fittingName, ToolNames, type Named } from '../extension/tool-names.ts'

/** The tools of one run. */
export interface Toolset {
  /** As the provider gets them. */
  readonly definitions: readonly JsonObject[]
  /** Undefined for one that is not there, and for one that only its caller knows. */
  find(name: string): Tool | undefined
  has(name: string): boolean
  /** A source has said that its tools are others now. */
  isOld(): boolean
}

/** A tool under the name that the model knows. `source`: whose it is; absent: the server's own. */
export interface ListedTool {
  name: string
  tool: Tool
  source?: ToolSource
}

/** All that may be called on this server. */
export class Toolbox {
  readonly configured: readonly (Tool | ToolSource)[]
  readonly #names = new ToolNames()
  readonly warn: (words: string) => void

  /** `warn`: takes sentences for whoever runs the server. */
  constructor(configured: readonly (Tool | ToolSource)[], warn: (words: string) => void = () => {}) {
    this.configured = configured
    this.warn = warn
  }

  get hasSources(): boolean {
    return this.configured.some((entry) => 'list' in entry)
  }

  /**
   * Lists what a run may call: the tools of the server that it names (all, if it
   * names none), and those of its caller. Throws `tools_unavailable`, with the
   * name of the source that cannot list; `bad_request` for a name that is not
   * there, or stands twice.
   */
  async list(wanted: readonly (string | JsonObject)[] | undefined, signal: AbortSignal): Promise<Toolset> {
    const named = new Set(wanted?.filter((tool) => typeof tool === 'string'))
    const callers = wanted?.filter((tool) => typeof tool !== 'string') ?? []
    const revision = this.#revision()
    // Who brings only tools of its own wants no others, and no server is asked for them.
    const isAsked = !wanted || named.size > 0
    const listed = isAsked ? await this.#listAll(signal) : []
    const byName = new Map<string, Tool>()
    for (const { name, tool } of listed) if (!wanted || named.has(name)) byName.set(name, tool)
    const missing = [...named].filter((name) => !byName.has(name))
    if (missing.length > 0)
      throw new RunnelError('bad_request', `tools: there is no ${missing.join(', ')} on this server.`)
    const callersNames = new Set<string>()
    for (const definition of callers) {
      const name = nameOf(definition)
      if (name === undefined) continue
      if (byName.has(name) || callersNames.has(name))
        throw new RunnelError('bad_request', `tools: ${name} stands there twice.`)
      callersNames.add(name)
    }
    return {
      definitions: [...[...byName].map(([name, tool]) => definitionOf(name, tool)), ...callers],
      find: (name) => byName.get(name),
      has: (name) => byName.has(name) || callersNames.has(name),
      isOld: () => isAsked && this.#revision() !== revision,
    }
  }

  /** What each entry lists, under names that are each one's own: who stands first has a name, one of a source then takes its source's before it. */
  named(lists: readonly { entry: Tool | ToolSource; tools: readonly Tool[] }[]): ListedTool[] {
    const all = lists.flatMap(({ entry, tools }, index) => {
      const counts = new Map<string, number>()
      return tools.map((tool): Named & Omit<ListedTool, 'name'> => {
        const count = counts.get(tool.name) ?? 0
        counts.set(tool.name, count + 1)
        const name = fittingName(tool.name)
        return {
          tool,
          key: JSON.stringify([index, tool.name, count]),
          ...('list' in entry
            ? { source: entry, wanted: [name, fittingName(`${entry.name}_${tool.name}`)] }
            : { wanted: [name] }),
        }
      })
    })
    // The server's own are called what its program calls them.
    const own = all.filter(({ source }) => source === undefined)
    const ordered = [...own, ...all.filter(({ source }) => source !== undefined)]
    const names = this.#names.of(ordered)
    const nameOfKey = new Map(ordered.map(({ key }, index) => [key, names[index]!]))
    return all.map(({ key, tool, source }) => ({ name: nameOfKey.get(key)!, tool, ...(source && { source }) }))
  }

  async #listAll(signal: AbortSignal): Promise<ListedTool[]> {
    const lists = await Promise.all(
      this.configured.map(async (entry) => {
        if (!('list' in entry)) return { entry, tools: [entry] }
        try {
          return { entry, tools: await entry.list(signal, this.warn) }
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
    return this.named(lists)
  }

  #revision(): string {
    return this.configured.map((entry) => ('list' in entry ? (entry.revision?.() ?? 0) : 0)).join()
  }
}

function definitionOf(name: string, { description, parameters }: Tool): JsonObject {
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
