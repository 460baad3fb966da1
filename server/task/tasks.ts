import type { Block } from '../../shared/schema.ts'
import type { User } from '../auth/auth.ts'
import { Authors } from '../auth/authors.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { MessageRow } from '../store/store.ts'
import { noPatience } from '../waiting/patience.ts'
import { CallAnswers, type AnsweredBy } from './call-answers.ts'
import { LeftRuns } from './left-runs.ts'
import { Nodes } from './nodes.ts'
import { RunStarter } from './run-starter.ts'
import type { CallAnswer, Run, RunState } from './run.ts'
import { Running, type RunningOptions } from './running.ts'
import type { ContinueOptions, Started, StartOptions } from './start.ts'
import { Stopping } from './stopping.ts'
import { listTasks, type ListedTask } from './task-list.ts'
import { WaitingMessages, type Asking, type AskOptions } from './waiting-messages.ts'

export interface TasksOptions extends Omit<RunningOptions, 'node' | Given>, Partial<Pick<RunningOptions, Given>> {
  cluster: Cluster
  leaseMs: number
  /** What becomes of a run whose node is lost: it ends as `interrupted`, or goes on by itself, once. */
  onLostRun: 'interrupt' | 'continue'
}

/** Without the first two nothing waits for a store that is away; without the last two any number of messages waits for answers. */
type Given = 'patience' | 'storeUntil' | 'authors' | 'maxWaitingPerChat' | 'maxWaitingPerUser'

/** What may be asked of runs: starting, going on, answering, stopping, listing them. */
export class Tasks {
  /** Messages that wait until the answer before them has ended. */
  readonly waiting: WaitingMessages
  readonly #options: TasksOptions & RunningOptions
  readonly #running: Running
  readonly #nodes: Nodes
  readonly #starter: RunStarter
  readonly #answers: CallAnswers
  readonly #stopping: Stopping
  readonly #left: LeftRuns

  constructor(given: TasksOptions) {
    const options = {
      patience: noPatience,
      storeUntil: () => given.store,
      authors: new Authors(given.store),
      maxWaitingPerChat: Infinity,
      maxWaitingPerUser: Infinity,
      ...given,
      node: given.cluster.node,
    }
    const running = new Running({
      ...options,
      onAdmitted: (run) => nodes.admitted(run),
      onSaved: (message) => {
        this.waiting.take(message.chatId)
        options.onSaved?.(message)
      },
    })
    const { live } = running
    const isBusyWith = (id: string) => live.ofMessage(id) !== undefined || starter.isContinuing(id)
    const nodes: Nodes = new Nodes({
      ...options,
      find: (taskId) => live.filter((run) => run.taskId === taskId)[0],
      live: () => live.filter(() => true),
      isBusyWith,
      onOrphan: (row) => this.#left.takeUp(row),
    })
    const starter = new RunStarter({ ...options, running, nodes })
    this.#options = options
    this.#running = running
    this.#nodes = nodes
    this.#starter = starter
    this.#answers = new CallAnswers({ ...options, running, nodes, starter })
    this.#stopping = new Stopping({ ...options, live, nodes })
    this.#left = new LeftRuns({ ...options, running, nodes, isBusyWith })
    this.waiting = new WaitingMessages({ ...options, running, starter, stopping: this.#stopping })
  }

  /** Takes new runs. */
  get open(): boolean {
    return !this.#running.closed
  }

  /** The run of a message while it lives here. */
  ofMessage(messageId: string): Run | undefined {
    return this.#running.live.ofMessage(messageId)
  }

  /** Runs that have begun here and not ended. */
  get begun(): readonly Run[] {
    return this.#running.line.begun
  }

  /** Runs that wait for a slot. */
  get queued(): number {
    return this.#running.line.length
  }

  /** The live runs of a user. `place`: one that waits is the so manieth of all that do on its node. Throws `store_unavailable`. */
  async list(userId: string): Promise<ListedTask[]> {
    return await listTasks({ ...this.#options, running: this.#running }, userId)
  }

  /**
   * Writes question and answer-to-be, and returns their ids before anything is
   * prepared. The run begins by itself. Throws `busy`, `rate_limited`, `too_large`, `not_found` (parent),
   * `restarting`, `store_unavailable`, `idempotency_mismatch`.
   */
  async start(options: StartOptions): Promise<Started> {
    return await this.#starter.start(options)
  }

  /** As `start`, in a chat in which another answer may be being written. Throws as that. */
  async ask(options: AskOptions): Promise<Asking> {
    return await this.waiting.ask(options)
  }

  /** A new run goes on with an answer that has ended. Throws as `start`; `busy` while the message's run lives. */
  async continue(options: ContinueOptions): Promise<Started> {
    return await this.#starter.continue(options)
  }

  /**
   * What a person or a client says to a call that waits: the first answer wins.
   * Returns the call's block once that is in the log. Throws `not_found`,
   * `already_answered`, `bad_request`, `too_large`, `restarting`, `store_unavailable`.
   */
  async answerCall(row: MessageRow, callId: string, answer: CallAnswer, by: AnsweredBy): Promise<Block> {
    return await this.#answers.give(row, callId, answer, by)
  }

  /** Ends the run of a message as `stopped`, on whichever node it is; one that has ended stays as it is. Throws `store_unavailable`. */
  async stop(row: MessageRow, user: User): Promise<RunState> {
    return await this.#stopping.stop(row, user)
  }

  /** Ends the runs of messages that are about to go, and waits until nothing of them is written any more. */
  async endAll(match: (message: { id: string; chatId: string }) => boolean): Promise<void> {
    await this.#stopping.endAll(match)
  }

  /** Once a second. */
  sweep(): void {
    this.#running.sweep()
  }

  /** Every third of a lease. */
  sweepNodes(): void {
    const { cluster, leaseMs } = this.#options
    if (!this.open || !(cluster.many || this.#left.recovered)) return
    void this.#nodes.sweep()
    void this.#left.listEnds(leaseMs)
    void this.waiting.takeLeft(false)
  }

  /** Another node has something for a run of this one. */
  news(news: { taskId: string }): void {
    this.#nodes.news(news)
  }

  /** Others may have taken this node's runs over: nothing of them is written or shown here any more. */
  abandonAll(): void {
    for (const run of this.#running.live.filter(() => true)) this.#options.rooms.abandon(run.room)
  }

  /** What a crash left behind: queued runs are queued again, those that waited for people wait on, the others end as `interrupted`; then comes what waits. */
  async recover(): Promise<void> {
    await this.#left.recover()
    if (this.#options.cluster.many) return
    await this.waiting.takeLeft(true)
    await this.waiting.settled()
  }

  /**
   * Takes no more runs, lets those that run end for `drainMs`, interrupts the
   * rest and waits until all is saved. Queued runs stay queued, and those that
   * wait for people wait, for the next start.
   */
  async close(drainMs: number): Promise<void> {
    await this.#running.close(drainMs)
    await this.waiting.settled()
  }
}
