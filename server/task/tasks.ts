import { RunnelError } from '../../shared/errors.ts'
import type { Message } from '../../shared/schema.ts'
import type { User } from '../auth/auth.ts'
import { MessageWriter } from '../document/message-writer.ts'
import type { Provider } from '../provider/events.ts'
import type { Rooms } from '../room/rooms.ts'
import type { Files } from '../files/files.ts'
import type { MessageRow, Store } from '../store/store.ts'
import { listedFiles } from './attachments.ts'
import type { ChatDocuments } from './chat-documents.ts'
import { saveEnd, type Ending } from './ending.ts'
import type { MessageReader } from './message-reader.ts'
import { prepareRequest } from './prepare.ts'
import type { RunRequest } from './prompt.ts'
import { endLater, interrupt, listQuestion, openQueued } from './recovery.ts'
import { messageError, Run, type RunState } from './run.ts'
import { newRows, type Started, type StartOptions } from './start.ts'

export interface TasksOptions {
  rooms: Rooms
  store: Store
  files: Files
  chats: ChatDocuments
  messages: MessageReader
  provider: Provider
  now: () => number
  system: string | undefined
  maxHistoryChars: number | undefined
  maxMessageBytes: number
  maxTasks: number
  maxTasksPerUser: number
  maxQueuedTasksPerUser: number
  taskMaxMs: number
  /** A run begins, has ended (its status is in the log). */
  onRun?: (event: 'begun' | 'ended', run: Run) => void
  /** An error that nobody could be told. */
  onError: (error: unknown, context: { messageId: string }) => void
}

/** All runs of this process: begun, waiting for a place, stopped, ended. */
export class Tasks {
  readonly #options: TasksOptions
  readonly #runs = new Map<string, Run>()
  readonly #byMessage = new Map<string, Run>()
  /** Runs that wait for a place, oldest first. */
  readonly #queue = new Set<Run>()
  readonly #running = new Set<Run>()
  /** Chats in which a run is being made this moment. */
  readonly #starting = new Set<string>()
  readonly #ending = new Set<Promise<unknown>>()
  #closed = false
  /** The last run has ended, while closing. */
  #onIdle: () => void = () => {}

  constructor(options: TasksOptions) {
    this.#options = options
  }

  /** Takes new runs. */
  get open(): boolean {
    return !this.#closed
  }

  /** The run of a message while it lives. */
  ofMessage(messageId: string): Run | undefined {
    return this.#byMessage.get(messageId)
  }

  find(taskId: string): Run | undefined {
    return this.#runs.get(taskId)
  }

  /** Runs that have begun and not ended. */
  get running(): Iterable<Run> {
    return this.#running
  }

  /** Runs that wait for a place. */
  get queued(): number {
    return this.#queue.size
  }

