import type {
  Block,
  BlockStatus,
  GrowingField,
  Message,
  MessageStatus,
  NewBlock,
  ToolCallStatus,
} from '../../shared/schema.ts'
import { isGrowingField } from '../../shared/schema.ts'
import type { MessageWriter } from '../../server/document/message-writer.ts'
import type { Random } from './random.ts'

const pieces = [
  'a',
  ' the',
  ' stream',
  '\n\n',
  ' “quoted”',
  '漢字',
  'é',
  '😀',
  '👩‍👩‍👧',
  '🇩🇪',
  '\ud83d',
  '\ude00',
  ' word word word',
  '\u0000',
  '\ufffd',
  '# Title\n',
  '```ts\nlet a = 1\n```',
  ' ',
  '…',
  '𝒳𝒴',
]

/** A field that grows, as it must read in the end. `text` may end in a high surrogate that waits for its other half. */
interface Expected {
  block: string
  type: Block['type']
  field: GrowingField
  text: string
  open: boolean
}

/**
 * Writes a message at random and keeps, in plain strings, what its texts must
 * read: an oracle that knows nothing of Yjs.
 */
export class Author {
  readonly #random: Random
  #texts: Expected[] = []
  #calls: { block: string; open: boolean }[] = []
  #blocks = 0

  constructor(random: Random) {
    this.#random = random
  }

  get blocks(): number {
    return this.#blocks
  }

