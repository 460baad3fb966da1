import { RunnelError } from '../../shared/errors.ts'
import { cleanJson, type Json, type Message } from '../../shared/schema.ts'
import type { User } from '../auth/auth.ts'
import { MessageWriter } from '../document/message-writer.ts'
import type { Provider, ProviderRequest } from '../provider/events.ts'
import { newLineage, type Rooms } from '../room/rooms.ts'
import type { ChatRow, Claim, MessageRow, Store } from '../store/store.ts'
import type { ChatDocuments } from './chat-documents.ts'
import { endMessage, saveEnd, type Ending } from './ending.ts'
import { newId } from './ids.ts'
import type { MessageReader } from './message-reader.ts'
import { buildPrompt, joinedText, type RunRequest } from './prompt.ts'
import { messageError, Run, type RunState } from './run.ts'

export interface TasksOptions {
  rooms: Rooms
  store: Store
  chats: ChatDocuments
  messages: MessageReader
  provider: Provider
  now: () => number
  system: string | undefined
  maxHistoryChars: number | undefined
  maxMessageBytes: number
  maxTasks: number
  maxTasksPerUser: number
  taskMaxMs: number
  /** An error that nobody could be told. */
  onError: (error: unknown, context: { messageId: string }) => void
}

export interface StartOptions {
  user: User
  chat: ChatRow
  content: string
  /** The message that this one follows; undefined: the newest of the chat. */
  parentId: string | null | undefined
  request: RunRequest
  claim: Omit<Claim, 'response'> | undefined
}

