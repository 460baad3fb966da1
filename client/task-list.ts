import { isTerminal } from '../shared/schema.ts'
import { errorRow, isRunnelError, RunnelError } from '../shared/errors.ts'
import type { ListedTask, Page, PageQuery } from './api-types.ts'
import { backoffDelay } from './backoff.ts'
import type { ChatEvent } from './chat-event.ts'
import { Listeners } from './listeners.ts'
import type { LiveSource } from './live.ts'
import { onOpened } from './opened.ts'
import { noTasks, type LiveTasks, type TasksSnapshot } from './tasks.ts'

/** The list is read no more often than this. */
const betweenMs = 1_000
/** And no further than so many pages. */
const mostPages = 5
const pageLimit = 200

export interface TasksOptions {
  list: (query: PageQuery) => Promise<Page<ListedTask>>
  onChatEvent: (listener: (event: ChatEvent) => void) => () => void
  connection: LiveSource<{ readonly status: string }>
}

/** What chat events say is shown at once; what they do not say is read. */
export class TaskList implements LiveTasks {
  readonly #options: TasksOptions
  readonly #listeners = new Listeners()
  #snapshot: TasksSnapshot = noTasks
  #stops: (() => void)[] | null = null
  #timer: ReturnType<typeof setTimeout> | undefined
  #isReading = false
  /** What is being read may be older than what was heard meanwhile. */
  #isStale = false
  readonly #endedMeanwhile = new Set<string>()
  #failures = 0

  constructor(options: TasksOptions) {
    this.#options = options
  }

  readonly getSnapshot = (): TasksSnapshot => this.#snapshot

  readonly subscribe = (listener: () => void): (() => void) => {
    const remove = this.#listeners.add(listener)
    if (!this.#stops) this.#begin()
    return () => {
      remove()
      if (this.#listeners.size === 0) this.close()
    }
  }

  /** A run was begun by this client; it may wait in line, of which no event tells. */
  started(): void {
    if (this.#stops) this.#readSoon(0)
  }

  close(): void {
    for (const stop of this.#stops ?? []) stop()
    this.#stops = null
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#snapshot = noTasks
  }

  #begin(): void {
    const { connection, onChatEvent } = this.#options
    this.#stops = [onChatEvent((event) => this.#heard(event)), onOpened(connection, () => this.#readSoon(0))]
    this.#readSoon(0)
  }

  #heard(event: ChatEvent): void {
    const { tasks } = this.#snapshot
    if (event.event === 'deleted') return this.#keep(tasks.filter(({ chatId }) => chatId !== event.chatId))
    const { messageId, status } = event
    if (event.event !== 'status' || messageId === undefined || status === undefined) return
    const known = tasks.find((task) => task.messageId === messageId)
    if (this.#isReading && isTerminal(status)) this.#endedMeanwhile.add(messageId)
    if (!isTerminal(status)) this.#endedMeanwhile.delete(messageId)
    if (known && isTerminal(status)) this.#keep(tasks.filter((task) => task !== known))
    else if (known && known.status !== status) {
      const { place: _, ...begun } = known
      this.#keep(tasks.map((task) => (task === known ? { ...begun, status } : task)))
    }
    // One that began may be somebody else's; and who waits in line has another place now.
    if (!known || tasks.some(({ place }) => place !== undefined)) this.#readSoon(betweenMs)
  }

  #readSoon(ms: number): void {
    if (this.#isReading) this.#isStale = true
    else this.#timer ??= setTimeout(() => void this.#read(), ms)
  }

  async #read(): Promise<void> {
    this.#timer = undefined
    this.#isReading = true
    this.#isStale = false
    const stops = this.#stops
    try {
      const tasks: ListedTask[] = []
      let cursor: string | null | undefined
      for (let i = 0; i < mostPages && cursor !== null; i++) {
        const page = await this.#options.list({ limit: pageLimit, ...(cursor && { cursor }) })
        tasks.push(...page.items)
        cursor = page.nextCursor
      }
      this.#failures = 0
      if (stops === this.#stops)
        this.#show({ status: 'live', tasks: tasks.filter(({ messageId }) => !this.#endedMeanwhile.has(messageId)) })
    } catch (error) {
      this.#failed(error, stops)
    }
    this.#endedMeanwhile.clear()
    this.#isReading = false
    if (this.#isStale && this.#stops) this.#readSoon(betweenMs)
  }

  #failed(error: unknown, stops: (() => void)[] | null): void {
    const { code, message } = isRunnelError(error) ? error : new RunnelError('internal', String(error))
    if (stops !== this.#stops) return
    this.#show({ status: 'failed', tasks: this.#snapshot.tasks, error: { code, message } })
    if (errorRow(code).retryable)
      this.#timer ??= setTimeout(() => void this.#read(), betweenMs + backoffDelay(this.#failures++))
  }

  #keep(tasks: readonly ListedTask[]): void {
    if (tasks.length !== this.#snapshot.tasks.length || tasks.some((task, i) => task !== this.#snapshot.tasks[i]))
      this.#show({ ...this.#snapshot, tasks })
  }

  #show(snapshot: TasksSnapshot): void {
    this.#snapshot = snapshot
    this.#listeners.emit()
  }
}
