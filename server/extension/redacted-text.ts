import { partialPattern } from './partial-pattern.ts'

/** A match that is longer is not known as one: it counts as ended there, and what follows as new text. As much as `StreamContext.tail` tells. */
export const maxMatchChars = 4_096
/** Text is looked at in pieces of this size, however long the deltas are. */
const pieceChars = 2_048

export interface Replacement {
  pattern: RegExp
  /** As it stands: `$1` and the like have no meaning. */
  replacement: string
}

interface Match {
  start: number
  end: number
  /** What to put there; null: it has begun, and more text decides whether it is one. */
  replacement: string | null
}

/** What matches first, and of those that begin at the same place the first in the list. */
export class Matcher {
  readonly #patterns: readonly { partial: RegExp; whole: RegExp; replacement: string }[]

  /** Throws TypeError for patterns whose beginnings cannot be known. */
  constructor(patterns: readonly Replacement[]) {
    this.#patterns = patterns.map(({ pattern, replacement }) => ({
      partial: partialPattern(pattern),
      whole: new RegExp(pattern.source, `${pattern.flags.replace('g', '')}g`),
      replacement,
    }))
  }

  /** From `from` on; `ended`: no more text comes. */
  find(text: string, from: number, ended: boolean): Match | null {
    let first: Match | null = null
    for (const { partial, whole, replacement } of this.#patterns) {
      const pattern = ended ? whole : partial
      pattern.lastIndex = from
      const found = pattern.exec(text)
      if (!found || found.index >= (first?.start ?? text.length)) continue
      const open = !ended && found.some((group, i) => i > 0 && group !== undefined)
      first = { start: found.index, end: found.index + found[0].length, replacement: open ? null : replacement }
    }
    return first
  }
}

/**
 * One text on its way through: what of it may be shown. It keeps what may
 * become a match; of that, all but the last `maxHeldChars` is passed on, and
 * taken back by `rewrite` if it becomes one.
 */
export class RedactedText {
  readonly #matcher: Matcher
  readonly #maxHeldChars: number
  /** Puts the replacement where the end of what was passed on stands. */
  readonly #rewrite: (shown: string, replacement: string) => void
  /** The unit before `#open`, for borders of words and lines. */
  #before = ''
  /** From where a match may have begun. */
  #open = ''
  /** Units of `#open` that were passed on. */
  #shown = 0
  /** A high surrogate at the end of what came: no pattern sees half a pair. */
  #half = ''

  constructor(matcher: Matcher, maxHeldChars: number, rewrite: (shown: string, replacement: string) => void) {
    this.#matcher = matcher
    this.#maxHeldChars = maxHeldChars
    this.#rewrite = rewrite
  }

  /** What is to be passed on of all that came. */
  push(chunk: string): string {
    const joined = this.#half + chunk
    const end = isSurrogate(joined.charCodeAt(joined.length - 1), 0xd800) ? joined.length - 1 : joined.length
    this.#half = joined.slice(end)
    // As it will be written: what was shown has to be found again.
    const text = joined.slice(0, end).toWellFormed()
    let passed = ''
    for (let at = 0; at < end;) {
      let next = Math.min(end, at + pieceChars)
      if (splitsPair(text, next)) next += 1
      passed = this.#look(text.slice(at, next), passed, false)
      at = next
    }
    return passed
  }

  /** No more comes. */
  end(): string {
    const passed = this.#look(this.#half.toWellFormed(), '', true)
    this.#half = ''
    return passed
  }

  /** Adds to `passed`, which is not shown yet. */
  #look(piece: string, passed: string, ended: boolean): string {
    const text = this.#before + this.#open + piece
    /** Up to where it is known what becomes of the text, and up to where it has been passed on. */
    let known = this.#before.length
    let shown = known + this.#shown
    const pass = (to: number) => {
      if (to > shown) passed += text.slice(shown, to)
      shown = Math.max(shown, to)
    }
    let match = this.#matcher.find(text, known, ended)
    while (match) {
      if (match.replacement !== null) {
        pass(match.start)
        const back = text.slice(match.start, shown)
        passed = this.#takeBack(passed, back, match.replacement)
        known = shown = match.end
        match = this.#matcher.find(text, known, ended)
      } else if (text.length - match.start > maxMatchChars) {
        // As if the text ended here, for the matches that begin in the older half: so that it costs as much as it brings.
        const older = match.start + maxMatchChars / 2
        const decided = this.#matcher.find(text, match.start, true)
        if (decided && decided.start < older) match = decided
        else match = this.#matcher.find(text, (known = older), ended)
      } else break
    }
    let open = match?.start ?? text.length
    if (splitsPair(text, open)) open -= 1
    pass(open)
    let held = Math.max(shown, text.length - this.#maxHeldChars)
    if (splitsPair(text, held)) held += 1
    pass(held)
    this.#before = text.slice(Math.max(0, open - 1), open)
    this.#open = text.slice(open)
    this.#shown = shown - open
    return passed
  }

  /** `back` is the end of what was passed on: of `passed`, and of what is shown. */
  #takeBack(passed: string, back: string, replacement: string): string {
    if (passed.length >= back.length) return passed.slice(0, passed.length - back.length) + replacement
    this.#rewrite(back.slice(0, back.length - passed.length), replacement)
    return ''
  }
}

/** Whether the place is inside a surrogate pair. */
function splitsPair(text: string, index: number): boolean {
  return isSurrogate(text.charCodeAt(index - 1), 0xd800) && isSurrogate(text.charCodeAt(index), 0xdc00)
}

function isSurrogate(unit: number, first: 0xd800 | 0xdc00): boolean {
  return unit >= first && unit < first + 0x400
}
