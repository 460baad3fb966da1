import type { TaskInfo } from '../api-types.ts'
import type { Client } from '../index.ts'
import { Listeners } from '../listeners.ts'
import type { RunnelError } from '../../shared/errors.ts'
import { Loader } from './loader.ts'

export interface TaskListSnapshot {
  readonly tasks: readonly TaskInfo[]
  /** They are being read. */
  readonly pending: boolean
  readonly error: RunnelError | null
}

const nothing: TaskListSnapshot = { tasks: [], pending: true, error: null }

type ListClient = Pick<Client, 'api' | 'onChatEvent' | 'connection'>

/** This user's runs, in all chats and on all devices: live while anyone listens. */
export class TaskList {
  readonly #find: () => ListClient
  readonly #listeners = new Listeners()
  readonly #loader: Loader
  #stops: (() => void)[] = []
  #users = 0
  #snapshot: TaskListSnapshot = nothing
  readonly first = { getSnapshot: () => nothing }

  constructor(find: () => ListClient) {
    this.#find = find
    this.#loader = new Loader({
      pending: (pending) => this.#show({ pending }),
      failed: (error) => this.#show({ error }),
    })
  }

  readonly getSnapshot = (): TaskListSnapshot => this.#snapshot

  readonly subscribe = (listener: () => void): (() => void) => {
    if (this.#users++ === 0) this.#start()
    const remove = this.#listeners.add(listener)
    let removed = false
    return () => {
      if (removed) return
      removed = true
      remove()
      if (--this.#users === 0) this.#end()
    }
  }

  #start(): void {
    const client = this.#find()
    const read = (name: string) => this.#loader.load(name, (signal) => this.#read(client, signal))
    let wasOpen = client.connection.getSnapshot().status === 'open'
    this.#stops = [
      client.onChatEvent(({ event }) => {
        if (event === 'status' || event === 'deleted') read('top')
      }),
      client.connection.subscribe(() => {
        const isOpen = client.connection.getSnapshot().status === 'open'
        if (isOpen && !wasOpen) read('all')
        wasOpen = isOpen
      }),
    ]
    this.#loader.start()
    read('all')
  }

  #end(): void {
    for (const stop of this.#stops.splice(0)) stop()
    this.#loader.stop()
  }

  async #read({ api }: ListClient, signal: AbortSignal): Promise<void> {
    const found: TaskInfo[] = []
    let cursor: string | null = null
    do {
      const page: { items: TaskInfo[]; nextCursor: string | null } = await api.listTasks({
        ...(cursor !== null && { cursor }),
        signal,
      })
      found.push(...page.items)
      cursor = page.nextCursor
    } while (cursor !== null)
    const known = new Map(this.#snapshot.tasks.map((task) => [task.taskId, task]))
    const tasks = found.map((task) => {
      const last = known.get(task.taskId)
      return last?.status === task.status ? last : task
    })
    const { tasks: last } = this.#snapshot
    const areSame = tasks.length === last.length && tasks.every((task, index) => task === last[index])
    this.#show({ tasks: areSame ? last : tasks, error: null })
  }

  #show(change: Partial<TaskListSnapshot>): void {
    const next = { ...this.#snapshot, ...change }
    const keys = Object.keys(next) as (keyof TaskListSnapshot)[]
    if (keys.every((key) => next[key] === this.#snapshot[key])) return
    this.#snapshot = next
    this.#listeners.emit()
  }
}
