/** A part of a growing text. A finished piece is the same object for ever. */
import { isLow } from './surrogates.ts'
export interface Piece {
  /** Where it begins in the text, UTF-16. */
  readonly start: number
  readonly text: string
}

/** From here on a piece ends at its next line break. */
const softLength = 2_000
/** Here one without a line break ends. */
const hardLength = 4_000
/** How far before that a better place is looked for. */
const window = 200

/**
 * A growing text as finished pieces and one open piece. Finished pieces stay the
 * same objects; an append costs what is new, not what is there. What belongs to
 * which piece depends on the text alone, not on the steps in which it came.
 */
export class TextPieces {
  /** A new array whenever one is added, so that it can be compared by identity. */
  #finished: readonly Piece[] = []
  #open: Piece = { start: 0, text: '' }
  /** Up to here the open piece has no line break that would end it. */
  #searched = 0
  /** UTF-16 units that were looked at or copied: what all of it has cost. */
  work = 0

  constructor(text = '') {
    this.append(text)
  }

  get finished(): readonly Piece[] {
    return this.#finished
  }

  /** The last one, which may be empty. */
  get open(): Piece {
    return this.#open
  }

  get length(): number {
    return this.#open.start + this.#open.text.length
  }

  toString(): string {
    return this.#finished.map(({ text }) => text).join('') + this.#open.text
  }

  append(text: string): void {
    if (text === '') return
    const { start } = this.#open
    let rest = this.#open.text + text
    this.work += text.length
    const done: Piece[] = []
    let at = start
    for (let end = this.#endOf(rest); end > 0; end = this.#endOf(rest)) {
      done.push({ start: at, text: rest.slice(0, end) })
      at += end
      rest = rest.slice(end)
      this.#searched = 0
    }
    if (done.length > 0) this.#finished = [...this.#finished, ...done]
    this.#open = { start: at, text: rest }
  }

  /** From offset `from` on, the text now reads `text`: pieces that end before it are kept. Takes a client's `TextChange`. */
  replaceFrom(from: number, text: string): void {
    if (from >= this.length) return this.append(text)
    let kept = this.#finished.length
    while (kept > 0 && this.#finished[kept - 1]!.start + this.#finished[kept - 1]!.text.length > from) kept -= 1
    const first = kept < this.#finished.length ? this.#finished[kept]! : this.#open
    const head = first.text.slice(0, from - first.start)
    if (kept < this.#finished.length) this.#finished = this.#finished.slice(0, kept)
    this.#open = { start: first.start, text: '' }
    this.#searched = 0
    this.work += head.length
    this.append(head + text)
  }

  /** Where the first piece of `text` ends; 0 while it is open. */
  #endOf(text: string): number {
    const from = Math.max(softLength - 1, this.#searched)
    const to = Math.min(text.length, hardLength)
    if (to > from) {
      this.work += to - from
      const lineBreak = text.slice(from, to).indexOf('\n')
      if (lineBreak !== -1) return from + lineBreak + 1
      this.#searched = to
    }
    return text.length < hardLength ? 0 : cut(text)
  }
}

/** A place before the hard limit: behind a space or a comma if one is near, else between two characters as people see them. */
function cut(text: string): number {
  const before = text.slice(hardLength - window, hardLength)
  for (let i = before.length - 1; i > 0; i--) {
    if (/[\s,;]/.test(before[i - 1]!) && !extends_(before, i)) return hardLength - window + i
  }
  let last = 0
  for (const { index } of graphemes.segment(before)) last = index
  // One character that long: at least no half of a pair.
  if (last === 0) last = isLow(before.charCodeAt(before.length - 1)) ? before.length : before.length - 1
  return hardLength - window + last
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** Would what begins here join the character before it? A line feed does after a carriage return, marks and joiners always. */
function extends_(text: string, at: number): boolean {
  return /^(?:\n|\p{M}|\u200d|[\ufe00-\ufe0f]|[\udc00-\udfff])/u.test(text.slice(at, at + 2))
}
