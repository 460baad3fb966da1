import { isRunnelError, RunnelError } from '../shared/errors.ts'
import { isTerminal, type Message } from '../shared/schema.ts'
import type { Api } from './api.ts'

/** Messages of one branch are read as one page where no more than so many others stand between two of them. */
const mostBetween = 3
/** As many as the server gives in one page. */
const mostInPage = 200

/** What a followed chat says of a message. */
interface InChat {
  readonly chatId: string
  readonly parentId: string | null
  readonly version: string
}

export interface HistoryOptions {
  api: Pick<Api, 'getMessage' | 'getMessages'>
  find: (id: string) => InChat | undefined
  /** Takes what came: one that has ended, as of this version of its chat's list. */
  keep: (message: Message, version: string) => void
}

export interface Read {
  readonly message: Message
  /** Of the chat's list, when it was asked for; undefined: no chat that is followed lists it. */
  readonly version: string | undefined
}

interface Wanted {
  readonly promise: Promise<Read>
  readonly resolve: (read: Read) => void
  readonly reject: (error: unknown) => void
}

/** Reads messages over HTTP, each once: what is wanted in one turn of the event loop comes in as few pages as it can. */
export class History {
  readonly #options: HistoryOptions
  readonly #wanted = new Map<string, Wanted>()
  /** Of those: not asked for yet. */
  readonly #unasked = new Set<string>()

  constructor(options: HistoryOptions) {
    this.#options = options
  }

  /** Throws what the server says. */
  read(id: string): Promise<Read> {
    const known = this.#wanted.get(id)
    if (known) return known.promise
    const wanted = Promise.withResolvers<Read>()
    this.#wanted.set(id, wanted)
    if (this.#unasked.size === 0) queueMicrotask(() => this.#ask())
    this.#unasked.add(id)
    return wanted.promise
  }

  #ask(): void {
    const ids = new Set(this.#unasked)
    this.#unasked.clear()
    for (const branch of branchesOf(ids, (id) => this.#options.find(id)?.parentId)) void this.#readBranch(branch, ids)
  }

  /** `branch`: from its leaf up; not all on it is wanted. */
  async #readBranch(branch: readonly string[], ids: ReadonlySet<string>): Promise<void> {
    const wanted = branch.filter((id) => ids.has(id))
    // One that has come may be wanted anew while others are still on their way: that is another read's.
    const asked = new Map(wanted.map((id) => [id, this.#wanted.get(id)!]))
    const fail = (id: string, error: unknown) => {
      if (this.#wanted.get(id) !== asked.get(id)) return
      this.#wanted.delete(id)
      asked.get(id)!.reject(error)
    }
    const [leaf] = branch
    const chatId = wanted.length > 1 ? this.#options.find(leaf!)?.chatId : undefined
    try {
      if (chatId === undefined) await this.#readOne(leaf!)
      else await this.#readPages(chatId, branch)
    } catch (error) {
      // The leaf is gone; those above it may be there.
      const isLeafGone = isRunnelError(error) && error.code === 'not_found' && wanted.length > 1
      if (isLeafGone) await Promise.all(wanted.map((id) => this.#readOne(id).catch((cause) => fail(id, cause))))
      else for (const id of wanted) fail(id, error)
    }
    for (const id of wanted) fail(id, new RunnelError('not_found', 'There is no such message.'))
  }

  async #readPages(chatId: string, branch: readonly string[]): Promise<void> {
    const versions = this.#versions(branch)
    const missing = new Set(branch)
    let cursor: string | null | undefined
    while (missing.size > 0 && cursor !== null) {
      const limit = Math.min(mostInPage, missing.size)
      const page = await this.#options.api.getMessages(chatId, { leaf: branch[0]!, limit, ...(cursor && { cursor }) })
      for (const message of page.items) {
        missing.delete(message.id)
        this.#came(message, versions)
      }
      cursor = page.items.length === 0 ? null : page.nextCursor
    }
  }

  async #readOne(id: string): Promise<void> {
    const versions = this.#versions([id])
    this.#came(await this.#options.api.getMessage(id), versions)
  }

  /** As the chat says it now: what comes then is at least as new. */
  #versions(ids: readonly string[]): Map<string, string | undefined> {
    return new Map(ids.map((id) => [id, this.#options.find(id)?.version]))
  }

  #came(message: Message, versions: ReadonlyMap<string, string | undefined>): void {
    const { id, status } = message
    const version = versions.get(id)
    if (version !== undefined && isTerminal(status)) this.#options.keep(message, version)
    this.#wanted.get(id)?.resolve({ message, version })
    this.#wanted.delete(id)
  }
}

/** The ids in branches, each from its leaf up, with what stands between. Every id stands in one of them. */
export function branchesOf(
  ids: ReadonlySet<string>,
  parentOf: (id: string) => string | null | undefined,
): readonly string[][] {
  const above = new Map<string, string[]>()
  const isAbove = new Set<string>()
  for (const id of ids) {
    const way: string[] = []
    for (let at = parentOf(id); at && way.length <= mostBetween; at = parentOf(at)) {
      way.push(at)
      if (!ids.has(at)) continue
      above.set(id, way)
      isAbove.add(at)
      break
    }
  }
  const taken = new Set<string>()
  return [...ids]
    .filter((id) => !isAbove.has(id))
    .map((leaf) => {
      const branch = [leaf]
      for (let way = above.get(leaf); way && !taken.has(way.at(-1)!); way = above.get(way.at(-1)!)) {
        branch.push(...way)
        taken.add(way.at(-1)!)
      }
      return branch
    })
}
