import { errorRow, RunnelError } from '../../shared/errors.ts'
import { readMessage, type BlockStatus, type Message, type MessageError, type MessageFields, type TerminalStatus, type ToolCallStatus, type Usage } from '../../shared/schema.ts'
import type { User } from '../auth/auth.ts'
import type { MessageWriter } from '../document/message-writer.ts'
import type { Provider, ProviderEvent, ProviderRequest } from '../provider/events.ts'
import type { Room } from '../room/room.ts'
import type { ProviderData } from '../store/store.ts'
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
  /** Called once, when the terminal status is in the log. */
  onEnd: (run: Run) => void
}

type Phase = 'queued' | 'preparing' | 'streaming' | 'ended'

/** What a client is told when it asks for the end of something that has ended, or that it ended. */
export interface RunState {
  taskId: string
  messageId: string
  chatId: string
  status: MessageFields['status']
}

/**
 * One run of one message, from `queued` to its terminal status. `end` is the
 * only way out and works once: whatever the provider still sends is dropped.
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
  readonly providerData: ProviderData[] = []
  /** Resolves with the finished message once it is saved. */
  readonly done: Promise<Message>
  startedAt: number | null = null
  readonly #options: RunOptions
  readonly #abort = new AbortController()
  /** Provider's key → open block. */
  readonly #open = new Map<string, { id: string; type: string }>()
  readonly #blocks = new Map<string, string>()
  #phase: Phase = 'queued'
  #status: MessageFields['status'] = 'queued'
  #bytes = 0
  #usage: Usage | undefined
  #error: MessageError | undefined
  #sawOutput = false
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
    this.done = new Promise(resolve => { this.#resolve = resolve })
  }

  /** Bytes that the provider has sent for the message so far. */
  get outputBytes(): number {
    return this.#bytes
  }

  get usage(): Usage | undefined {
    return this.#usage
  }

  /** Why it failed. */
  get error(): MessageError | undefined {
    return this.#error
  }

  get ended(): boolean {
    return this.#phase === 'ended'
  }

  get state(): RunState {
    return { taskId: this.taskId, messageId: this.messageId, chatId: this.chatId, status: this.#status }
  }

  /** Prepares and streams. Never rejects: every failure is the message's own end. */
  async execute(provider: Provider, prepare: (signal: AbortSignal) => Promise<ProviderRequest>): Promise<void> {
    if (this.ended) return
    const { now } = this.#options
    this.startedAt = now()
    this.#enter('preparing', { startedAt: this.startedAt })
    try {
      const request = await prepare(this.#abort.signal)
      if (this.ended) return
      this.#enter('streaming')
      for await (const event of provider(request, this.#abort.signal)) {
        // Behind `finish` the provider may close its connection in peace, so that it can be used again.
        if (this.#status === 'completed') continue
        if (this.ended) return
        this.#apply(event)
      }
      if (!this.ended) throw new RunnelError('provider_disconnected', 'The provider closed the stream before the answer was finished.')
    } catch (error) {
      this.end('failed', { error: messageError(error) })
    }
  }

  /**
   * Ends the run: aborts what runs, closes what is open, writes the terminal
   * status and shows it. Does nothing after the first call.
   */
  end(status: TerminalStatus, fields: Partial<MessageFields> = {}): void {
    if (this.ended) return
    this.#phase = 'ended'
    this.#status = status
    this.#error = fields.error
    if (status !== 'completed') this.#abort.abort(new RunnelError('interrupted', 'The run has ended.'))
    const endedAt = this.#options.now()
    for (const { id, type } of this.#open.values()) {
      this.writer.closeBlock(id, endOf(type, status), type === 'reasoning' ? { endedAt } : {})
    }
    this.writer.setMessage({ ...fields, ...(this.#usage && { usage: this.#usage }), status, endedAt })
    this.#options.flush(this.room, () => this.#options.onEnd(this))
  }

  /** The log is away: nothing more can be written under this run. */
  abandon(): void {
    if (this.ended) return
    this.#phase = 'ended'
    this.#status = 'failed'
    this.#abort.abort(new RunnelError('store_unavailable', 'The log cannot be written.'))
    this.#options.onEnd(this)
  }

  /** The message is saved as it will stay. */
  saved(message: Message): void {
    this.#resolve(message)
  }

  /** The canonical JSON now, as far as it is in the log. */
  read(): Message {
    return readMessage(this.room.doc)
  }

  #enter(status: 'preparing' | 'streaming', fields: Partial<MessageFields> = {}): void {
    this.#phase = this.#status = status
    this.writer.setMessage({ ...fields, status })
  }

  #apply(event: ProviderEvent): void {
    switch (event.type) {
      case 'delta':
        this.#count(event.text)
        return this.writer.append(this.#block(event.key), event.field, event.text)
      case 'block_start': {
        if (!this.#sawOutput) {
          this.#sawOutput = true
          this.writer.setMessage({ firstTokenAt: this.#options.now() })
        }
        const id = this.writer.openBlock(event.block)
        this.#blocks.set(event.key, id)
        this.#open.set(event.key, { id, type: event.block.type })
        return
      }
      case 'annotation':
        this.#count(JSON.stringify(event.annotation))
        return this.writer.annotate(this.#block(event.key), event.annotation)
      case 'block_set':
        this.#count(JSON.stringify(event.fields))
        return this.writer.setBlock(this.#block(event.key), event.fields)
      case 'block_end':
        this.writer.closeBlock(this.#block(event.key), event.status, event.fields)
        this.#open.delete(event.key)
        return
      case 'provider_data':
        // What belongs to no block (reasoning that was never shown) keeps the provider's own key.
        this.providerData.push({ blockId: this.#blocks.get(event.key) ?? event.key, data: event.data })
        return
      case 'usage':
        this.#usage = event.usage
        return
      case 'finish':
        return this.end('completed', { finishReason: event.reason })
    }
  }

  #block(key: string): string {
    const id = this.#blocks.get(key)
    if (id === undefined) throw new RunnelError('provider_bad_response', 'The provider sent a part of a block that it never began.')
    return id
  }

  #count(text: string): void {
    this.#bytes += Buffer.byteLength(text)
    if (this.#bytes > this.#options.maxMessageBytes) {
      throw new RunnelError('message_too_large', `The answer is larger than ${this.#options.maxMessageBytes} bytes (RUNNEL_MAX_MESSAGE_BYTES). What came so far is kept.`)
    }
  }
}

/** How a block ends that its provider left open. */
export function endOf(type: string, status: TerminalStatus): BlockStatus | ToolCallStatus {
  if (type === 'tool_call') return 'cancelled'
  return status === 'completed' ? 'completed' : 'incomplete'
}

/** What a person reads of a failure. An error that nobody foresaw says no more than that. */
export function messageError(error: unknown): MessageError {
  const { code, message } = error instanceof RunnelError
    ? error
    : { code: 'internal' as const, message: 'The run failed for a reason inside the server; its log has more.' }
  return { code, message, retryable: errorRow(code).retryable }
}
