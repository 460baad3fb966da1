import { RunnelError } from '../../shared/errors.ts'
import { schemaVersion, type Message, type MessageFields } from '../../shared/schema.ts'
import type { User } from '../auth/auth.ts'
import type { Authors } from '../auth/authors.ts'
import { MessageWriter } from '../document/message-writer.ts'
import type { Patience } from '../waiting/patience.ts'
import { within } from '../waiting/race.ts'
import type { ProviderDecision } from '../provider/events.ts'
import type { Rooms } from '../room/rooms.ts'
import type { MessageRow } from '../store/store.ts'
import { admittedModel } from './answering-model.ts'
import { decidedBy, deniedWords } from './call.ts'
import { carryOut, type CarryOutOptions } from './carry-out.ts'
import type { ChatDocuments } from './chat-documents.ts'
import { orUnpin, saveEnd, type Ending, type Taken } from './ending.ts'
import type { Ends } from './ends.ts'
import { LiveRuns } from './live-runs.ts'
import type { RunRequest } from './prompt.ts'
import { endLater } from './recovery.ts'
import { RunLine } from './run-line.ts'
import { findRequest, forgottenRequest } from './rounds.ts'
import { messageError, Run } from './run.ts'

/** A new run waits so long until the one before it is saved. */
const savingMs = 2_000

export interface RunningOptions extends CarryOutOptions {
  rooms: Rooms
  chats: ChatDocuments
  /** This process, as other nodes know it. */
  node: string
  patience: Patience
  /** What people are called in documents. */
  authors: Authors
  maxMessageBytes: number
  maxTasks: number
  maxTasksPerUser: number
  maxQueuedTasksPerUser: number
  maxWaitingPerChat: number
  maxWaitingPerUser: number
  taskMaxMs: number
  ends: Ends | null
  /** What the addresses of files begin with. */
  filesUrl: string
  /** A run stands in line. */
  onAdmitted?: (run: Run) => void
  /** The end of a run is saved, or its message is gone. */
  onSaved?: (message: Message) => void
  /** A run begins, hears the first of its model, begins to wait for people or goes on, has ended (its status is in the log). */
  onRun?: (event: 'begun' | 'answering' | 'waiting' | 'ended', run: Run) => void
}

/** A run that is this process's to carry out, with the message that it writes from now on. */
export interface TakenRun extends Taken {
  row: Pick<MessageRow, 'id' | 'chatId' | 'parentId' | 'createdAt'> & { taskId: string }
  user: User
  request: RunRequest
}

/** The runs of this process, from their making until their end is saved. */
export class Running {
  readonly line: RunLine
  readonly live = new LiveRuns()
  readonly #options: RunningOptions
  readonly #ending = new Set<Promise<unknown>>()
  /** What is being written of it: whether it waits for people. */
  readonly #waits = new WeakMap<Run, Promise<void>>()
  #closed = false

