import { errorRow, isRunnelError, RunnelError } from '../../shared/errors.ts'
import {
  readMessage,
  type By,
  type Message,
  type MessageError,
  type MessageFields,
  type TerminalStatus,
} from '../../shared/schema.ts'
import type { User } from '../auth/auth.ts'
import type { MessageWriter } from '../document/message-writer.ts'
import type { Room } from '../room/room.ts'
import type { MessageRow } from '../store/store.ts'
import { KeptData } from './kept-data.ts'
import { MessageSize } from './message-size.ts'
import type { RunRequest } from './prompt.ts'
import { RunOutput } from './run-output.ts'
import * as stages from './run-stage.ts'
import { RunUsage } from './run-usage.ts'

export interface RunOptions {
  taskId: string
  messageId: string
  chatId: string
  user: User
  request: RunRequest
  createdAt: number
  room: Room
  writer: MessageWriter
  now: () => number
  maxMessageBytes: number
  /** Writes and shows what the writer holds; calls back when it is in the log, or the room is lost. */
  flush: (room: Room, written: () => void) => void
  /** Called when it begins to wait for a person or a client and nothing of it runs, and when it goes on. */
  onParked: (run: Run, parked: boolean) => void
  /** Called once, when the model says the first of its answer. */
  onAnswering: (run: Run) => void
  /** Called once, when the terminal status is in the log. */
  onEnd: (run: Run) => void
}

/** What a client is told when it asks for the end of something that has ended, or that it ended. */
export interface RunState {
  taskId: string
  messageId: string
  chatId: string
  status: MessageFields['status']
}

export function stateOf({ taskId, id, chatId }: MessageRow, status: RunState['status']): RunState {
  return { taskId: taskId ?? '', messageId: id, chatId, status }
}

/**
 * One run of one message, from `queued` to its end: who asked for what, its
 * stage, and what it writes. `end` is the only way out and works once: whatever
 * a provider, a tool or a filter still brings is dropped. Which stage may follow
 * on which stands in `run-stage.ts`; how a run goes on from one to the next in
 * `carry-out.ts`.
 */
export class Run {
  readonly taskId: string
  readonly messageId: string
  readonly chatId: string
  readonly user: User
  readonly request: RunRequest
  readonly createdAt: number
  readonly room: Room
  readonly writer: MessageWriter
  /** The blocks that it writes. */
  readonly output: RunOutput
  /** What the provider wants back of this message so far. */
  readonly kept: KeptData
  readonly usage: RunUsage
  /** Resolves with the finished message once it is saved. */
  readonly done: Promise<Message>
  /** Once a second. */
  sweep: () => void = () => {}
  /** Before an end that comes from outside: what filters hold back is written. */
  beforeEnd: ((status: TerminalStatus) => void) | null = null
  readonly #options: RunOptions
  readonly #abort = new AbortController()
  readonly #whenParked: (() => void)[] = []
  #stage = stages.queued
  #answerCall: AnswerCall | null = null
  #resolve!: (message: Message) => void

