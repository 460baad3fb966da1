import { RunnelError } from '../../shared/errors.ts'
import { messageMap, type FinishReason, type JsonObject } from '../../shared/schema.ts'
import type { RunContext } from '../extension/context.ts'
import type { ProviderEvent } from '../provider/events.ts'
import type { Redact } from '../secrets/secrets.ts'
import { shownWords } from './call.ts'
import { messageError, type Run } from './run.ts'

/** A call of the model that this run has to see to. */
export interface PendingCall {
  blockId: string
  callId: string
  name: string
  arguments: string
}

export interface AnswerOptions {
  run: Run
  now: () => number
  /** Requests of this message before this one. */
  round: number
  /** Who runs a call to a tool of this name; null: the run hands its calls back. */
  executorOf: ((name: string) => 'server' | 'client') | null
  /** Hides keys in what the provider says of calls that it ran. */
  redact: Redact
  /** Says what is waited for; null: it is over. */
  say: (words: string | null) => void
  /** Keeps a file that the provider made, and shows it. */
  addFile: RunContext['addFile']
  /** An unfinished text at the end of the message: the first text of this answer goes on in it. */
  continues?: string | undefined
}

/** The events of one request, written into the message. */
export class Answer {
  /** Complete and waiting to be run. */
  readonly calls: PendingCall[] = []
  /** What people should know of how it ended. */
  note: string | undefined
  readonly #options: AnswerOptions
  /** Provider's key → block id. */
  readonly #blocks = new Map<string, string>()
  /** Calls of the caller's tools, by key. */
  readonly #calls = new Map<string, PendingCall>()
  readonly #files: Promise<void>[] = []
  #continues: string | undefined
  #sawOutput = false

  constructor(options: AnswerOptions) {
    this.#options = options
    this.#continues = options.continues
  }

  /** The block that a key writes. */
  blockOf(key: string): string | undefined {
    return this.#blocks.get(key)
  }

  /** Returns when the files that came are shown, or an error in the place of those that cannot be kept. */
  async filesKept(): Promise<void> {
    await Promise.all(this.#files)
  }

  /** Writes one event; returns the reason of a `finish`. Throws `provider_bad_response`, `message_too_large`. */
  apply(event: ProviderEvent): FinishReason | undefined {
    const { run, addFile, redact, say } = this.#options
    switch (event.type) {
      case 'delta': {
        run.answering()
        run.output.count(event.text)
        const call = event.field === 'arguments' ? this.#calls.get(event.key) : undefined
        if (call) call.arguments += event.text
        run.writer.append(this.#block(event.key), event.field, event.text)
        return undefined
      }
      case 'block_start':
        this.#start(event)
        return undefined
      case 'annotation':
        run.output.annotate(this.#block(event.key), event.annotation)
        return undefined
      case 'block_set': {
        const call = this.#calls.get(event.key)
        const { callId, name } = event.fields
        if (call && typeof callId === 'string') call.callId = callId
        if (call && typeof name === 'string') call.name = name
        run.output.set(
          this.#block(event.key),
          call && name !== undefined
            ? { ...event.fields, executor: this.#executor(call.name) }
            : this.#shown(event.fields),
        )
        return undefined
      }
      case 'block_end': {
        const call = event.status === 'pending' && this.#options.executorOf ? this.#calls.get(event.key) : undefined
        if (call) this.calls.push(call)
        run.output.close(this.#block(event.key), event.status, this.#shown(event.fields), call !== undefined)
        return undefined
      }
      case 'file': {
        const { name, mimeType, data } = event
        this.#files.push(
          addFile({ name, mimeType, data }).then(
            () => {},
            (error: unknown) => {
              if (!run.ended) run.output.add({ type: 'error', status: 'completed', ...messageError(error) })
            },
          ),
        )
        return undefined
      }
      case 'provider_data': {
        // What belongs to no block (reasoning that was never shown) keeps the provider's own key, which another run may use again.
        const { key, data, hidden } = event
        const block = this.#blocks.get(key)
        run.kept.add({
          blockId: block ?? `${this.#options.round}:${run.taskId}:${key}`,
          data: block === undefined && hidden ? { ...data, text: hidden } : data,
        })
        return undefined
      }
      case 'usage':
        run.usage.set(event.usage)
        return undefined
      case 'block_type':
        run.output.retype(this.#block(event.key), event.block)
        return undefined
      case 'model':
        run.writer.setMessage({ model: event.model })
        return undefined
      case 'waiting':
        say(event.words)
        return undefined
      case 'finish':
        if (event.note !== undefined) this.note = shownWords(event.note, redact)
        return event.reason
    }
  }

  #start({ key, block }: Extract<ProviderEvent, { type: 'block_start' }>): void {
    const { run, now } = this.#options
    if (!this.#sawOutput) {
      this.#sawOutput = true
      if (!messageMap(run.room.doc).has('firstTokenAt')) run.writer.setMessage({ firstTokenAt: now() })
    }
    const continued = this.#continues
    this.#continues = undefined
    if (continued !== undefined && block.type === 'text') {
      run.output.reopen(continued, 'text')
      run.writer.setBlock(continued, { status: 'in_progress' })
      this.#blocks.set(key, continued)
      return
    }
    if (block.type !== 'tool_call' || block.executor !== 'client') {
      this.#blocks.set(key, run.output.open(block))
      return
    }
    const blockId = run.output.open({ ...block, executor: this.#executor(block.name) })
    this.#blocks.set(key, blockId)
    this.#calls.set(key, { blockId, callId: block.callId, name: block.name, arguments: '' })
  }

  #executor(name: string): 'server' | 'client' {
    return this.#options.executorOf?.(name) ?? 'client'
  }

  #shown(fields: JsonObject = {}): JsonObject {
    const { error } = fields
    return typeof error === 'string' ? { ...fields, error: shownWords(error, this.#options.redact) } : fields
  }

  #block(key: string): string {
    const id = this.#blocks.get(key)
    if (id === undefined)
      throw new RunnelError('provider_bad_response', 'The provider sent a part of a block that it never began.')
    return id
  }
}
