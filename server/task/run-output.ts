import { endOf } from '../../shared/known-types.ts'
import type { BlockStatus, JsonObject, NewBlock, TerminalStatus, ToolCallStatus } from '../../shared/schema.ts'
import type { MessageWriter } from '../document/message-writer.ts'
import { fieldBytes, valueBytes, type MessageSize } from './message-size.ts'

/** The blocks that a run writes. What would make the message larger than it may be is not written: it throws `message_too_large`. */
export class RunOutput {
  readonly #writer: MessageWriter
  readonly #size: MessageSize
  /** Block id → type of what is still written to. */
  readonly #open = new Map<string, string>()
  #last: { id: string; type: string } | null = null
  #bytes = 0

  constructor(writer: MessageWriter, size: MessageSize) {
    this.#writer = writer
    this.#size = size
  }

  /** Bytes that provider and tools have brought for the message in this run. */
  get bytes(): number {
    return this.#bytes
  }

  /** Counts text that comes in. Throws `message_too_large`. */
  count(text: string): void {
    const bytes = Buffer.byteLength(text)
    this.#bytes += bytes
    this.#size.add(bytes)
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
    const id = this.#writer.openBlock(block)
    this.#last = { id, type: block.type }
    return id
  }

  /** Text behind the text that the message ends with, or as a block of its own. Returns the block's id. */
  appendText(text: string): string {
    const id = this.#last?.type === 'text' ? this.#last.id : this.add({ type: 'text', status: 'in_progress' })
    this.#writer.append(id, 'text', text)
    // One that nobody writes any more gives its lane back.
    if (!this.#open.has(id)) this.#writer.closeBlock(id, 'completed')
    return id
  }

  /** Writes on in a block that is there. */
  reopen(id: string, type: string): void {
    this.#open.set(id, type)
  }

  /** Sets fields of a block. Throws `message_too_large`. */
  set(id: string, fields: JsonObject): void {
    this.#size.add(fieldBytes(fields))
    this.#writer.setBlock(id, fields)
  }

  /** A text turns out to be thoughts: its block becomes another, with all that it says. Throws `message_too_large`. */
  retype(id: string, fields: Omit<Extract<NewBlock, { type: 'reasoning' }>, 'status'>): void {
    this.set(id, { ...fields })
    if (this.#open.has(id)) this.#open.set(id, fields.type)
    if (this.#last?.id === id) this.#last = { id, type: fields.type }
  }

  /** A citation. Throws `message_too_large`. */
  annotate(id: string, annotation: JsonObject): void {
    this.#size.add(valueBytes(annotation), 1)
    this.#writer.annotate(id, annotation)
  }

  /** Replaces text that is there. Throws `message_too_large`. */
  replace(...edit: Parameters<MessageWriter['replace']>): void {
    const [, , , deleteCount, insert] = edit
    this.#size.add(Math.max(0, Buffer.byteLength(insert) - deleteCount))
    this.#writer.replace(...edit)
  }

  /** `stays`: it is written to later on, a call that waits to be run. Throws `message_too_large`. */
  close(id: string, status: BlockStatus | ToolCallStatus, fields: JsonObject = {}, stays = false): void {
    this.#size.add(fieldBytes(fields))
    this.#writer.closeBlock(id, status, fields)
    if (!stays) this.#open.delete(id)
  }

  /** The run ends: so does what it still wrote to. */
  closeAll(status: TerminalStatus, endedAt: number): void {
    for (const [id, type] of this.#open) {
      const left = endOf(type, status, endedAt)
      this.#writer.closeBlock(id, left.status, left.fields)
    }
  }
}
