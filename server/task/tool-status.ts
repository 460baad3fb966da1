/** What models may call on this server now, for people. */
import type { LeftOut, SourceState, SourceStatus, Tool, ToolSource } from '../extension/tool.ts'
import type { Redact } from '../secrets/secrets.ts'
import { within } from '../waiting/race.ts'
import type { ListedTool, Toolbox } from './toolset.ts'

export interface ShownTool {
  /** As the model, and a request's `tools`, call it. */
  name: string
  /** The source that it is of; absent: the server's own. */
  server?: string
  /** What its server calls it. */
  original: string
  title?: string
  description: string
  approval: 'never' | 'always' | 'depends'
}

/** Nothing of where it is: no address, no command. */
export type ShownServer = SourceState & {
  name: string
  transport: SourceStatus['transport'] | 'program'
  leftOut: readonly Omit<LeftOut, 'isLimit'>[]
}

interface Known {
  tools: readonly Tool[]
  state: SourceState
  revision: number
  listedAt: number
}

/** A server is asked for its tools again after so long, where it has not said itself that they are others. */
const freshMs = 10_000
/** Nobody waits longer for one that starts: it is `connecting` then. */
const patienceMs = 2_000

export class ToolStatus {
  readonly #toolbox: Toolbox
  readonly #redact: Redact
  readonly #now: () => number
  readonly #known = new Map<ToolSource, Known>()
  readonly #listing = new Map<ToolSource, Promise<void>>()

  constructor(toolbox: Toolbox, redact: Redact, now: () => number) {
    this.#toolbox = toolbox
    this.#redact = redact
    this.#now = now
  }

  /** Starts what has not been needed yet. Never rejects for a server's sake. */
  async read(): Promise<{ servers: ShownServer[]; tools: ShownTool[] }> {
    const sources = this.#sources
    await Promise.all(sources.map((source) => this.#refresh(source)))
    return {
      servers: sources.map((source) => this.#server(source)),
      tools: this.#listed().map(({ name, tool, source }) => shownTool(name, tool, source)),
    }
  }

  /**
   * Names that stand for no tool here. Nothing where a server of tools does not answer, or nobody has needed it yet: only
   * the run itself knows that, then.
   */
  async missing(names: readonly string[]): Promise<string[]> {
    const missing = this.#missingOf(names)
    if (missing.length === 0 || this.#sources.length === 0) return missing
    // Nobody is made to wait for a server that starts.
    if (this.#sources.some((source) => !this.#known.has(source))) {
      void this.read()
      return []
    }
    await this.read()
    const allAnswer = this.#sources.every((source) => this.#server(source).state === 'connected')
    return allAnswer ? this.#missingOf(names) : []
  }

  get #sources(): ToolSource[] {
    return this.#toolbox.configured.filter((entry) => 'list' in entry)
  }

  #missingOf(names: readonly string[]): string[] {
    const known = new Set(this.#listed().map(({ name }) => name))
    return [...new Set(names)].filter((name) => !known.has(name))
  }

  /** As far as it is known. */
  #listed(): ListedTool[] {
    return this.#toolbox.named(
      this.#toolbox.configured.map((entry) => ({
        entry,
        tools: 'list' in entry ? (this.#known.get(entry)?.tools ?? []) : [entry],
      })),
    )
  }

  async #refresh(source: ToolSource): Promise<void> {
    const known = this.#known.get(source)
    if (known && known.revision === revisionOf(source) && this.#now() - known.listedAt < freshMs) return
    const listing = this.#listing.get(source) ?? this.#list(source)
    this.#listing.set(source, listing)
    await within(patienceMs, () => new Error('It takes its time.'), listing).catch(() => {})
  }

  /** One at a time, whoever asks. */
  async #list(source: ToolSource): Promise<void> {
    const since = this.#now()
    const revision = revisionOf(source)
    let known: Pick<Known, 'tools' | 'state'>
    try {
      const tools = await source.list(new AbortController().signal, this.#toolbox.warn)
      known = { tools, state: { state: 'connected', since } }
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error)
      known = { tools: [], state: { state: 'failed', since, error: words } }
    } finally {
      this.#listing.delete(source)
    }
    const before = this.#known.get(source)?.state
    const state = before?.state === known.state.state ? { ...known.state, since: before.since } : known.state
    this.#known.set(source, { tools: known.tools, state, revision, listedAt: this.#now() })
  }

  #server(source: ToolSource): ShownServer {
    const status = source.status?.()
    const known = this.#known.get(source)?.state ?? { state: 'connecting', since: this.#now() }
    const state: SourceState = status ?? known
    return {
      name: source.name,
      transport: status?.transport ?? 'program',
      ...(state.state === 'failed'
        ? { state: state.state, since: state.since, error: this.#redact(state.error) }
        : { state: state.state, since: state.since }),
      leftOut: (status?.leftOut ?? []).map(({ tool, reason }) => ({
        ...(tool !== undefined && { tool }),
        reason: this.#redact(reason),
      })),
    }
  }
}

function revisionOf(source: ToolSource): number {
  return source.revision?.() ?? 0
}

function shownTool(name: string, tool: Tool, source: ToolSource | undefined): ShownTool {
  const { original = tool.name, title, description, approval = false } = tool
  return {
    name,
    ...(source && { server: source.name }),
    original,
    ...(title !== undefined && { title }),
    description,
    approval: typeof approval === 'function' ? 'depends' : approval ? 'always' : 'never',
  }
}
