/** A store and a cluster from outside the tree: written against the types that the package exports, as classes with private fields. */
import type { Cluster, LiveEntry, LogAppend, LogContents, LogHead, Store, UpdateLog } from '../../server/index.ts'
import { memoryStore } from '../../testing/index.ts'

type Method = (...args: unknown[]) => unknown

/** Memory, with a note of each call. */
class NotedStore {
  readonly #inner = memoryStore()
  readonly #calls: string[] = []

  get log(): UpdateLog {
    return this.#inner.log
  }

  get calls(): readonly string[] {
    return this.#calls
  }

  call(name: keyof Store, args: unknown[]): unknown {
    this.#calls.push(name)
    return (this.#inner[name] as Method)(...args)
  }
}
for (const name of Object.keys(memoryStore()) as (keyof Store)[])
  if (name !== 'log')
    Object.defineProperty(NotedStore.prototype, name, {
      value(this: NotedStore, ...args: unknown[]) {
        return this.call(name, args)
      },
    })

export function notedStore(): Store & { readonly calls: readonly string[] } {
  return new NotedStore() as unknown as Store & NotedStore
}

/** What connects nodes of one process. */
export class Bus {
  readonly nodes = new Map<string, BusCluster>()

  node(name: string, base: UpdateLog): Cluster {
    const node = new BusCluster(this, name, base)
    this.nodes.set(name, node)
    return node
  }
}

class BusCluster implements Cluster {
  readonly many = true
  readonly node: string
  readonly log: UpdateLog
  onNews: Cluster['onNews'] = () => {}
  onLeaseLost = () => {}
  readonly #bus: Bus
  readonly #base: UpdateLog
  readonly #followers = new Map<string, Set<(entry: LiveEntry) => void>>()

  constructor(bus: Bus, node: string, base: UpdateLog) {
    this.#bus = bus
    this.node = node
    this.#base = base
    this.log = {
      append: (entries) => this.#append(entries),
      read: (doc) => base.read(doc),
      compact: (...all) => base.compact(...all),
    }
  }

  async #append(entries: readonly LogAppend[]) {
    const results = await this.#base.append(entries)
    for (const [i, result] of results.entries())
      if (result.status === 'ok')
        for (const node of this.#bus.nodes.values()) node.#hear(entries[i]!.doc, { ...result, ...entries[i]! })
    return results
  }

  #hear(doc: string, { seq, updates }: LiveEntry): void {
    for (const follower of this.#followers.get(doc) ?? []) queueMicrotask(() => follower({ seq, updates }))
  }

  async follow(doc: string, onEntry: (entry: LiveEntry) => void) {
    const followers = this.#followers.get(doc) ?? new Set()
    this.#followers.set(doc, followers.add(onEntry))
    return () => void followers.delete(onEntry)
  }

  async heads(docs: readonly string[]) {
    return await Promise.all(docs.map(async (doc): Promise<LogHead | null> => headOf(await this.#base.read(doc))))
  }

  async alive(nodes: readonly string[]) {
    return new Set(nodes.filter((node) => this.#bus.nodes.has(node)))
  }

  tell(news: Parameters<Cluster['tell']>[0]): void {
    for (const node of this.#bus.nodes.values())
      if (node !== this) queueMicrotask(() => node.onNews(structuredClone(news)))
  }

  async probe() {}

  async close() {
    this.#bus.nodes.delete(this.node)
  }
}

function headOf(contents: LogContents | null): LogHead | null {
  return contents && { seq: contents.seq, epoch: contents.epoch }
}