  constructor(options: RunOptions) {
    const { taskId, messageId, chatId, user, request, createdAt, room, writer } = options
    this.taskId = taskId
    this.messageId = messageId
    this.chatId = chatId
    this.user = user
    this.request = request
    this.createdAt = createdAt
    this.room = room
    this.writer = writer
    this.#options = options
    const { usage, output } = readMessage(room.doc)
    const size = new MessageSize(options.maxMessageBytes)
    size.hold(output)
    this.output = new RunOutput(writer, size)
    this.kept = new KeptData(size)
    this.usage = new RunUsage(usage)
    this.done = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  /** Aborted when the run ends in any other way than well. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Nothing of it is written any more. */
  get ended(): boolean {
    return stages.isOver(this.#stage)
  }

  /** Why it failed. */
  get error(): MessageError | undefined {
    return this.#stage.name === 'ended' ? this.#stage.error : undefined
  }

  get parked(): boolean {
    return this.#stage.name === 'parked'
  }

  get state(): RunState {
    const { taskId, messageId, chatId } = this
    return { taskId, messageId, chatId, status: stages.statusOf(this.#stage) }
  }

  get startedAt(): number | null {
    return stages.startedAtOf(this.#stage)
  }

  /** ms that it has run, without the time in which it waited for people. */
  activeMs(now: number): number {
    return stages.activeMs(this.#stage, now)
  }

  /** Where calls wait for a person or a client; see `ToolCalls.answer`. */
  get answerCall(): AnswerCall | null {
    return this.ended ? null : this.#answerCall
  }

  set answerCall(answerCall: AnswerCall | null) {
    this.#answerCall = answerCall
  }

  begin(): void {
    const startedAt = this.#options.now()
    if (this.#move(stages.begin(this.#stage, startedAt))) this.writer.setMessage({ startedAt, status: 'preparing' })
  }

  /** After a restart: it waits as it did. */
  resume(): void {
    this.#move(stages.resume(this.#stage, this.#options.now()))
  }

  /** The model is asked; or its calls are run. */
  enter(status: 'streaming' | 'waiting'): void {
    if (this.#move(stages.enter(this.#stage, status))) this.writer.setMessage({ status })
  }

  /** The model says something. */
  answering(): void {
    if (this.#move(stages.answer(this.#stage))) this.#options.onAnswering(this)
  }

  /** Nothing of it runs until a person or a client answers; or something does again. */
  park(parked: boolean): void {
    const move = parked ? stages.park : stages.unpark
    if (!this.#move(move(this.#stage, this.#options.now()))) return
    this.#options.onParked(this, parked)
    if (parked) for (const resolve of this.#whenParked.splice(0)) resolve()
  }

  /** Writes what nobody waits for, who could hear that the message is full: the run ends by it. */
  tell(write: () => void): void {
    if (this.ended) return
    try {
      write()
    } catch (error) {
      this.end('failed', { error: messageError(error) })
    }
  }

  /**
   * Ends the run: aborts what runs, closes what is open, writes the terminal
   * status and shows it. Does nothing after the first call.
   */
  end(status: TerminalStatus, fields: Partial<MessageFields> = {}): void {
    const { beforeEnd } = this
    this.beforeEnd = null
    // A filter may end it by what it judges.
    beforeEnd?.(status)
    const endedAt = this.#options.now()
    if (!this.#move(stages.end(this.#stage, status, fields.error, endedAt))) return
    if (status !== 'completed') this.#abort.abort(new RunnelError('interrupted', 'The run has ended.'))
    this.output.closeAll(status, endedAt)
    const usage = this.usage.total
    this.writer.setMessage({ ...fields, ...(usage && { usage }), status, endedAt })
    this.#options.flush(this.room, () => this.#options.onEnd(this))
  }

  /** The log is away: nothing more can be written under this run. */
  abandon(): void {
    if (!this.#move(stages.abandon(this.#stage, this.#options.now()))) return
    this.#abort.abort(new RunnelError('store_unavailable', 'The log cannot be written.'))
    this.#options.onEnd(this)
  }

  /** The process ends while it waits for people: it waits on in the next one. */
  suspend(): void {
    if (this.#move(stages.suspend(this.#stage, this.#options.now())))
      this.#abort.abort(new RunnelError('restarting', 'The server is going down.'))
  }

  /** The message once it has ended, or as soon as it cannot go on without a person or a client. */
  async untilItNeedsNobody(): Promise<Message> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#whenParked.push(resolve)
    if (this.parked) resolve()
    const ended = await Promise.race([this.done, promise])
    if (ended) return ended
    await this.settle()
    return this.read()
  }

  /** Somebody ends it. `by` is absent where nobody knows who it was. */
  stop(by: By | undefined): void {
    this.end('stopped', by && { stoppedBy: by })
  }

  /** The message is saved as it will stay. */
  saved(message: Message): void {
    this.#resolve(message)
  }

  /** The canonical JSON now, as far as it is in the log. */
  read(): Message {
    return readMessage(this.room.doc)
  }

  /** Returns when all that was written so far is in the log. Throws what the room was lost by. */
  async settle(): Promise<void> {
    await new Promise<void>((written) => this.#options.flush(this.room, written))
    if (this.room.lost) throw this.room.lost
  }

  /** The one way from stage to stage; false where the stage does not allow it. */
  #move(next: stages.RunStage | null): boolean {
    if (next) this.#stage = next
    return next !== null
  }
}

/** What a person or a client says to a call. */
export type CallAnswer = (
  | {
      decision: 'approve' | 'deny'
      reason?: string | undefined
      /** What it runs with instead of what the model called it with: JSON, checked. */
      arguments?: string
    }
  | { output: string }
) & { by?: By }

type AnswerCall = (callId: string, answer: CallAnswer) => void

/** What a person reads of a failure. An error that nobody foresaw says no more than that. */
export function messageError(error: unknown): MessageError {
  const { code, message } = isRunnelError(error)
    ? error
    : { code: 'internal' as const, message: 'The run failed for a reason inside the server; its log has more.' }
  return { code, message, retryable: errorRow(code).retryable }
}
