/**
 * Models without a reasoning parser write their thoughts into the text:
 * `<think>…</think>`, then the answer. A tag that opens the text counts, and so
 * does the first closing tag that nothing has opened: templates that open the
 * thoughts themselves leave only that. An answer that speaks of tags, in code or
 * behind another tag, keeps every character.
 */
import { CodeSpans } from './code-spans.ts'

/** The closing tag has a slash behind its first character. */
export const defaultThinkTags: readonly string[] = ['<think>', '<thinking>', '<thought>', '[THINK]']

/** So much white space waits for what follows it; more is text. Each piece that comes is looked at together with what waits. */
const maxHeldChars = 1_024

interface Tag {
  readonly text: string
  readonly opens: boolean
}

/**
 * Splits a growing text at its think tags, however the tags are cut. White
 * space next to a tag is dropped; what might still become a tag is held back
 * until it is decided (less than a tag, and the white space before).
 */
export class ThinkTags {
  /** What the last call brought out; one call may bring both, the reasoning first. */
  reasoning = ''
  text = ''
  /** All text that came out before this call was reasoning, and `reasoning` goes on in it. */
  turned = false
  /** A closing tag was taken away. */
  closed = false
  readonly #openings: readonly string[]
  readonly #tags: readonly Tag[]
  /** Characters that a tag begins with. */
  readonly #marks: RegExp
  readonly #code = new CodeSpans()
  #state: 'start' | 'inside' | 'behind' | 'after' | 'text' | 'plain' = 'start'
  #closing = ''
  #held = ''
  #anyReasoning = false

  constructor(openings: readonly string[] = defaultThinkTags) {
    this.#openings = openings
    this.#tags = openings.flatMap((text) => [
      { text, opens: true },
      { text: closingOf(text), opens: false },
    ])
    const marks = [...new Set(openings.map((text) => text[0]!))]
    this.#marks = new RegExp(`[${marks.join('').replace(/[\\\]^-]/g, '\\$&')}]`, 'g')
    if (openings.length === 0) this.#state = 'plain'
  }

  /** Is the rest plain text? Then there is no need to ask any more. */
  get passed(): boolean {
    return this.#state === 'plain'
  }

  push(text: string): void {
    this.reasoning = this.text = ''
    this.turned = false
    this.#take(this.#held + text)
  }

  /** Thoughts came elsewhere: of tags only a closing one counts, right before the text. */
  thought(): void {
    this.reasoning = this.text = ''
    this.turned = false
    if (this.#state === 'behind' || this.#state === 'plain') return
    const isFirst = this.#state === 'start' && this.#held.trim() === ''
    this.end()
    if (isFirst) this.#state = 'behind'
  }

  /** The text is over, or is known to hold no tags: what is held back comes out as it is. */
  end(): void {
    this.reasoning = this.text = ''
    this.turned = false
    if (this.#state === 'inside') this.reasoning = this.#held
    else this.text = this.#held
    this.#held = ''
    this.#state = 'plain'
  }

  #take(text: string): void {
    this.#held = ''
    if (this.#state === 'start') return this.#start(text)
    if (this.#state === 'inside') return this.#inside(text)
    if (this.#state === 'text') return this.#look(text)
    if (this.#state === 'behind') return this.#behind(text)
    if (this.#state === 'after') text = text.trimStart()
    if (text === '') return
    this.#state = 'plain'
    this.text = text
  }

  #start(text: string): void {
    const trimmed = text.trimStart()
    const opening = this.#openings.find((tag) => trimmed.startsWith(tag))
    if (opening !== undefined) {
      this.#state = 'inside'
      this.#closing = closingOf(opening)
      return this.#inside(trimmed.slice(opening.length))
    }
    if (text.length <= maxHeldChars && this.#tags.some((tag) => tag.text.startsWith(trimmed))) {
      // A closing tag that stands here whole closes nothing that anybody saw.
      if (!this.#tags.some((tag) => tag.text === trimmed)) {
        this.#held = text
        return
      }
    }
    this.#state = 'text'
    this.#look(text)
  }

  #behind(text: string): void {
    const trimmed = text.trimStart()
    const closing = this.#tags.find((tag) => !tag.opens && trimmed.startsWith(tag.text))
    if (closing) {
      this.#state = 'after'
      this.closed = true
      return this.#take(trimmed.slice(closing.text.length))
    }
    if (trimmed === '') {
      this.text = text
      return
    }
    if (text.length <= maxHeldChars && this.#tags.some((tag) => !tag.opens && tag.text.startsWith(trimmed))) {
      this.#held = text
      return
    }
    this.#state = 'plain'
    this.text = text
  }

  #inside(text: string): void {
    if (!this.#anyReasoning) text = text.trimStart()
    const end = text.indexOf(this.#closing)
    if (end !== -1) {
      this.reasoning = text.slice(0, end).trimEnd()
      this.#state = 'after'
      this.closed = true
      return this.#take(text.slice(end + this.#closing.length))
    }
    let kept = undecidedTail(text, this.#closing)
    if (text.length - kept > maxHeldChars) kept = text.length - maxHeldChars
    this.#held = text.slice(kept)
    this.reasoning = text.slice(0, kept)
    if (kept > 0) this.#anyReasoning = true
  }

  /** Looks for the first tag in what is text so far. */
  #look(text: string): void {
    let from = 0
    for (;;) {
      const at = this.#nextMark(text, from)
      if (at === -1) break
      const tag = this.#tags.find(({ text: tag }) => text.startsWith(tag, at))
      if (tag?.opens) {
        this.#state = 'plain'
        break
      }
      if (tag) {
        this.#code.push(text.slice(from, at))
        if (!this.#code.isInside()) return this.#turn(text.slice(0, at), text.slice(at + tag.text.length))
        this.#code.push(tag.text)
        from = at + tag.text.length
        continue
      }
      if (text.length - at < maxTagChars && this.#tags.some(({ text: tag }) => tag.startsWith(text.slice(at)))) {
        this.#code.push(text.slice(from, at))
        this.#held = text.slice(at)
        this.text = text.slice(0, at)
        return
      }
      this.#code.push(text.slice(from, at + 1))
      from = at + 1
    }
    if (this.#state === 'text') this.#code.push(from === 0 ? text : text.slice(from))
    this.text = text
  }

  #nextMark(text: string, from: number): number {
    this.#marks.lastIndex = from
    return this.#marks.exec(text)?.index ?? -1
  }

  #turn(before: string, behind: string): void {
    this.turned = true
    this.reasoning = before
    this.#state = 'after'
    this.closed = true
    this.#take(behind)
  }
}

/** Longer than any tag that a setting may name. */
const maxTagChars = 40

function closingOf(opening: string): string {
  return `${opening[0]}/${opening.slice(1)}`
}

/** Where the white space and the beginning of a closing tag start that the text ends with. */
function undecidedTail(text: string, closing: string): number {
  let tail = text.length
  const bracket = text.lastIndexOf(closing[0]!)
  if (bracket !== -1 && closing.startsWith(text.slice(bracket))) tail = bracket
  return text.slice(0, tail).trimEnd().length
}
