/**
 * Models without a reasoning parser write their thoughts into the text:
 * `<think>…</think>`, then the answer. Only a tag that opens the text counts,
 * so an answer that speaks of `<think>` later keeps every character.
 */

const opening = '<think>'
const closing = '</think>'
/** So much white space waits for what follows it; more is text. Each piece that comes is looked at together with what waits. */
const maxHeldChars = 1_024

/**
 * Splits a growing text at its think tags, however the tags are cut. White
 * space next to a tag is dropped; what might still become a tag is held back
 * until it is decided (at most seven characters and the white space before).
 */
export class ThinkTags {
  /** What the last call brought out; one call may bring both, the reasoning first. */
  reasoning = ''
  text = ''
  #state: 'start' | 'inside' | 'after' | 'plain' = 'start'
  #held = ''
  #anyReasoning = false

  /** Is the rest plain text? Then there is no need to ask any more. */
  get passed(): boolean {
    return this.#state === 'plain'
  }

  push(text: string): void {
    this.reasoning = this.text = ''
    this.#take(this.#held + text)
  }

  /** The text is over, or is known to hold no tags: what is held back comes out as it is. */
  end(): void {
    this.reasoning = this.text = ''
    if (this.#state === 'inside') this.reasoning = this.#held
    else if (this.#state === 'start') this.text = this.#held
    this.#held = ''
    this.#state = 'plain'
  }

  #take(text: string): void {
    this.#held = ''
    if (this.#state === 'start') return this.#start(text)
    if (this.#state === 'inside') return this.#inside(text)
    if (this.#state === 'after') text = text.trimStart()
    if (text === '') return
    this.#state = 'plain'
    this.text = text
  }

  #start(text: string): void {
    const trimmed = text.trimStart()
    if (trimmed.startsWith(opening)) {
      this.#state = 'inside'
      return this.#inside(trimmed.slice(opening.length))
    }
    if (opening.startsWith(trimmed) && text.length <= maxHeldChars) {
      this.#held = text
      return
    }
    this.#state = 'plain'
    this.text = text
  }

  #inside(text: string): void {
    if (!this.#anyReasoning) text = text.trimStart()
    const end = text.indexOf(closing)
    if (end !== -1) {
      this.reasoning = text.slice(0, end).trimEnd()
      this.#state = 'after'
      return this.#take(text.slice(end + closing.length))
    }
    let kept = undecidedTail(text)
    if (text.length - kept > maxHeldChars) kept = text.length - maxHeldChars
    this.#held = text.slice(kept)
    this.reasoning = text.slice(0, kept)
    if (kept > 0) this.#anyReasoning = true
  }
}

/** Where the white space and the beginning of a closing tag start that the text ends with. */
function undecidedTail(text: string): number {
  let tail = text.length
  const bracket = text.lastIndexOf('<')
  if (bracket !== -1 && closing.startsWith(text.slice(bracket))) tail = bracket
  return text.slice(0, tail).trimEnd().length
}
