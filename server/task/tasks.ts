import { RunnelError } from '../../shared/errors.ts'
import { schemaVersion, type Block, type Message, type MessageFields } from '../../shared/schema.ts'
import type { User } from '../auth/auth.ts'
import type { ChatWriter } from '../document/chat-writer.ts'
import { MessageWriter } from '../document/message-writer.ts'
import type { Room } from '../room/room.ts'
import type { Rooms } from '../room/rooms.ts'
import type { MessageRow } from '../store/store.ts'
import { noSuchCall } from './call.ts'
import { alreadyAnswered } from './calls.ts'
import { carryOut, type CarryOutOptions } from './carry-out.ts'
import type { ChatDocuments } from './chat-documents.ts'
import { saveEnd, type Ending } from './ending.ts'
import { LiveRuns } from './live-runs.ts'
import type { RunRequest } from './prompt.ts'
import { endLater, interrupt, listQuestion, openQueued, openWaiting } from './recovery.ts'
import { RunLine } from './run-line.ts'
import { forgottenRequest, findRequest } from './rounds.ts'
import { messageError, Run, type CallAnswer, type RunState } from './run.ts'
import { writeContinuation, writeNewRun, type ContinueOptions, type Started, type StartOptions } from './start.ts'

export interface TasksOptions extends CarryOutOptions {
  rooms: Rooms
  chats: ChatDocuments
  maxMessageBytes: number
  maxTasks: number
  maxTasksPerUser: number
  maxQueuedTasksPerUser: number
  taskMaxMs: number
  tellEnds: boolean
  /** A run begins, begins to wait for people or goes on, has ended (its status is in the log). */
  onRun?: (event: 'begun' | 'waiting' | 'ended', run: Run) => void
}

/** All runs of this process: begun, waiting for a place, waiting for people, stopped, ended. */
export class Tasks {
  readonly #options: TasksOptions
  readonly #line: RunLine
  readonly #live = new LiveRuns()
  /** Chats in which a run is being made this moment. */
  readonly #starting = new Set<string>()
  readonly #ending = new Set<Promise<unknown>>()
  #closed = false

  constructor(options: TasksOptions) {
    this.#options = options
    this.#line = new RunLine({ ...options, begin: run => this.#begin(run) })
  }

  /** Takes new runs. */
  get open(): boolean {
    return !this.#closed
  }

  /** The run of a message while it lives. */
  ofMessage(messageId: string): Run | undefined {
    return this.#live.ofMessage(messageId)
  }

  /** Runs that have begun and not ended. */
  get begun(): readonly Run[] {
    return this.#line.begun
  }

  /** Runs that wait for a place. */
  get queued(): number {
    return this.#line.length
  }

  /** The live runs of a user. `place`: one that waits is the so manieth of all that do. */
  list(userId: string): (RunState & { createdAt: number; model: string; place?: number })[] {
    const places = this.#line.places()
    return this.#live.filter(run => run.user.id === userId).map(run => {
      const place = places.get(run)
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
    this.#refuseWhenClosed()
    if (options.parentId !== undefined) return await this.#start(options)
    const claimed = options.claim && await this.#options.store.findClaim(options.claim)
    if (claimed) return claimed.response as Started
    if (this.#starting.has(chat.id) || this.#live.filter(run => run.chatId === chat.id).length > 0) {
      throw new RunnelError('busy', 'An answer is still being written in this chat. Wait for its end, stop it, or name a parentId.')
    }
    this.#starting.add(chat.id)
    try {
      return await this.#start(options)
    } finally {
      this.#starting.delete(chat.id)
    }
  }

  /** A new run goes on with an answer that has ended. Throws as `start`; `busy` while the message's run lives. */
  async continue(options: ContinueOptions): Promise<Started> {
    this.#refuseWhenClosed()
    const { message, user, claim } = options
    const { store, rooms } = this.#options
    const repeated = await this.#refuseWhenFull(user, claim)
    if (repeated) return repeated
    const written = await writeContinuation(store, options)
    if ('repeated' in written) return written.repeated
    const { started, request } = written
    const room = await rooms.open(message.id)
    if (!room) throw new RunnelError('not_found', 'There is no such message.')
    const run = this.#admit({ ...message, taskId: started.taskId }, user, request, room, await store.drawEpoch(message.id))
    await this.#list(run, writer => writer.setMessages([[message.id, { status: 'queued' }]]))
    return started
  }

