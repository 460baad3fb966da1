/**
 * Chat Completions: chunks → events. Real servers send less, more and other
 * than the books say; `tests/fixtures/streams` holds an example of each oddity.
 */
import { RunnelError } from '../../shared/errors.ts'
import type { FinishReason } from '../../shared/schema.ts'
import { ChatCalls } from './chat-calls.ts'
import { annotationOf, reasoningOf, sourceBlocks, textOf, ReasoningDetails, type ReasoningField } from './chat-delta.ts'
import type { ProviderEvent } from './events.ts'
import { reportedFailure } from './failures.ts'
import { isFields, parseFrame, type Fields, type StreamMapper } from './frames.ts'
import { ThinkTags } from './think-tags.ts'
import { usageOf } from './usage.ts'

interface OpenBlock {
  key: string
  type: 'text' | 'reasoning' | 'refusal'
}

/** The message of a stream is its choice 0; blocks open in the order in which their kinds come. */
export class ChatMapper implements StreamMapper {
  readonly events: ProviderEvent[] = []
  finished = false
  readonly #onUnknown: (type: string) => void
  readonly #calls = new ChatCalls(this.events)
  readonly #details = new ReasoningDetails((bytes) => this.#hold(bytes))
  readonly #tags = new ThinkTags()
  #blocks = 0
  /** What the last delta wrote to; null after a call. */
  #current: OpenBlock | null = null
  /** Open until the next text: white space between calls is still its own. */
  #text: OpenBlock | null = null
  /** Where this text starts in the whole content, as annotations count. */
  #textStart = 0
  #contentLength = 0
  /** White space that no text stands before yet. */
  #held = ''
  #reasoningField: ReasoningField | null = null
  #reasoningKey = 'reasoning'
  #reason: FinishReason | null = null
  #usage: unknown
  #searchResults: unknown
  readonly #maxHeldBytes: number
  #heldBytes = 0

  /** `maxHeldBytes`: of what comes with the end of the answer only, so that nobody else can count it before. */
  constructor(onUnknown: (type: string) => void, maxHeldBytes = Infinity) {
    this.#onUnknown = onUnknown
    this.#maxHeldBytes = maxHeldBytes
  }

  push(type: string | undefined, data: string): void {
    if (data === '[DONE]') return this.#finish(this.#reason ?? 'unknown')
    const chunk = parseFrame(data)
    const choices = chunk.choices
    if (Array.isArray(choices)) {
      for (const choice of choices) if (isFields(choice) && !choice.index) this.#choice(choice)
    }
    const usage = chunk.usage ?? (chunk.x_groq as Fields | undefined)?.usage
    if (usage) this.#usage = usage
    if (chunk.search_results || chunk.citations) this.#searchResults = chunk.search_results ?? chunk.citations
    if (chunk.error) this.#fail(reportedFailure(chunk.error))
    if (type === 'error' || chunk.object === 'error' || chunk.type === 'error') this.#fail(reportedFailure(chunk))
    if (!choices && !usage) this.#onUnknown(String(chunk.object ?? chunk.type ?? type ?? 'chunk'))
  }

  end(failure: RunnelError): void {
    if (this.#reason) this.#finish(this.#reason)
    else this.#fail(failure)
  }

  #choice(choice: Fields): void {
    const delta = choice.delta
    if (isFields(delta)) {
      const { content } = delta
      this.#thoughts(delta)
      if (typeof content === 'string') {
        if (content !== '') this.#content(content)
      } else if (Array.isArray(content)) this.#content(textOf(content))
      if (typeof delta.refusal === 'string' && delta.refusal !== '') this.#refusal(delta.refusal)
      if (Array.isArray(delta.tool_calls)) for (const fragment of delta.tool_calls) this.#call(fragment)
      if (Array.isArray(delta.annotations)) for (const annotation of delta.annotations) this.#annotation(annotation)
    }
    if (choice.usage) this.#usage = choice.usage
    const reason = choice.finish_reason
    if (typeof reason === 'string' && reason !== '') {
      if (reason === 'error') this.#fail(reportedFailure(choice.error))
      this.#reason = finishReasons[reason] ?? 'unknown'
    }
  }

  #thoughts(delta: Fields): void {
    const found = reasoningOf(delta, this.#reasoningField)
    if (delta.reasoning_details) this.#details.add(delta.reasoning_details)
    if (!found) return
    if (!this.#tags.passed) this.#plain()
    this.#reasoningField = found.field
    this.#reasoning(found.text, found.isSummary ? 'summary' : 'field')
  }

  /** The thoughts have a field of their own, so a tag in the text is text. */
  #plain(): void {
    this.#tags.end()
    this.#answer(this.#tags.text)
  }

