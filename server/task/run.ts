import { errorRow, RunnelError } from '../../shared/errors.ts'
import { endOf } from '../../shared/known-types.ts'
import {
  addUsage,
  readMessage,
  type BlockStatus,
  type JsonObject,
  type Message,
  type MessageError,
  type MessageFields,
  type NewBlock,
  type TerminalStatus,
  type ToolCallStatus,
  type Usage,
} from '../../shared/schema.ts'
import type { User } from '../auth/auth.ts'
import type { MessageWriter } from '../document/message-writer.ts'
import type { Room } from '../room/room.ts'
import type { ProviderData } from '../store/store.ts'
import { fieldBytes, MessageSize, valueBytes } from './message-size.ts'
import type { RunRequest } from './prompt.ts'

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

/**
 * One run of one message, from `queued` to its terminal status: its stage, its
 * open blocks, its end. `end` is the only way out and works once: whatever a
 * provider, a tool or a filter still brings is dropped. How a run goes on from
 * stage to stage stands in `carry-out.ts`.
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
  /** Resolves with the finished message once it is saved. */
  readonly done: Promise<Message>
  startedAt: number | null = null
  /** Where calls wait for a person or a client; see `ToolCalls.answer`. */
  answerCall: ((callId: string, answer: CallAnswer) => void) | null = null
  /** Once a second. */
  sweep: () => void = () => {}
  readonly #options: RunOptions
  readonly #abort = new AbortController()
  /** Block id → type of what is still written to. */
  readonly #open = new Map<string, string>()
  #last: { id: string; type: string } | null = null
  #status: MessageFields['status'] = 'queued'
  #ended = false
  #answering = false
  #bytes = 0
  readonly #size: MessageSize
  /** Of earlier runs and finished requests; of the request that runs. */
  #spent: Usage | undefined
  #current: Usage | undefined
  #error: MessageError | undefined
  #parkedAt: number | null = null
  #providerData: ProviderData[] = []
  #parkedMs = 0
  readonly #whenParked: (() => void)[] = []
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
    this.#spent = usage
    this.#size = new MessageSize(options.maxMessageBytes)
    this.#size.hold(output)
    this.done = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  /** Aborted when the run ends in any other way than well. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** What the provider wants back of this message so far, earlier runs included. */
  get providerData(): readonly ProviderData[] {
    return this.#providerData
  }

  /** What earlier runs have kept. */
  adoptData(providerData: readonly ProviderData[]): void {
    this.#providerData = [...providerData]
    this.#size.holdData(providerData)
  }

  /** Keeps what the provider wants back. Throws `message_too_large`. */
  keep(entry: ProviderData): void {
    this.#size.add(valueBytes(entry.data) + Buffer.byteLength(entry.blockId), 1)
    this.#providerData.push(entry)
  }

  /** Keeps what the run itself wants back: of no size of the message's. */
  note(...entries: ProviderData[]): void {
    this.#providerData.push(...entries)
  }

  /** Bytes that provider and tools have brought for the message in this run. */
  get outputBytes(): number {
    return this.#bytes
  }

  get usage(): Usage | undefined {
    return addUsage(this.#spent, this.#current)
  }

  /** Why it failed. */
  get error(): MessageError | undefined {
    return this.#error
  }

  get ended(): boolean {
    return this.#ended
  }

  get parked(): boolean {
    return this.#parkedAt !== null
  }

  get state(): RunState {
    return { taskId: this.taskId, messageId: this.messageId, chatId: this.chatId, status: this.#status }
  }

  /** ms that it has run, without the time in which it waited for people. */
  activeMs(now: number): number {
    if (this.startedAt === null) return 0
    return (this.#parkedAt ?? now) - this.startedAt - this.#parkedMs
  }

  /** A stage begins. */
  enter(status: 'preparing' | 'streaming' | 'waiting', fields: Partial<MessageFields> = {}): void {
    if (this.ended || this.#status === status) return
    this.#status = status
    this.writer.setMessage({ ...fields, status })
  }

  begin(): void {
    this.startedAt = this.#options.now()
    this.enter('preparing', { startedAt: this.startedAt })
  }

  /** After a restart: it waits as it did. */
  resume(): void {
    this.startedAt = this.#options.now()
    this.#status = 'waiting'
  }

  /** Nothing of it runs until a person or a client answers; or something does again. */
  park(parked: boolean): void {
    if (this.ended || parked === this.parked) return
    const now = this.#options.now()
    if (this.#parkedAt !== null) this.#parkedMs += now - this.#parkedAt
    this.#parkedAt = parked ? now : null
    this.#options.onParked(this, parked)
    if (parked) for (const resolve of this.#whenParked.splice(0)) resolve()
  }

  /** Opens a block that is closed with the run at the latest. */
  open(block: NewBlock): string {
    const id = this.add(block)
    this.#open.set(id, block.type)
    return id
  }

  /** A block that is whole as it comes. Throws `message_too_large`. */
  add(block: NewBlock): string {
    this.#size.add(fieldBytes(block), 1)
    const id = this.writer.openBlock(block)
    this.#last = { id, type: block.type }
    return id
  }

  /** Text behind the text that the message ends with, or as a block of its own. Returns the block's id. */
  appendText(text: string): string {
    const id = this.#last?.type === 'text' ? this.#last.id : this.add({ type: 'text', status: 'in_progress' })
    this.writer.append(id, 'text', text)
    // One that nobody writes any more gives its lane back.
    if (!this.#open.has(id)) this.writer.closeBlock(id, 'completed')
    return id
  }

  /** Writes on in a block that is there. */
  reopen(id: string, type: string): void {
    this.#open.set(id, type)
  }

  /** Sets fields of a block. Throws `message_too_large`. */
  set(id: string, fields: JsonObject): void {
    this.#size.add(fieldBytes(fields))
    this.writer.setBlock(id, fields)
  }

  /** A citation. Throws `message_too_large`. */
  annotate(id: string, annotation: JsonObject): void {
    this.#size.add(valueBytes(annotation), 1)
    this.writer.annotate(id, annotation)
  }

  /** Replaces text that is there. Throws `message_too_large`. */
  replace(...edit: Parameters<MessageWriter['replace']>): void {
    const [, , , deleteCount, insert] = edit
    this.#size.add(Math.max(0, Buffer.byteLength(insert) - deleteCount))
    this.writer.replace(...edit)
  }

  /** `stays`: it is written to later on, a call that waits to be run. Throws `message_too_large`. */
  close(id: string, status: BlockStatus | ToolCallStatus, fields: JsonObject = {}, stays = false): void {
    this.#size.add(fieldBytes(fields))
    this.writer.closeBlock(id, status, fields)
    if (!stays) this.#open.delete(id)
  }

  /** The model says something. */
  answering(): void {
    if (this.#answering || this.ended) return
    this.#answering = true
    this.#options.onAnswering(this)
  }

  /** Counts text that comes in. Throws `message_too_large`. */
  count(text: string): void {
    const bytes = Buffer.byteLength(text)
    this.#bytes += bytes
    this.#size.add(bytes)
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

  /** The last one given counts for a request. */
  setUsage(usage: Usage): void {
    this.#current = usage
  }

  /** The request is over, or something else has spent this. */
  addUsage(usage: Usage | undefined = this.#current): void {
    this.#spent = addUsage(this.#spent, usage)
    if (usage === this.#current) this.#current = undefined
  }

  /**
   * Ends the run: aborts what runs, closes what is open, writes the terminal
   * status and shows it. Does nothing after the first call.
   */
  end(status: TerminalStatus, fields: Partial<MessageFields> = {}): void {
    if (this.ended) return
    this.#ended = true
    this.#status = status
    this.#error = fields.error
    if (status !== 'completed') this.#abort.abort(new RunnelError('interrupted', 'The run has ended.'))
    const endedAt = this.#options.now()
    for (const [id, type] of this.#open) {
      const left = endOf(type, status, endedAt)
      this.writer.closeBlock(id, left.status, left.fields)
    }
    const { usage } = this
    this.writer.setMessage({ ...fields, ...(usage && { usage }), status, endedAt })
    this.#options.flush(this.room, () => this.#options.onEnd(this))
  }

  /** The log is away: nothing more can be written under this run. */
  abandon(): void {
    if (this.ended) return
    this.#ended = true
    this.#status = 'failed'
    this.#abort.abort(new RunnelError('store_unavailable', 'The log cannot be written.'))
    this.#options.onEnd(this)
  }

  /** The process ends while it waits for people: it waits on in the next one. */
  suspend(): void {
    this.#ended = true
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
}

/** What a person or a client says to a call. */
export type CallAnswer = { decision: 'approve' | 'deny'; reason?: string | undefined } | { output: string }

/** What a person reads of a failure. An error that nobody foresaw says no more than that. */
export function messageError(error: unknown): MessageError {
  const { code, message } =
    error instanceof RunnelError
      ? error
      : { code: 'internal' as const, message: 'The run failed for a reason inside the server; its log has more.' }
  return { code, message, retryable: errorRow(code).retryable }
}