  /** The live runs of a user. `place`: one that waits is the so manieth of all that do. */
  list(userId: string): (RunState & { createdAt: number; model: string; place?: number })[] {
    const line = new Map([...this.#queue].map((run, i) => [run, i + 1]))
    return [...this.#runs.values()].filter(run => run.user.id === userId).map(run => {
      const place = line.get(run)
      return { ...run.state, createdAt: run.createdAt, model: run.request.model, ...(place !== undefined && { place }) }
    })
  }

  /**
   * Writes question and answer-to-be, and returns their ids before anything is
   * prepared. The run begins by itself. Throws `busy`, `rate_limited`, `not_found` (parent),
   * `restarting`, `store_unavailable`, `idempotency_mismatch`.
   */
  async start(options: StartOptions): Promise<Started> {
    const { chat } = options
    if (this.#closed) throw new RunnelError('restarting', 'The server is going down; try again in a moment.')
    if (options.parentId !== undefined) return await this.#start(options)
    const claimed = options.claim && await this.#options.store.findClaim(options.claim)
    if (claimed) return claimed.response as Started
    if (this.#starting.has(chat.id) || [...this.#runs.values()].some(run => run.chatId === chat.id)) {
      throw new RunnelError('busy', 'An answer is still being written in this chat. Wait for its end, stop it, or name a parentId.')
    }
    this.#starting.add(chat.id)
    try {
      return await this.#start(options)
    } finally {
      this.#starting.delete(chat.id)
    }
  }

  /** Ends a run as `stopped`; one that has ended stays as it is. */
  stop(run: Run): RunState {
    run.end('stopped')
    return run.state
  }

  /** Ends the runs of messages that are about to go, and waits until nothing of them is written any more. */
  async endAll(match: (run: Run) => boolean): Promise<void> {
    const runs = [...this.#runs.values()].filter(match)
    for (const run of runs) run.end('stopped')
    await Promise.all(runs.map(run => run.done))
  }

  /** Runs over their time. One pass a second instead of a timer each. */
  sweep(): void {
    const now = this.#options.now()
    for (const run of this.#running) {
      if (run.startedAt !== null && now - run.startedAt > this.#options.taskMaxMs) {
        run.end('failed', { error: messageError(new RunnelError('task_timeout', `The answer took longer than ${this.#options.taskMaxMs} ms (RUNNEL_TASK_MAX_MS).`)) })
      }
    }
  }

  /** What a crash left behind: queued runs are queued again, the others end as `interrupted`. */
  async recover(): Promise<void> {
    for (const row of await this.#options.store.unfinished()) {
      try {
        await listQuestion(this.#options, row)
        if (!await this.#requeue(row)) await this.#save(await interrupt(this.#options, row))
      } catch (error) {
        this.#options.onError(error, { messageId: row.id })
      }
    }
  }

  /**
   * Takes no more runs, lets those that run end for `drainMs`, interrupts the
   * rest and waits until all is saved. Queued runs stay queued, for the next start.
   */
  async close(drainMs: number): Promise<void> {
    this.#closed = true
    this.#queue.clear()
    await this.#drained(drainMs)
    const running = [...this.#running]
    for (const run of running) {
      run.end('interrupted', { error: messageError(new RunnelError('interrupted', 'The server was restarted while this answer was being written.')) })
    }
    await Promise.all(running.map(run => run.done))
    while (this.#ending.size > 0) await Promise.all(this.#ending)
  }

  async #start(options: StartOptions): Promise<Started> {
    const { user, chat, content, files = [], parentId, request, claim } = options
    const { store, now, rooms, chats } = this.#options
    if (this.#queueIsFull(user)) {
      const claimed = claim && await store.findClaim(claim)
      if (claimed) return claimed.response as Started
      throw new RunnelError('rate_limited', 'Too many of your answers wait for a place already; wait for one or stop one (RUNNEL_MAX_QUEUED_TASKS_PER_USER).')
    }
    const createdAt = now()
    const parent = parentId === undefined ? ((await store.newestMessage(chat.id))?.id ?? null) : parentId
    const { started, userMessage, row, lineage } = newRows(options, createdAt, parent)
    const written = await store.startRun({ userMessage, assistant: row, lineage, files: files.map(({ id }) => id), ...(claim && { claim: { ...claim, response: started } }) })
    if (written.repeated) return written.response as Started

    const room = rooms.create(started.messageId, lineage, 1)
    const run = this.#admit(row, user, request, room, 1)
    await chats.edit(chat.id, writer => {
      writer.setChat({ id: chat.id, title: chat.title, createdAt: chat.createdAt })
      writer.setMessages([
        [userMessage.id, { role: 'user', parentId: parent, createdAt, status: 'completed', text: content.toWellFormed(), ...listedFiles(userMessage) }],
        [run.messageId, { role: 'assistant', parentId: userMessage.id, createdAt, status: 'queued', model: request.model }],
      ])
    }).catch((error: unknown) => {
      run.end('failed', { error: messageError(error) })
      throw error
    })
    this.#beginNext()
    return started
  }

  #queueIsFull(user: User): boolean {
    let waiting = 0
    for (const run of this.#queue) if (run.user.id === user.id) waiting += 1
    return waiting >= this.#options.maxQueuedTasksPerUser
  }

  /** Makes the run of a message whose document is at hand, and queues it. */
  #admit(row: Pick<MessageRow, 'id' | 'chatId' | 'parentId' | 'createdAt'> & { taskId: string }, user: User, request: RunRequest, room: Run['room'], epoch: number): Run {
    const { rooms, now, maxMessageBytes } = this.#options
    const writer = new MessageWriter(room.doc, epoch)
    rooms.attach(room, writer)
    const run: Run = new Run({
      taskId: row.taskId, messageId: row.id, chatId: row.chatId, createdAt: row.createdAt,
      user, request, room, writer, now, maxMessageBytes,
      flush: (room, written) => rooms.flusher.flushNow(room, written),
      onEnd: run => this.#ended(run),
    })
    room.onLost = () => run.abandon()
    this.#runs.set(run.taskId, run)
    this.#byMessage.set(run.messageId, run)
    this.#queue.add(run)
    writer.setMessage({
      id: row.id, chatId: row.chatId, parentId: row.parentId, role: 'assistant', model: request.model,
      taskId: row.taskId, status: 'queued', createdAt: row.createdAt, schema: 1,
    })
    rooms.flusher.flushNow(room)
    return run
  }

  /** Begins the oldest runs that have a place, at the next turn of the event loop: the answer to `POST` comes first. */
  #beginNext(): void {
    setImmediate(() => {
      // One that was being made when the end began stays queued, for the next start.
      if (this.#closed) return
      for (const run of this.#queue) {
        if (this.#running.size >= this.#options.maxTasks) return
        const ofUser = [...this.#running].filter(other => other.user.id === run.user.id).length
        if (ofUser >= this.#options.maxTasksPerUser) continue
        this.#queue.delete(run)
        this.#running.add(run)
        this.#options.onRun?.('begun', run)
        this.#setChatStatus(run, 'streaming')
        void run.execute(this.#options.provider, () => prepareRequest(this.#options, run))
      }
    })
  }

  #ended(run: Run): void {
    this.#options.onRun?.('ended', run)
    this.#queue.delete(run)
    this.#running.delete(run)
    const lost = run.room.writer !== run.writer
    const ending: Ending = { messageId: run.messageId, chatId: run.chatId, room: run.room, epoch: run.writer.epoch, providerData: run.providerData }
    const saving = lost ? endLater(this.#options, run.messageId, late => this.#save(late), () => this.#closed) : this.#save(ending)
    const saved = saving.catch((error: unknown) => {
      this.#options.onError(error, { messageId: run.messageId })
      return null
    }).then(message => {
      this.#runs.delete(run.taskId)
      this.#byMessage.delete(run.messageId)
      run.saved(message ?? run.read())
    })
    this.#track(saved)
    if (!this.#closed) this.#beginNext()
    else if (this.#running.size === 0) this.#onIdle()
  }

  #drained(drainMs: number): Promise<void> {
    if (this.#running.size === 0 || drainMs === 0) return Promise.resolve()
    return new Promise(resolve => {
      const patience = setTimeout(resolve, drainMs)
      this.#onIdle = () => {
        clearTimeout(patience)
        resolve()
      }
    })
  }

  #track(work: Promise<unknown>): void {
    this.#ending.add(work)
    void work.finally(() => this.#ending.delete(work))
  }

  #save(ending: Ending): Promise<Message | null> {
    return saveEnd(this.#options, ending, () => this.#closed)
  }

  /** True if the run had not begun: it waits again. */
  async #requeue(row: MessageRow): Promise<boolean> {
    const { store, rooms, chats } = this.#options
    const waiting = await openQueued(rooms, row)
    if (!waiting) return false
    const run = this.#admit(waiting, { id: row.userId, name: row.userId }, waiting.request, waiting.room, await store.drawEpoch(row.id))
    await chats.edit(row.chatId, writer => writer.setMessages([[run.messageId, { role: 'assistant', parentId: row.parentId, createdAt: row.createdAt, status: 'queued', model: run.request.model }]]))
    this.#beginNext()
    return true
  }

  #setChatStatus(run: Run, status: 'streaming'): void {
    this.#options.chats.edit(run.chatId, writer => {
      if (!run.ended) writer.setMessages([[run.messageId, { status }]])
    }).catch((error: unknown) => this.#options.onError(error, { messageId: run.messageId }))
  }
}