/** The ids to follow and to stop: what a `POST …/messages` answers. */
export type Started = {
  chatId: string
  taskId: string
  messageId: string
  userMessageId: string
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

  constructor(options: TasksOptions) {
    this.#options = options
  }

  /** The run of a message while it lives. */
  ofMessage(messageId: string): Run | undefined {
    return this.#byMessage.get(messageId)
  }

  find(taskId: string): Run | undefined {
    return this.#runs.get(taskId)
  }

  /** The live runs of a user. */
  list(userId: string): (RunState & { createdAt: number; model: string })[] {
    return [...this.#runs.values()].filter(run => run.user.id === userId)
      .map(run => ({ ...run.state, createdAt: run.createdAt, model: run.request.model }))
  }

  /**
   * Writes question and answer-to-be, and returns their ids before anything is
   * prepared. The run begins by itself. Throws `busy`, `not_found` (parent),
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
        await this.#recoverOne(row)
      } catch (error) {
        this.#options.onError(error, { messageId: row.id })
      }
    }
  }

  /** Interrupts what runs and waits until all is saved. Queued runs stay queued, for the next start. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    this.#queue.clear()
    for (const run of this.#running) {
      run.end('interrupted', { error: messageError(new RunnelError('interrupted', 'The server was restarted while this answer was being written.')) })
    }
    while (this.#ending.size > 0) await Promise.all(this.#ending)
  }

  async #start({ user, chat, content, parentId, request, claim }: StartOptions): Promise<Started> {
    const { store, now, rooms, chats } = this.#options
    const createdAt = now()
    const parent = parentId === undefined ? ((await store.newestMessage(chat.id))?.id ?? null) : parentId
    const started: Started = { chatId: chat.id, taskId: newId('task'), messageId: newId('msg'), userMessageId: newId('msg') }
    const userMessage: Message = {
      id: started.userMessageId, chatId: chat.id, parentId: parent, role: 'user', status: 'completed', createdAt, schema: 1,
      output: [{ id: 'b0', type: 'text', status: 'completed', text: content.toWellFormed(), annotations: [] }],
    }
    const lineage = newLineage()
    const row: Omit<MessageRow, 'role' | 'json' | 'taskId'> & { taskId: string } = {
      id: started.messageId, chatId: chat.id, parentId: started.userMessageId, createdAt, taskId: started.taskId,
      userId: user.id, status: 'queued', request: cleanJson(request) as unknown as Json,
    }
    const written = await store.startRun({ userMessage, assistant: row, lineage, ...(claim && { claim: { ...claim, response: started } }) })
    if (written.repeated) return written.response as Started

    const room = rooms.create(started.messageId, lineage, 1)
    const run = this.#admit(row, user, request, room, 1)
    await chats.edit(chat.id, writer => {
      writer.setChat({ id: chat.id, title: chat.title, createdAt: chat.createdAt })
      writer.setMessages([
        [userMessage.id, { role: 'user', parentId: parent, createdAt, status: 'completed', text: content.toWellFormed() }],
        [run.messageId, { role: 'assistant', parentId: userMessage.id, createdAt, status: 'queued', model: request.model }],
      ])
    }).catch((error: unknown) => {
      run.end('failed', { error: messageError(error) })
      throw error
    })
    this.#beginNext()
    return started
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
      for (const run of this.#queue) {
        if (this.#running.size >= this.#options.maxTasks) return
        const ofUser = [...this.#running].filter(other => other.user.id === run.user.id).length
        if (ofUser >= this.#options.maxTasksPerUser) continue
        this.#queue.delete(run)
        this.#running.add(run)
        this.#setChatStatus(run, 'streaming')
        void run.execute(this.#options.provider, () => this.#prepare(run))
      }
    })
  }

  async #prepare(run: Run): Promise<ProviderRequest> {
    const { store, system, maxHistoryChars } = this.#options
    const chat = await store.getChat(run.chatId)
    const rows = (await store.branch(run.messageId)).filter(row => row.id !== run.messageId)
    const branch = await Promise.all(rows.map(async row => ({
      // One that still runs counts with what it has said so far.
      message: await this.#options.messages.read(row),
      providerData: row.role === 'assistant' ? await store.getProviderData(row.id) : [],
    })))
    const { model, tools, params } = run.request
    return {
      model,
      prompt: buildPrompt({ system: [system, chat?.system, run.request.system], branch, maxHistoryChars }),
      ...(tools && { tools }),
      ...(params && { params }),
    }
  }

  #ended(run: Run): void {
    this.#queue.delete(run)
    this.#running.delete(run)
    const lost = run.room.writer !== run.writer
    const ending: Ending = { messageId: run.messageId, chatId: run.chatId, room: run.room, epoch: run.writer.epoch, providerData: run.providerData }
    const saving = lost ? this.#endLater(run) : this.#save(ending)
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
  }

  #track(work: Promise<unknown>): void {
    this.#ending.add(work)
    void work.finally(() => this.#ending.delete(work))
  }

  #save(ending: Ending): Promise<Message | null> {
    return saveEnd(this.#options, ending, () => this.#closed)
  }

  /** The log refused the run's last words: its end is written when the store takes writes again. */
  async #endLater(run: Run): Promise<Message | null> {
    const { store } = this.#options
    const error = messageError(new RunnelError('store_unavailable', 'The answer could not be stored any more. What was shown is kept.'))
    for (let waitMs = 250; !this.#closed; waitMs = Math.min(waitMs * 2, 5_000)) {
      await new Promise(resolve => setTimeout(resolve, waitMs).unref())
      try {
        const row = await store.getMessage(run.messageId)
        if (!row) return null
        return await this.#save(await endMessage(this.#options, row, 'failed', error))
      } catch (reason) {
        this.#options.onError(reason, { messageId: run.messageId })
      }
    }
    return null
  }

  async #recoverOne(row: MessageRow): Promise<void> {
    const { store, rooms, chats } = this.#options
    await this.#listQuestion(row)
    if (row.status === 'queued' && row.taskId !== null && row.request !== null) {
      const room = await rooms.open(row.id)
      if (room && (room.doc.getMap('message').get('status') ?? 'queued') === 'queued') {
        const run = this.#admit({ ...row, taskId: row.taskId }, { id: row.userId, name: row.userId }, row.request as unknown as RunRequest, room, await store.drawEpoch(row.id))
        await chats.edit(row.chatId, writer => writer.setMessages([[run.messageId, { role: 'assistant', parentId: row.parentId, createdAt: row.createdAt, status: 'queued', model: run.request.model }]]))
        this.#beginNext()
        return
      }
      if (room) rooms.unpin(room)
    }
    const error = messageError(new RunnelError('interrupted', 'The server stopped while this answer was being written. What was shown is kept; it can be continued or made again.'))
    await this.#save(await endMessage(this.#options, row, 'interrupted', error))
  }

  /** A kill between the rows of a run and its chat's document left the chat without the question, and perhaps without its fields. */
  async #listQuestion({ chatId, parentId }: MessageRow): Promise<void> {
    const { store, chats } = this.#options
    const chat = await store.getChat(chatId)
    const question = parentId === null ? null : await store.getMessage(parentId)
    if (!chat || question?.role !== 'user' || !question.json) return
    const { id, createdAt, json } = question
    await chats.edit(chatId, writer => {
      writer.setChat({ id: chat.id, title: chat.title, createdAt: chat.createdAt })
      writer.setMessages([[id, { role: 'user', parentId: question.parentId, createdAt, status: 'completed', text: joinedText(json.output, 'text') }]])
    })
  }

  #setChatStatus(run: Run, status: 'streaming'): void {
    this.#options.chats.edit(run.chatId, writer => {
      if (!run.ended) writer.setMessages([[run.messageId, { status }]])
    }).catch((error: unknown) => this.#options.onError(error, { messageId: run.messageId }))
  }
}

