import { readMessage, type Json } from '../../shared/schema.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { MessageRow } from '../store/store.ts'
import { isAway } from '../waiting/patience.ts'
import { endMessage, takeUpLeft, type Taken } from './ending.ts'
import type { Nodes } from './nodes.ts'
import { requestOf } from './prompt.ts'
import { interrupt, listQuestion, wasBrokenOff, wasQueued, wasWaiting, type Asked } from './recovery.ts'
import type { Running, RunningOptions, TakenRun } from './running.ts'
import { recoveringRun } from './start.ts'
import { Unlisted } from './unlisted.ts'

export interface LeftRunsOptions extends RunningOptions {
  cluster: Cluster
  /** What becomes of a run whose node is lost: it ends as `interrupted`, or goes on by itself, once. */
  onLostRun: 'interrupt' | 'continue'
  running: Running
  nodes: Nodes
  /** This node sees to the message. */
  isBusyWith: (messageId: string) => boolean
}

/** Runs that an earlier process, or a node that is gone, left where they were. */
export class LeftRuns {
  readonly #options: LeftRunsOptions
  readonly #unlisted: Unlisted
  #recovered = false

  constructor(options: LeftRunsOptions) {
    this.#options = options
    this.#unlisted = new Unlisted(options)
  }

  /** What an earlier process left has been looked at. */
  get recovered(): boolean {
    return this.#recovered
  }

  /** What a crash left behind: queued runs are queued again, those that waited for people wait on, the others end as `interrupted`. */
  async recover(): Promise<void> {
    const {
      cluster: { many, node },
      store,
      running,
    } = this.#options
    if (many) return
    for (const row of await store.unfinished()) {
      // A start that failed on its way is repeated.
      if (running.live.ofMessage(row.id)) continue
      // There were other nodes; now this one is alone.
      if (row.node !== null && row.node !== node) await store.takeOver(row.id, row.node, node)
      await this.takeUp({ ...row, node })
    }
    await this.listEnds(0)
    this.#recovered = true
  }

  /** Those that their chats have not listed for so long. */
  async listEnds(leftMs: number): Promise<void> {
    await this.#unlisted.list(leftMs).catch((error: unknown) => {
      if (!isAway(error)) this.#options.onError(error, { messageId: '' })
    })
  }

  /** Carries one on, or ends it. Never rejects. */
  async takeUp(bare: MessageRow): Promise<void> {
    const { store, nodes, running, onLostRun, onError } = this.#options
    let request: Json | null = null
    try {
      request = await store.getRequest(bare.id)
      const row = { ...bare, request }
      await listQuestion(this.#options, row)
      const stopped = await nodes.stopOf(row)
      const taken = await takeUpLeft(this.#options, row)
      const message = readMessage(taken.room.doc)
      if (wasQueued(row, message)) return await this.#requeue(row, taken)
      if (wasWaiting(row, message)) return await running.resume(takenRun(row, taken))
      const ending = stopped
        ? await endMessage(this.#options, row, taken, 'stopped', stopped)
        : await interrupt(this.#options, row, taken)
      // A stop may have come meanwhile; with the saving it is forgotten.
      const goesOn =
        onLostRun === 'continue' &&
        wasBrokenOff(row, readMessage(taken.room.doc)) &&
        !stopped &&
        !(await nodes.stopOf(row).catch(() => true))
      if (!goesOn) return void (await running.save(ending))
      // In one step with the end: a fall in between would leave it interrupted for good.
      const next = recoveringRun(row, this.#options.node)
      await running.save({ ...ending, next })
      const saved = await store.getRow(row.id)
      if (saved?.taskId === next.taskId) await this.takeUp(saved)
    } catch (error) {
      onError(error, { messageId: bare.id, ...requestOf({ request }) })
    }
  }

  /** It waits again. */
  async #requeue(row: Asked, taken: Taken): Promise<void> {
    const { chats, nodes, running } = this.#options
    const run = running.admit(takenRun(row, taken))
    try {
      await nodes.hear([run])
      await chats.edit(row.chatId, (writer) => {
        if (!run.ended)
          writer.setMessages([
            [
              row.id,
              {
                role: 'assistant',
                parentId: row.parentId,
                createdAt: row.createdAt,
                status: 'queued',
                ...(row.request.continues && { taskId: row.taskId }),
                stoppedBy: undefined,
                ...(row.request.anew && row.request.by && { by: row.request.by }),
                model: row.request.model,
              },
            ],
          ])
      })
    } finally {
      running.line.beginNext()
    }
  }
}

function takenRun(row: Asked, taken: Taken): TakenRun {
  return { row, user: { id: row.userId, name: row.userId }, request: row.request, ...taken }
}