  #content(content: string): void {
    this.#contentLength += content.length
    if (this.#tags.passed) return this.#answer(content)
    this.#tags.push(content)
    if (this.#tags.reasoning !== '') this.#reasoning(this.#tags.reasoning, 'tag')
    this.#answer(this.#tags.text)
  }

  #answer(text: string): void {
    if (text === '') return
    if (this.#current?.type !== 'text') {
      if (text.trim() === '') {
        if (this.#text) this.events.push({ type: 'delta', key: this.#text.key, field: 'text', text })
        else {
          this.#hold(text.length)
          this.#held += text
        }
        return
      }
      this.#openText(text.length)
    }
    this.events.push({ type: 'delta', key: this.#current!.key, field: 'text', text })
  }

  /** Opens the block that the last `length` characters of the content begin, behind the white space held back. */
  #openText(length: number): OpenBlock {
    this.#endText('completed')
    const block = this.#open('text')
    this.events.push({ type: 'block_start', key: block.key, block: { type: 'text', status: 'in_progress' } })
    this.#text = block
    this.#textStart = Math.max(0, this.#contentLength - length - this.#held.length)
    if (this.#held !== '') this.events.push({ type: 'delta', key: block.key, field: 'text', text: this.#held })
    this.#held = ''
    return block
  }

  #reasoning(text: string, origin: 'field' | 'tag' | 'summary'): void {
    if (this.#current?.type !== 'reasoning') {
      this.#reasoningKey = this.#open('reasoning').key
      this.events.push({
        type: 'block_start',
        key: this.#reasoningKey,
        block: { type: 'reasoning', status: 'in_progress', origin, startedAt: Date.now() },
      })
    }
    this.events.push({ type: 'delta', key: this.#reasoningKey, field: 'text', text })
  }

  #refusal(text: string): void {
    if (this.#current?.type !== 'refusal') {
      const { key } = this.#open('refusal')
      this.events.push({ type: 'block_start', key, block: { type: 'refusal', status: 'in_progress' } })
    }
    this.events.push({ type: 'delta', key: this.#current!.key, field: 'text', text })
  }

  #call(fragment: unknown): void {
    if (this.#calls.add(fragment)) this.#leaveCurrent('completed')
  }

  #annotation(annotation: unknown): void {
    if (!isFields(annotation)) return
    const block = this.#text ?? this.#openText(0)
    this.events.push({ type: 'annotation', key: block.key, annotation: annotationOf(annotation, this.#textStart) })
  }

  #open(type: OpenBlock['type']): OpenBlock {
    this.#leaveCurrent('completed')
    return (this.#current = { key: `${type}-${this.#blocks++}`, type })
  }

  /** Ends what was written last, except a text, which the next one ends. */
  #leaveCurrent(status: 'completed' | 'incomplete'): void {
    const block = this.#current
    this.#current = null
    if (!block || block.type === 'text') return
    this.events.push({
      type: 'block_end',
      key: block.key,
      status,
      ...(block.type === 'reasoning' ? { fields: { endedAt: Date.now() } } : {}),
    })
  }

  #endText(status: 'completed' | 'incomplete'): void {
    if (this.#text) this.events.push({ type: 'block_end', key: this.#text.key, status })
    this.#text = null
  }

  #hold(bytes: number): void {
    this.#heldBytes += bytes
    if (this.#heldBytes > this.#maxHeldBytes)
      throw new RunnelError(
        'message_too_large',
        `The answer is larger than ${this.#maxHeldBytes} bytes (RUNNEL_MAX_MESSAGE_BYTES). What came so far is kept.`,
      )
  }

  /** What was held back because more could have followed. */
  #flush(): void {
    if (!this.#tags.passed) {
      this.#tags.end()
      if (this.#tags.reasoning !== '') this.#reasoning(this.#tags.reasoning, 'tag')
      this.#answer(this.#tags.text)
    }
    if (this.#held !== '') this.#openText(0)
  }

  #report(): void {
    this.#flush()
    const usage = usageOf(this.#usage)
    if (usage) this.events.push({ type: 'usage', usage })
  }

  #fail(failure: RunnelError): never {
    this.#report()
    throw failure
  }

  #finish(reason: FinishReason): void {
    this.#report()
    const wasCut = reason === 'length' || reason === 'content_filter'
    const textIsLast = this.#current?.type === 'text'
    this.#leaveCurrent(wasCut ? 'incomplete' : 'completed')
    this.#endText(wasCut && textIsLast ? 'incomplete' : 'completed')
    this.#calls.end(wasCut)
    const details = this.#details.wanted()
    if (details)
      this.events.push({
        type: 'provider_data',
        key: this.#reasoningKey,
        data: { api: 'chat', reasoning_details: details },
      })
    for (const [index, block] of sourceBlocks(this.#searchResults).entries()) {
      this.events.push({ type: 'block_start', key: `source-${index}`, block })
      this.events.push({ type: 'block_end', key: `source-${index}`, status: 'completed' })
    }
    this.events.push({ type: 'finish', reason })
    this.finished = true
  }
}

/** The books know five; servers pass their models' own words through. */
const finishReasons: Record<string, FinishReason> = {
  stop: 'stop',
  eos: 'stop',
  eos_token: 'stop',
  end_turn: 'stop',
  stop_sequence: 'stop',
  length: 'length',
  max_tokens: 'length',
  tool_calls: 'tool_calls',
  function_call: 'tool_calls',
  tool_use: 'tool_calls',
  content_filter: 'content_filter',
}
