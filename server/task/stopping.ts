import type { User } from '../auth/auth.ts'
import type { Authors } from '../auth/authors.ts'
import { isTerminal } from '../../shared/schema.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { MessageRow, Store } from '../store/store.ts'
import type { LiveRuns } from './live-runs.ts'
import { found, type Nodes } from './nodes.ts'
import { stateOf, type RunState } from './run.ts'

export interface StoppingOptions {
  cluster: Cluster
  store: Store
  live: LiveRuns
  nodes: Nodes
  authors: Authors
}

/** Ends runs because somebody wants it, on whichever node they are. */
export class Stopping {
  readonly #options: StoppingOptions

  constructor(options: StoppingOptions) {
    this.#options = options
  }

  /** Ends the run of a message as `stopped`, on whichever node it is; one that has ended stays as it is. Throws `store_unavailable`. */
  async stop(row: MessageRow, user: User): Promise<RunState> {
    const by = await this.#options.authors.by(row.chatId, user)
    const run = this.#options.live.ofMessage(row.id)
    if (run) {
      run.stop(by)
      // Whoever hears of it finds it on every node.
      await run.settle()
      return run.state
    }
    if (isTerminal(row.status)) return stateOf(row, row.status)
    // On another node, or about to be here; it may also have been saved since the row was read.
    return stateOf(row, found(await this.#options.nodes.stop(row, by)).status)
  }

  /** Ends the runs of messages that are about to go, and waits until nothing of them is written any more. */
  async endAll(match: (message: { id: string; chatId: string }) => boolean): Promise<void> {
    const { cluster, store, live } = this.#options
    const runs = live.filter((run) => match({ id: run.messageId, chatId: run.chatId }))
    for (const run of runs) run.end('stopped')
    const elsewhere = cluster.many
      ? (await store.unfinished()).filter((row) => row.node !== cluster.node && match(row))
      : []
    await Promise.all([...runs.map((run) => run.done), ...elsewhere.map((row) => this.#options.nodes.stop(row))])
  }
}
