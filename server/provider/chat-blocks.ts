/** The blocks of text of one choice, opened in the order in which their kinds come. */
import { annotationOf } from './chat-delta.ts'
import type { ProviderEvent } from './events.ts'
import { isFields } from './frames.ts'
import type { KeptReasoning } from './kept-reasoning.ts'
import { markOf, mediaEvents, type Media } from './media.ts'
import { ThinkTags } from './think-tags.ts'

interface OpenBlock {
  key: string
  type: 'text' | 'reasoning' | 'refusal'
}

export class ChatBlocks {
  /** Something that a person sees has come: words, thoughts, a refusal, a file. */
  holdsAny = false
  /** Of the last thoughts. */
  reasoningKey = 'reasoning'
  readonly #events: ProviderEvent[]
  readonly #kept: KeptReasoning
  readonly #count: (bytes: number) => void
  readonly #tags: ThinkTags
  readonly #thinkTags: readonly string[] | undefined
  /** Of the thoughts that come in a field now: some servers leave the tags in. */
  #fieldTags: { tags: ThinkTags; origin: 'field' | 'summary' } | null = null
  #blocks = 0
  /** What the last delta wrote to; null after a call. */
  #current: OpenBlock | null = null
  /** Open until the next text: white space between calls is still its own. */
  #text: OpenBlock | null = null
  /** Texts that a closing tag would turn into thoughts, with the time at which they began. */
  #turnable: { key: string; startedAt: number }[] = []
  /** Where this text starts in the whole content, as annotations count. */
  #textStart = 0
  #contentLength = 0
  /** White space that no text stands before yet. */
  #held = ''
  readonly #files = new Set<string>()

  /** `kept` is told of all thoughts. `count` hears how much is held back for later, and throws where that is too much. */
  constructor(
    events: ProviderEvent[],
    kept: KeptReasoning,
    count: (bytes: number) => void,
    thinkTags?: readonly string[],
  ) {
    this.#events = events
    this.#kept = kept
    this.#count = count
    this.#tags = new ThinkTags(thinkTags)
    this.#thinkTags = thinkTags
  }