  /** One edit. `big`: chunks that make logs and outboxes full. */
  edit(writer: MessageWriter, { big, maxBlocks }: { big: boolean; maxBlocks: number }): void {
    const random = this.#random
    const growing = this.#texts.filter((text) => text.open)
    random.weighted<() => void>([
      [growing.length > 0 ? 40 : 0, () => this.#append(writer, random.pick(growing), big)],
      [this.#blocks < maxBlocks ? (growing.length === 0 ? 40 : maxBlocks > 64 ? 30 : 4) : 0, () => this.#open(writer)],
      [growing.length > 1 ? 2 : 0, () => this.#close(writer, random.pick(growing).block)],
      [this.#texts.length > 0 ? 5 : 0, () => this.#replace(writer, random.pick(this.#texts))],
      [this.#calls.length > 0 ? 4 : 0, () => this.#call(writer)],
      [this.#texts.some(({ type }) => type === 'text') ? 1 : 0, () => this.#turn(writer)],
      [
        this.#texts.some(({ type }) => type === 'text') ? 1 : 0,
        () =>
          writer.annotate(random.pick(this.#texts.filter(({ type }) => type === 'text')).block, {
            type: 'url_citation',
            url: 'https://example.org/\ud83d',
            start: 0,
            end: random.integer(0, 9),
          }),
      ],
      [2, () => writer.setMessage({ status: random.pick<MessageStatus>(['preparing', 'streaming', 'waiting']) })],
      [1, () => writer.setMessage({ usage: { inputTokens: 1, outputTokens: random.integer(0, 999), totalTokens: 3 } })],
      [
        1,
        () =>
          writer.setMessage({
            error: random.chance(0.5) ? undefined : { code: 'provider_error', message: 'a \ud83d', retryable: true },
          }),
      ],
    ])()
  }

  /** Ends what is open, and the message. */
  finish(writer: MessageWriter): void {
    for (const block of new Set(this.#texts.filter(({ open }) => open).map(({ block }) => block)))
      this.#close(writer, block)
    writer.setMessage({ status: 'completed', endedAt: 2, finishReason: 'stop' })
  }

  /** The process was killed: what the log has is what there is. Lone halves of a pair were never written. */
  recovered(message: Message): void {
    this.#blocks = message.output.length
    const open = (block: Block) =>
      block.status === 'in_progress' || block.status === 'streaming' || block.status === 'running'
    this.#texts = message.output.flatMap((block) =>
      Object.entries(block).flatMap(([field, text]) =>
        isGrowingField(block.type, field)
          ? [{ block: block.id, type: block.type, field, text: text as string, open: open(block) }]
          : [],
      ),
    )
    this.#calls = message.output
      .filter(({ type }) => type === 'tool_call')
      .map((block) => ({ block: block.id, open: open(block) }))
  }

  /** Texts that differ from what was written, each as a sentence. `settled`: all that could be written has been. */
  faults(message: Message): string[] {
    const faults =
      message.output.length === this.#blocks ? [] : [`there are ${message.output.length} blocks, not ${this.#blocks}`]
    const blocks = new Map(message.output.map((block) => [block.id, block as unknown as Record<string, string>]))
    for (const { block, field, text, open } of this.#texts) {
      const expected = open ? withoutHalf(text) : text.toWellFormed()
      const actual = blocks.get(block)?.[field] ?? ''
      if (actual !== expected)
        faults.push(
          `${block}.${field} reads ${JSON.stringify(actual).slice(-60)}, not ${JSON.stringify(expected).slice(-60)}`,
        )
    }
    return faults
  }

  #append(writer: MessageWriter, text: Expected, big: boolean): void {
    const random = this.#random
    const chunk = Array.from({ length: random.integer(1, 6) }, () => random.pick(pieces))
      .join('')
      .repeat(big ? random.integer(1, 60) : 1)
    writer.append(text.block, text.field, chunk)
    const joined = text.text + chunk
    const rest = withoutHalf(joined)
    text.text = rest.toWellFormed() + joined.slice(rest.length)
  }

  #open(writer: MessageWriter): void {
    const random = this.#random
    const type = random.weighted<Block['type']>([
      [8, 'text'],
      [4, 'reasoning'],
      [5, 'tool_call'],
      [1, 'refusal'],
      [1, 'source'],
      [1, 'file'],
      [1, 'embed'],
      [1, 'progress'],
      [1, 'error'],
    ])
    const block = writer.openBlock(newBlock(type))
    this.#blocks++
    if (type === 'text' || type === 'reasoning' || type === 'refusal')
      this.#texts.push({ block, type, field: 'text', text: '', open: true })
    if (type !== 'tool_call') return
    this.#texts.push({ block, type, field: 'arguments', text: '', open: true })
    this.#calls.push({ block, open: true })
  }

  #close(writer: MessageWriter, block: string): void {
    const type = this.#texts.find((text) => text.block === block)!.type
    writer.closeBlock(
      block,
      this.#random.pick<BlockStatus | ToolCallStatus>(
        type === 'tool_call' ? ['completed', 'failed', 'cancelled', 'denied'] : ['completed', 'incomplete'],
      ),
    )
    for (const text of this.#texts) if (text.block === block) text.open = false
    for (const call of this.#calls) if (call.block === block) call.open = false
  }

  #replace(writer: MessageWriter, text: Expected): void {
    const random = this.#random
    const written = text.open ? withoutHalf(text.text) : text.text.toWellFormed()
    const offset = random.integer(0, written.length)
    const end = Math.min(
      written.length,
      offset +
        random.weighted([
          [2, 0],
          [6, random.integer(1, 8)],
          [1, written.length],
        ]),
    )
    const insert = random.chance(0.3) ? '' : random.pick(pieces).repeat(random.integer(1, 3))
    writer.replace(text.block, text.field, offset, end - offset, insert)
    const [from, to] = [splits(written, offset) ? offset - 1 : offset, splits(written, end) ? end + 1 : end]
    const half = text.open ? text.text.slice(withoutHalf(text.text).length) : ''
    text.text = written.slice(0, from) + insert.toWellFormed() + written.slice(Math.max(from, to)) + half
  }

  /** What was shown as text turns out to be thoughts, in the place where it stands. */
  #turn(writer: MessageWriter): void {
    const text = this.#random.pick(this.#texts.filter(({ type }) => type === 'text'))
    text.type = 'reasoning'
    writer.setBlock(text.block, { type: 'reasoning', origin: 'tag', startedAt: 1 })
  }

  /** A tool call goes its way, and its output grows. */
  #call(writer: MessageWriter): void {
    const random = this.#random
    const call = random.pick(this.#calls)
    if (random.chance(0.3)) return writer.setBlock(call.block, { progress: `${random.integer(0, 100)} %` })
    if (!call.open) return
    let output = this.#texts.find((text) => text.block === call.block && text.field === 'output')
    if (!output) {
      writer.setBlock(call.block, { status: 'running' })
      this.#texts.push((output = { block: call.block, type: 'tool_call', field: 'output', text: '', open: true }))
    }
    this.#append(writer, output, false)
  }
}

function newBlock(type: Block['type']): NewBlock {
  const status = 'in_progress'
  switch (type) {
    case 'reasoning':
      return { type, status, origin: 'field', startedAt: 1 }
    case 'tool_call':
      return { type, status: 'streaming', callId: 'call_1', name: 'search', executor: 'client' }
    case 'source':
      return { type, status: 'completed', title: 'A source 😀', sourceType: 'web' }
    case 'file':
      return { type, status: 'completed', name: 'a.png', mimeType: 'image/png', url: '/files/a' }
    case 'embed':
      return { type, status: 'completed', url: 'https://example.org' }
    case 'progress':
      return { type, status, text: 'Searching', done: false }
    case 'error':
      return { type, status: 'completed', code: 'internal', message: 'no', retryable: false }
    default:
      return { type, status } as NewBlock
  }
}

function withoutHalf(text: string): string {
  return /[\ud800-\udbff]$/.test(text) ? text.slice(0, -1) : text
}

function splits(text: string, index: number): boolean {
  return /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(index - 1, index + 1)) && index > 0
}