  /**
   * What a person or a client says to a call that waits: the first answer wins.
   * Returns the call's block once that is in the log. Throws `not_found`,
   * `already_answered`, `bad_request`, `restarting`, `store_unavailable`.
   */
  async answerCall(message: MessageRow, callId: string, answer: CallAnswer): Promise<Block> {
    this.#refuseWhenClosed()
    const run = this.#live.ofMessage(message.id)
    if (!run?.answerCall) {
      const { output } = run?.read() ?? await this.#options.messages.read(message)
      throw output.some(block => block.type === 'tool_call' && block.callId === callId) ? alreadyAnswered() : noSuchCall()
    }
    const blockId = run.answerCall(callId, answer)
    await run.settle()
    return run.read().output.find(({ id }) => id === blockId)!
  }

  /** Ends a run as `stopped`; one that has ended stays as it is. */
  stop(run: Run): RunState {
    run.end('stopped')
    return run.state
  }

  /** Ends the runs of messages that are about to go, and waits until nothing of them is written any more. */
  async endAll(match: (run: Run) => boolean): Promise<void> {
    const runs = this.#live.filter(match)
    for (const run of runs) run.end('stopped')
    await Promise.all(runs.map(run => run.done))
  }

  /** Runs and calls over their time. One pass a second instead of a timer each. */
  sweep(): void {
    const now = this.#options.now()
    for (const run of this.#line.begun) {
      run.sweep()
      if (run.activeMs(now) > this.#options.taskMaxMs) {
        run.end('failed', { error: messageError(new RunnelError('task_timeout', `The answer took longer than ${this.#options.taskMaxMs} ms (RUNNEL_TASK_MAX_MS).`)) })
      }
    }
  }