  content(content: string): void {
    this.#endFieldTags()
    this.#contentLength += content.length
    if (this.#tags.passed) return this.#answer(content)
    this.#tags.push(content)
    this.#kept.content(content, this.#tags.text)
    this.#takeTags()
  }

  /** Thoughts that do not stand in the text. Where there are any, a tag in the text is text. */
  thoughts(text: string, isSummary: boolean): void {
    if (!this.#tags.passed) {
      this.#tags.thought()
      this.#answer(this.#tags.text)
    }
    const origin = isSummary ? 'summary' : 'field'
    this.#fieldTags ??= { tags: new ThinkTags(this.#thinkTags), origin }
    this.#fieldTags.origin = origin
    const { tags } = this.#fieldTags
    if (tags.passed) return this.#reason(text, origin)
    tags.push(text)
    this.#reason(tags.turned ? tags.reasoning.trimEnd() : tags.reasoning, origin)
    // The white space went with the tag.
    const isApart = tags.closed && tags.text !== '' && this.#current?.type === 'reasoning'
    this.#reason((isApart ? '\n\n' : '') + tags.text, origin)
  }

  /** No more thoughts come in this row: what could have become a tag is none. */
  #endFieldTags(): void {
    if (!this.#fieldTags) return
    const { tags, origin } = this.#fieldTags
    this.#fieldTags = null
    if (tags.passed) return
    tags.end()
    this.#reason(tags.reasoning + tags.text, origin)
  }

  refuse(text: string): void {
    if (text === '') return
    this.#endFieldTags()
    this.holdsAny = true
    if (this.#current?.type !== 'refusal') {
      const { key } = this.#open('refusal')
      this.#events.push({ type: 'block_start', key, block: { type: 'refusal', status: 'in_progress' } })
    }
    this.#events.push({ type: 'delta', key: this.#current!.key, field: 'text', text })
  }

  annotate(annotation: unknown): void {
    if (!isFields(annotation)) return
    const block = this.#text ?? this.#openText(0)
    this.#events.push({ type: 'annotation', key: block.key, annotation: annotationOf(annotation, this.#textStart) })
  }

  media(media: Media): void {
    const mark = markOf(media)
    if (this.#files.has(mark)) return
    this.#files.add(mark)
    this.leave('completed')
    this.holdsAny = true
    this.#events.push(...mediaEvents(`file-${this.#blocks++}`, media))
  }

  /** Ends what was written last, except a text, which the next one ends. */
  leave(status: 'completed' | 'incomplete'): void {
    this.#endFieldTags()
    this.#leave(status)
  }

  #leave(status: 'completed' | 'incomplete'): void {
    const block = this.#current
    this.#current = null
    if (!block || block.type === 'text') return
    this.#events.push({
      type: 'block_end',
      key: block.key,
      status,
      ...(block.type === 'reasoning' ? { fields: { endedAt: Date.now() } } : {}),
    })
  }

  /** Gives what was held back because more could have followed. */
  flush(): void {
    this.#endFieldTags()
    if (!this.#tags.passed) {
      this.#tags.end()
      this.#takeTags()
    }
    if (this.#held !== '') this.#openText(0)
  }

  end(wasCut: boolean): void {
    const textIsLast = this.#current?.type === 'text'
    this.leave(wasCut ? 'incomplete' : 'completed')
    this.#endText(wasCut && textIsLast ? 'incomplete' : 'completed')
  }

  #takeTags(): void {
    const { reasoning, text, turned } = this.#tags
    if (turned) this.#turn(reasoning)
    else if (reasoning !== '') this.#reason(reasoning, 'tag')
    this.#answer(text)
  }

  /** All that was shown as text were thoughts, and these are the last of them. */
  #turn(rest: string): void {
    const last = this.#text
    if (!last) {
      this.#held = ''
      if (rest.trim() !== '') this.#reason(rest, 'tag')
      return
    }
    if (rest !== '') this.#events.push({ type: 'delta', key: last.key, field: 'text', text: rest })
    this.#kept.shown(rest, 'tag')
    for (const { key, startedAt } of this.#turnable)
      this.#events.push({ type: 'block_type', key, block: { type: 'reasoning', origin: 'tag', startedAt } })
    this.#turnable = []
    this.#events.push({ type: 'block_end', key: last.key, status: 'completed', fields: { endedAt: Date.now() } })
    this.reasoningKey = last.key
    this.#text = null
    if (this.#current === last) this.#current = null
  }

  #answer(text: string): void {
    if (text === '') return
    if (this.#current?.type !== 'text') {
      if (text.trim() === '') {
        if (this.#text) this.#events.push({ type: 'delta', key: this.#text.key, field: 'text', text })
        else {
          this.#count(text.length)
          this.#held += text
        }
        return
      }
      this.#openText(text.length)
    }
    this.#events.push({ type: 'delta', key: this.#current!.key, field: 'text', text })
  }

  /** Opens the block that the last `length` characters of the content begin, behind the white space held back. */
  #openText(length: number): OpenBlock {
    this.#endText('completed')
    const block = this.#open('text')
    this.holdsAny ||= length > 0
    this.#events.push({ type: 'block_start', key: block.key, block: { type: 'text', status: 'in_progress' } })
    this.#text = block
    if (!this.#tags.passed) this.#turnable.push({ key: block.key, startedAt: Date.now() })
    this.#textStart = Math.max(0, this.#contentLength - length - this.#held.length)
    if (this.#held !== '') this.#events.push({ type: 'delta', key: block.key, field: 'text', text: this.#held })
    this.#held = ''
    return block
  }

  #reason(text: string, origin: 'field' | 'tag' | 'summary'): void {
    if (text === '') return
    this.holdsAny = true
    if (this.#current?.type !== 'reasoning') {
      this.reasoningKey = this.#open('reasoning').key
      this.#events.push({
        type: 'block_start',
        key: this.reasoningKey,
        block: { type: 'reasoning', status: 'in_progress', origin, startedAt: Date.now() },
      })
    }
    this.#kept.shown(text, origin)
    this.#events.push({ type: 'delta', key: this.reasoningKey, field: 'text', text })
  }

  #open(type: OpenBlock['type']): OpenBlock {
    this.#leave('completed')
    return (this.#current = { key: `${type}-${this.#blocks++}`, type })
  }

  #endText(status: 'completed' | 'incomplete'): void {
    if (this.#text) this.#events.push({ type: 'block_end', key: this.#text.key, status })
    this.#text = null
  }
}
