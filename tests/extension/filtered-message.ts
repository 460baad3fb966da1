/** One request's events through a stream filter into a message, as the run does it. */
import * as Y from 'yjs'
import { MessageWriter } from '../../server/document/message-writer.ts'
import type { Filter, StreamContext } from '../../server/extension/filter.ts'
import type { ProviderEvent } from '../../server/provider/events.ts'
import { readMessage, type Message } from '../../shared/schema.ts'

export class FilteredMessage {
  readonly doc = new Y.Doc()
  readonly writer = new MessageWriter(this.doc, 1)
  /** All text that was handed on, in order. */
  passed = ''
  rewrites = 0
  ended: string | null = null
  readonly #blocks = new Map<string, string>()
  readonly #filter: NonNullable<ReturnType<NonNullable<Filter['stream']>>>

  constructor(filter: Filter) {
    const { writer } = this
    const block = (key: string) => this.#blocks.get(key)!
    const context = {
      blockOf: (key) => this.#blocks.get(key),
      tail: (key, field, count) => writer.tail(block(key), field, count),
      length: (key, field) => writer.length(block(key), field),
      replace: (id, field, offset, count, text) => {
        this.rewrites += 1
        writer.replace(id, field, offset, count, text)
      },
      end: (sentence) => {
        this.ended ??= sentence
      },
    } satisfies Partial<StreamContext>
    // What a filter of deltas does not use is left out.
    this.#filter = filter.stream!(context as unknown as StreamContext)
  }

  get message(): Message {
    return readMessage(this.doc)
  }

  text(index = 0): string {
    return (this.message.output[index] as unknown as { text: string }).text
  }

  async send(event: ProviderEvent): Promise<readonly ProviderEvent[]> {
    const returned = await this.#filter(event)
    const events =
      returned === null
        ? []
        : Array.isArray(returned)
          ? (returned as readonly ProviderEvent[])
          : [returned as ProviderEvent]
    for (const event of events) this.#write(event)
    return events
  }

  start(key = 't', type: 'text' | 'reasoning' | 'refusal' | 'tool_call' = 'text'): Promise<unknown> {
    const block =
      type === 'reasoning'
        ? { type, status: 'in_progress' as const, origin: 'field' as const, startedAt: 1 }
        : type === 'tool_call'
          ? { type, status: 'streaming' as const, callId: 'c', name: 'f', executor: 'server' as const }
          : { type, status: 'in_progress' as const }
    return this.send({ type: 'block_start', key, block })
  }

  delta(text: string, key = 't', field: 'text' | 'arguments' = 'text'): Promise<unknown> {
    return this.send({ type: 'delta', key, field, text })
  }

  end(key = 't'): Promise<unknown> {
    return this.send({ type: 'block_end', key, status: 'completed' })
  }

  #write(event: ProviderEvent): void {
    if (event.type === 'block_start') this.#blocks.set(event.key, this.writer.openBlock(event.block))
    if (event.type === 'delta') {
      this.passed += event.text
      this.writer.append(this.#blocks.get(event.key)!, event.field, event.text)
    }
    if (event.type === 'block_end') this.writer.closeBlock(this.#blocks.get(event.key)!, event.status, event.fields)
    this.writer.commit()
  }
}