  /** What a crash left behind: queued runs are queued again, those that waited for people wait on, the others end as `interrupted`. */
  async recover(): Promise<void> {
    for (const row of await this.#options.store.unfinished()) {
      try {
        await listQuestion(this.#options, row)
        if (!await this.#requeue(row) && !await this.#resume(row)) await this.#save(await interrupt(this.#options, row))
      } catch (error) {
        this.#options.onError(error, { messageId: row.id })
      }
    }
  }

  /**
   * Takes no more runs, lets those that run end for `drainMs`, interrupts the
   * rest and waits until all is saved. Queued runs stay queued, and those that
   * wait for people wait, for the next start.
   */
  async close(drainMs: number): Promise<void> {
    this.#closed = true
    await this.#line.close(drainMs)
    for (const run of this.#line.parked) run.suspend()
    const running = [...this.#line.running]
    for (const run of running) {
      run.end('interrupted', { error: messageError(new RunnelError('interrupted', 'The server was restarted while this answer was being written.')) })
    }
    await Promise.all(running.map(run => run.done))
    while (this.#ending.size > 0) await Promise.all(this.#ending)
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw new RunnelError('restarting', 'The server is going down; try again in a moment.')
  }

  async #refuseWhenFull(user: User, claim: StartOptions['claim']): Promise<Started | undefined> {
    if (!this.#line.isFullFor(user)) return undefined
    const claimed = claim && await this.#options.store.findClaim(claim)
    if (claimed) return claimed.response as Started
    throw new RunnelError('rate_limited', 'Too many of your answers wait for a place already; wait for one or stop one (RUNNEL_MAX_QUEUED_TASKS_PER_USER).')
  }

  async #start(options: StartOptions): Promise<Started> {
    const { user, chat, request, claim } = options
    const { store, now, rooms } = this.#options
    const repeated = await this.#refuseWhenFull(user, claim)
    if (repeated) return repeated
    const written = await writeNewRun(store, options, now())
    if ('repeated' in written) return written.repeated
    const { started, row, lineage, entries } = written
    const run = this.#admit(row, user, request, rooms.create(started.messageId, lineage, 1), 1)
    await this.#list(run, writer => {
      writer.setChat({ id: chat.id, title: chat.title, createdAt: chat.createdAt })
      writer.setMessages(entries)
    })
    return started
  }

  /** A run that is in its chat's list begins when there is a place; one that cannot be listed has failed. */
  async #list(run: Run, edit: (writer: ChatWriter) => void): Promise<void> {
    await this.#options.chats.edit(run.chatId, edit).catch((error: unknown) => {
      run.end('failed', { error: messageError(error) })
      throw error
    })
    this.#line.beginNext()
  }

  /** Makes the run of a message whose document is at hand, and queues it. */
  #admit(row: Pick<MessageRow, 'id' | 'chatId' | 'parentId' | 'createdAt'> & { taskId: string }, user: User, request: RunRequest, room: Room, epoch: number): Run {
    const run = this.#register(row, user, request, room, epoch)
    this.#line.add(run)
    run.writer.setMessage({
      id: row.id, chatId: row.chatId, parentId: row.parentId, role: 'assistant', model: request.model,
      taskId: row.taskId, status: 'queued', createdAt: row.createdAt, schema: schemaVersion,
      ...(request.continues && { endedAt: undefined, finishReason: undefined, error: undefined } as unknown as Partial<MessageFields>),
    })
    this.#options.rooms.flusher.flushNow(room)
    return run
  }

  #register(row: Pick<MessageRow, 'id' | 'chatId' | 'createdAt'> & { taskId: string }, user: User, request: RunRequest, room: Room, epoch: number): Run {
    const { rooms, now, maxMessageBytes } = this.#options
    const writer = new MessageWriter(room.doc, epoch)
    rooms.attach(room, writer)
    const run: Run = new Run({
      taskId: row.taskId, messageId: row.id, chatId: row.chatId, createdAt: row.createdAt,
      user, request, room, writer, now, maxMessageBytes,
      flush: (room, written) => rooms.flusher.flushNow(room, written),
      onParked: (run, parked) => this.#parked(run, parked),
      onEnd: run => this.#ended(run),
    })
    room.onLost = () => run.abandon()
    this.#live.add(run)
    return run
  }

  #begin(run: Run): void {
    this.#options.onRun?.('begun', run)
    this.#setChatStatus(run, 'streaming')
    run.begin()
    void carryOut(run, this.#options)
  }

  #parked(run: Run, parked: boolean): void {
    this.#line.park(run, parked)
    this.#options.onRun?.('waiting', run)
    this.#setChatStatus(run, parked ? 'waiting' : 'streaming')
  }

  #ended(run: Run): void {
    this.#options.onRun?.('ended', run)
    this.#line.ended(run)
    const lost = run.room.writer !== run.writer
    const providerData = findRequest(run.providerData) ? [...run.providerData, forgottenRequest] : run.providerData
    const ending: Ending = { messageId: run.messageId, chatId: run.chatId, room: run.room, epoch: run.writer.epoch, providerData }
    const saving = lost ? endLater(this.#options, run.messageId, late => this.#save(late), () => this.#closed) : this.#save(ending)
    const saved = saving.catch((error: unknown) => {
      this.#options.onError(error, { messageId: run.messageId })
      return null
    }).then(message => {
      this.#live.delete(run)
      run.saved(message ?? run.read())
    })
    this.#ending.add(saved)
    void saved.finally(() => this.#ending.delete(saved))
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
    this.#line.beginNext()
    return true
  }

  /** True if the run only waited for people: it waits on. */
  async #resume(row: MessageRow): Promise<boolean> {
    const { store, rooms } = this.#options
    const waiting = await openWaiting(rooms, row)
    if (!waiting) return false
    const run = this.#register(waiting, { id: row.userId, name: row.userId }, waiting.request, waiting.room, await store.drawEpoch(row.id))
    run.providerData = await store.getProviderData(row.id)
    run.resume()
    this.#line.addParked(run)
    void carryOut(run, this.#options, true)
    return true
  }

  #setChatStatus(run: Run, status: 'streaming' | 'waiting'): void {
    this.#options.chats.edit(run.chatId, writer => {
      if (!run.ended) writer.setMessages([[run.messageId, { status }]])
    }).catch((error: unknown) => this.#options.onError(error, { messageId: run.messageId }))
  }
}
