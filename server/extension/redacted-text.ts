import { isHigh, splitsPair } from '../../shared/surrogates.ts'
import { Search, type Matcher } from './matcher.ts'

/** A match that is longer is not known as one: it counts as ended there, and what follows as new text. As much as `StreamContext.tail` tells. */
export const maxMatchChars = 4_096
/** The patterns go through a text abreast: where one of them matches, the others have little to take back. */
const strideChars = 64

/**
 * One text on its way through: what of it may be shown. It keeps what may
 * become a match; of that, all but the last `maxHeldChars` is passed on, and
 * taken back by `rewrite` if it becomes one.
 */
export class RedactedText {
  /** One a pattern, in the order of the patterns. */
  readonly #searches: readonly Search[]
  readonly #replacements: readonly string[]
  readonly #maxHeldChars: number
  /** Puts the replacement where the end of what was passed on stands. */
  readonly #rewrite: (shown: string, replacement: string) => void
  /** From where a match may have begun, and the character before that. */
  #kept = ''
  /** Units of `#kept` that were passed on. */
  #shown = 0
  /** A high surrogate at the end of what came: no pattern sees half a pair. */
  #half = ''
  #passed = ''

  /** `replacements`: in the order of the patterns. */
  constructor(
    matchers: readonly Matcher[],
    replacements: readonly string[],
    maxHeldChars: number,
    rewrite: (shown: string, replacement: string) => void,
  ) {
    this.#searches = matchers.map((matcher) => new Search(matcher))
    this.#replacements = replacements
    this.#maxHeldChars = maxHeldChars
    this.#rewrite = rewrite
  }

  /** What is to be passed on of all that came. `more`: of what is shown together; what may become a match waits for it. */
  push(chunk: string, more = false): string {
    const joined = this.#half + chunk
    const end = isHigh(joined.charCodeAt(joined.length - 1)) ? joined.length - 1 : joined.length
    this.#half = joined.slice(end)
    // As it will be written: what was shown has to be found again.
    return this.#look(joined.slice(0, end).toWellFormed(), more ? 'more' : 'shown')
  }

  /** No more comes. */
  end(): string {
    const passed = this.#look(this.#half.toWellFormed(), 'ended')
    this.#half = ''
    return passed
  }

  #look(piece: string, then: 'more' | 'shown' | 'ended'): string {
    const text = this.#kept + piece
    for (let to = this.#kept.length; to < text.length;) {
      to = Math.min(to + strideChars, text.length)
      this.#decide(text, to, false)
    }
    if (then === 'ended') this.#decide(text, text.length, true)
    let open = Math.min(text.length, this.#firstSearch().start)
    if (splitsPair(text, open)) open -= 1
    this.#pass(text, open)
    let held = then === 'more' ? 0 : text.length - this.#maxHeldChars
    if (splitsPair(text, held)) held += 1
    this.#pass(text, held)
    // With the character before, for borders of words and lines.
    let from = Math.max(0, open - 1)
    if (splitsPair(text, from)) from -= 1
    for (const search of this.#searches) search.shift(from)
    this.#kept = text.slice(from)
    this.#shown -= from
    const passed = this.#passed
    this.#passed = ''
    return passed
  }

  /** Replaces what is known as a match in the text up to `to`. */
  #decide(text: string, to: number, ended: boolean): void {
    for (;;) {
      for (const search of this.#searches) {
        search.run(text, to, maxMatchChars)
        if (ended && search.at === to && !search.isSure) search.end()
      }
      const first = this.#firstSearch()
      const { start, found, isSure, at } = first
      const older = start + maxMatchChars / 2
      const isLong = at - start > maxMatchChars
      if (found && (isSure || (isLong && found.start < older))) this.#replace(text, first)
      // Of what begins in the older half nothing is known as a match: the rest is looked at once more.
      else if (isLong) first.restart(text, splitsPair(text, older) ? older + 1 : older)
      else return
    }
  }

  /** The one whose match begins first, and of those that begin at the same place the first. */
  #firstSearch(): Search {
    return this.#searches.reduce((first, search) => (search.start < first.start ? search : first))
  }

  #replace(text: string, search: Search): void {
    const { start, end } = search.found!
    const replacement = this.#replacements[this.#searches.indexOf(search)]!
    this.#pass(text, start)
    // What was passed on just now lies before it.
    if (start < this.#shown) this.#rewrite(text.slice(start, this.#shown), replacement)
    else this.#passed += replacement
    this.#shown = end
    for (const other of this.#searches) if (other === search || other.start < end) other.restart(text, end)
  }

  #pass(text: string, to: number): void {
    if (to <= this.#shown) return
    this.#passed += text.slice(this.#shown, to)
    this.#shown = to
  }
}