  constructor(options: RunningOptions) {
    this.#options = options
    this.line = new RunLine({ ...options, begin: (run) => this.#begin(run) })
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Throws `restarting` where no more runs are taken. */
  refuseWhenClosed(): void {
    if (this.#closed) throw new RunnelError('restarting', 'The server is going down; try again in a moment.')
  }

  /** A run that waits for a slot; `line.beginNext` begins it. */
  admit(taken: TakenRun): Run {
    const { row, request, room } = taken
    const run = this.#register(taken)
    this.line.add(run)
    run.writer.setMessage({
      id: row.id,
      chatId: row.chatId,
      parentId: row.parentId,
      role: 'assistant',
      ...(request.by && { by: request.by }),
      model: admittedModel(room, request),
      taskId: row.taskId,
      status: 'queued',
      createdAt: row.createdAt,
      schema: schemaVersion,
      ...(request.continues &&
        ({
          endedAt: undefined,
          finishReason: undefined,
          note: undefined,
          stoppedBy: undefined,
          error: undefined,
        } as unknown as Partial<MessageFields>)),
    })
    if (request.decision) showDecision(run, request.decision)
    this.#options.rooms.flusher.flushNow(room)
    this.#options.onAdmitted?.(run)
    return run
  }

  /** A run that waited for people when its process ended: it waits on. */
  async resume(taken: TakenRun): Promise<void> {
    const { rooms, store } = this.#options
    const providerData = await orUnpin(rooms, taken.room, () => store.getProviderData(taken.row.id))
    const run = this.#register(taken)
    run.kept.adopt(providerData)
    run.resume()
    this.line.addParked(run)
    void carryOut(run, this.#options, true)
  }

  /** Runs and calls over their time. One pass a second instead of a timer each. */
  sweep(): void {
    const { now, taskMaxMs } = this.#options
    for (const run of this.line.begun) {
      run.sweep()
      if (run.activeMs(now()) > taskMaxMs) {
        run.end('failed', {
          error: messageError(
            new RunnelError('task_timeout', `The answer took longer than ${taskMaxMs} ms (RUNNEL_TASK_MAX_MS).`),
          ),
        })
      }
    }
  }

  /** Saves an ending that came from elsewhere. */
  async save(ending: Ending): Promise<Message | null> {
    const message = await saveEnd(this.#options, ending, () => this.#closed)
    if (message) this.#options.onSaved?.(message)
    return message
  }

  /** Waits a moment for ends that are being saved: who has seen an answer end may go on from it at once. */
  async saved(match: (run: Run) => boolean): Promise<void> {
    const ending = this.live.filter((run) => run.ended && match(run))
    if (ending.length > 0)
      await within(savingMs, () => new Error('Not saved in time.'), Promise.all(ending.map((run) => run.done))).catch(
        () => {},
      )
  }

  /** Begins no more, lets those that run end for `drainMs`, interrupts the rest and waits until all is saved. */
  async close(drainMs: number): Promise<void> {
    this.#closed = true
    await this.line.close(drainMs)
    for (const run of this.line.parked) run.suspend()
    this.#options.patience.end()
    const running = [...this.line.running]
    for (const run of running) {
      run.end('interrupted', {
        error: messageError(
          new RunnelError('interrupted', 'The server was restarted while this answer was being written.'),
        ),
      })
    }
    await Promise.all(running.map((run) => run.done))
    while (this.#ending.size > 0) await Promise.all(this.#ending)
  }

  #register({ row, user, request, room, epoch }: TakenRun): Run {
    const { rooms, now, maxMessageBytes } = this.#options
    const writer = new MessageWriter(room.doc, epoch)
    rooms.attach(room, writer, request.flushMs)
    const run: Run = new Run({
      taskId: row.taskId,
      messageId: row.id,
      chatId: row.chatId,
      createdAt: row.createdAt,
      user,
      request,
      room,
      writer,
      now,
      maxMessageBytes,
      flush: (room, written) => rooms.flusher.flushNow(room, written),
      onParked: (run, parked) => this.#parked(run, parked),
      onAnswering: (run) => this.#options.onRun?.('answering', run),
      onEnd: (run) => this.#ended(run),
    })
    room.onLost = () => run.abandon()
    this.live.add(run)
    return run
  }

  #begin(run: Run): void {
    this.#options.onRun?.('begun', run)
    this.#setChatStatus(run, 'streaming')
    run.begin()
    void carryOut(run, this.#options)
  }

  #parked(run: Run, parked: boolean): void {
    this.line.park(run, parked)
    this.#options.onRun?.('waiting', run)
    this.#setChatStatus(run, parked ? 'waiting' : 'streaming')
    this.#keepWaits(run, parked)
  }

  #ended(run: Run): void {
    this.#options.onRun?.('ended', run)
    this.line.ended(run)
    const lost = run.room.writer !== run.writer
    const kept = run.kept.entries
    const providerData = [...kept, ...(findRequest(kept) ? [forgottenRequest] : [])]
    const ending: Ending = {
      messageId: run.messageId,
      taskId: run.taskId,
      chatId: run.chatId,
      room: run.room,
      epoch: run.writer.epoch,
      providerData,
    }
    const saving = lost
      ? endLater(
          this.#options,
          run,
          (late) => this.save(late),
          () => this.#closed,
        )
      : this.save(ending)
    const saved = saving
      .catch((error: unknown) => {
        this.#options.onError(error, { messageId: run.messageId })
        return null
      })
      .then((message) => {
        this.live.delete(run)
        run.saved(message ?? run.read())
      })
    this.#ending.add(saved)
    void saved.finally(() => this.#ending.delete(saved))
  }

  /** For lists of chats. In the order in which it came, however long each takes. */
  #keepWaits(run: Run, waits: boolean): void {
    const { store, onError } = this.#options
    const before = this.#waits.get(run) ?? Promise.resolve()
    const kept = before
      .then(() => store.runWaits(run, waits))
      .catch((error: unknown) => onError(error, { messageId: run.messageId }))
    this.#waits.set(run, kept)
  }

  #setChatStatus(run: Run, status: 'streaming' | 'waiting'): void {
    this.#options.chats
      .edit(run.chatId, (writer) => {
        if (!run.ended) writer.setMessages([[run.messageId, { status }]])
      })
      .catch((error: unknown) => this.#options.onError(error, { messageId: run.messageId }))
  }
}

/** What was said to a call that the provider runs itself: its result, if there is one, is another call. */
function showDecision(run: Run, { callId, approve, reason }: ProviderDecision): void {
  const call = run.read().output.findLast((block) => block.type === 'tool_call' && block.callId === callId)
  if (call)
    run.writer.closeBlock(call.id, approve ? 'completed' : 'denied', {
      ...decidedBy(run.request.by),
      ...(!approve && { error: deniedWords(reason) }),
    })
}
