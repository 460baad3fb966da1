/** A line that is set in so far is code. */
const codeIndent = 4

/**
 * Whether a growing Markdown text stands inside of code now: between fences,
 * between backticks of one line, or in lines set in by four behind an empty one.
 * Each character is looked at once.
 */
export class CodeSpans {
  /** Of the fence that is open. */
  #fence: { mark: string; length: number } | null = null
  /** Backticks that the open span began with; 0: none is open. */
  #span = 0
  /** Only white space came in this line so far. */
  #isLineStart = true
  /** How far this line is set in, and whether that makes it code. */
  #indent = 0
  #mayBeCode = false
  /** The fence that is open began in this line. */
  #isFenceLine = false
  #mark = ''
  #run = 0
  #runStartsLine = false

  push(text: string): void {
    for (let at = 0; at < text.length; at++) {
      const character = text[at]!
      if (character === '`' || character === '~') {
        if (character !== this.#mark) this.#endRun()
        if (this.#run === 0) this.#runStartsLine = this.#isLineStart
        this.#mark = character
        this.#run += 1
        this.#isLineStart = false
        continue
      }
      if (this.#run > 0) this.#endRun()
      if (character === '\n') {
        // Behind an empty line, or a line of such code.
        this.#mayBeCode = this.#isLineStart || (this.#mayBeCode && this.#indent >= codeIndent)
        this.#indent = 0
        this.#isLineStart = true
        this.#isFenceLine = false
        this.#span = 0
      } else if (character === ' ' || character === '\t') {
        if (this.#isLineStart) this.#indent += character === ' ' ? 1 : codeIndent
      } else if (character !== '\r') this.#isLineStart = false
    }
  }

  isInside(): boolean {
    this.#endRun()
    return this.#fence !== null || this.#span > 0 || (this.#mayBeCode && this.#indent >= codeIndent)
  }

  #endRun(): void {
    const length = this.#run
    const mark = this.#mark
    this.#run = 0
    this.#mark = ''
    if (length === 0) return
    const fence = this.#fence
    if (fence) {
      const closes = mark === fence.mark && length >= fence.length
      // Three backticks on one line with three behind them are a span.
      if (closes && (this.#runStartsLine || (this.#isFenceLine && mark === '`'))) this.#fence = null
    } else if (this.#runStartsLine && length >= 3) {
      this.#fence = { mark, length }
      this.#isFenceLine = true
    } else if (mark === '`') this.#span = this.#span === 0 ? length : this.#span === length ? 0 : this.#span
  }
}
