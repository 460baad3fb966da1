import type { Page, TaskInfo } from '../api-types.ts'
import type { Client } from '../index.ts'
import { Listeners } from '../listeners.ts'
import type { ReplicaError } from '../replica.ts'
import { Loader } from './loader.ts'
import { Followed, sameOr } from './part.ts'

export interface TaskListSnapshot {
  readonly tasks: readonly TaskInfo[]
  /** They are being read. */
  readonly pending: boolean
  readonly error: ReplicaError | null
}

export const noTasks: TaskListSnapshot = { tasks: [], pending: true, error: null }

/** This user's runs, in all chats and on all devices: live while anyone listens. */
export class TaskList {
  readonly #find: () => Client
  readonly #listeners = new Listeners()
  readonly #followed = new Followed(() => this.#start())
  #snapshot = noTasks

  constructor(find: () => Client) {
    this.#find = find
  }

  get isUsed(): boolean {
    return this.#followed.isUsed
  }

  readonly getSnapshot = (): TaskListSnapshot => this.#snapshot

  readonly subscribe = (listener: () => void): (() => void) => this.#followed.listen(() => this.#listeners, listener)

  #start(): () => void {
    const client = this.#find()
    const loader = new Loader(
      client,
      { pending: (pending) => this.#show({ pending }), failed: (error) => this.#show({ error }) },
      this.#read,
    )
    const stop = client.onChatEvent(({ event }) => {
      if (event === 'status' || event === 'deleted') loader.load('tasks', this.#read)
    })
    return () => {
      stop()
      loader.stop()
    }
  }

  readonly #read = async ({ api }: Client, signal: AbortSignal): Promise<void> => {
    const tasks: TaskInfo[] = []
    let cursor: string | null = null
    do {
      const page: Page<TaskInfo> = await api.listTasks({ ...(cursor !== null && { cursor }), signal })
      tasks.push(...page.items)
      cursor = page.nextCursor
    } while (cursor !== null)
    const known = new Map(this.#snapshot.tasks.map((task) => [task.taskId, task]))
    const taken = tasks.map((task) => sameOr(known.get(task.taskId) ?? task, task))
    this.#show({ tasks: sameOr(this.#snapshot.tasks, taken), error: null })
  }

  #show(change: Partial<TaskListSnapshot>): void {
    const last = this.#snapshot
    this.#snapshot = sameOr(last, { ...last, ...change })
    if (this.#snapshot !== last) this.#listeners.emit()
  }
}
