/**
 * Of a pattern, one that knows where text ends that may go on. At the end of
 * the text, whatever the pattern would test next succeeds (`(?:x|end)` for
 * every `x`), and then all that follows does, in the order in which the engine
 * tries: so the first way that succeeds is either the match that any longer
 * text has as well, or it came to the end, and more text decides.
 */

/** A piece of a pattern. */
interface Piece {
  /** Succeeds where the piece matches in this or in some longer text; a group takes part if the end was met. */
  partial: string
  /** Matches only where the piece matches in every longer text as well. */
  certain: string
  /** Units that it matches at least. */
  min: number
}

// V8 looks for `(?![^])` inside a surrogate pair, too, and finds it there in spite of the flag u: `$` does not.
const end = '$(?![^])'
/** The group says that the end was met: without it, a match that is whole at the end looks the same. */
const met = `(${end})`

/** The answer lies behind the end: on to it, where all succeeds. */
const toEnd = `[^]*${met}`

/** Throws TypeError for what cannot be told apart from its beginnings. */
export function partialPattern(pattern: RegExp): RegExp {
  const { flags } = pattern
  for (const flag of 'vy')
    if (flags.includes(flag)) throw new TypeError(`The flag ${flag} of ${String(pattern)} is not known to redaction.`)
  const { partial, min } = new PatternReader(pattern).read()
  if (min === 0) throw new TypeError(`${String(pattern)} may match the empty text.`)
  return new RegExp(partial, `${flags.replace(/[gd]/g, '')}g`)
}

/** Reads a source that RegExp took already. */
class PatternReader {
  readonly #pattern: RegExp
  readonly #source: string
  #at = 0

  constructor(pattern: RegExp) {
    this.#pattern = pattern
    this.#source = pattern.source
  }

  read(): Piece {
    const alternatives = [this.#sequence()]
    while (this.#take(/\|/y)) alternatives.push(this.#sequence())
    return {
      partial: alternatives.map(({ partial }) => partial).join('|'),
      certain: alternatives.map(({ certain }) => certain).join('|'),
      min: Math.min(...alternatives.map(({ min }) => min)),
    }
  }

  #sequence(): Piece {
    const sequence = { partial: '', certain: '', min: 0 }
    while (this.#at < this.#source.length && !/[|)]/.test(this.#source[this.#at]!)) {
      const { partial, certain, min } = this.#quantified(this.#term())
      sequence.partial += partial
      sequence.certain += certain
      sequence.min += min
    }
    return sequence
  }

  #quantified({ partial, certain, min }: Piece): Piece {
    const quantifier = this.#take(/(?:[*+?]|\{\d+(?:,\d*)?\})\??/y)
    if (!quantifier) return { partial, certain, min }
    const [, least = { '*': 0, '?': 0, '+': 1 }[quantifier[0]!], most] = /^\{(\d+)(,?\d*)/.exec(quantifier) ?? []
    const exact = most === '' || most === `,${least}`
    // A greedy loop that stopped at the end would have gone on.
    const goesOn = exact || (quantifier.endsWith('?') && quantifier.length > 1) ? '' : `(?:${met}|)`
    return {
      partial: `(?:${partial})${quantifier}${goesOn}`,
      certain: `(?:${certain})${quantifier}`,
      min: min * Number(least),
    }
  }

  #term(): Piece {
    // What looks at a border: what is behind it is not known at the end.
    const border = this.#take(/\^|\$|\\b/iy)
    if (border) return { partial: `(?:${met}|${border})`, certain: `(?!${end})${border}`, min: 0 }
    if (this.#take(/\(\?=/y)) {
      const { partial, certain } = this.#group()
      return { partial: `(?:${met}|(?=${certain})|(?=${partial})${toEnd})`, certain: `(?=${certain})`, min: 0 }
    }
    if (this.#take(/\(\?!/y)) {
      const { partial, certain } = this.#group()
      return { partial: `(?:${met}|(?!${partial})|(?!${certain})${toEnd})`, certain: `(?!${partial})`, min: 0 }
    }
    if (this.#take(/\(\?<[=!]/y)) throw this.#refusal('looks behind')
    const open = this.#take(/\((?:\?(?:<[^>]*>|[a-z-]*:))?/y)
    if (open) {
      const { partial, certain, min } = this.#group()
      const opened = /^\(\?[a-z-]*:$/.test(open) ? open : '(?:'
      return { partial: `${opened}${partial})`, certain: `${opened}${certain})`, min }
    }
    const unit = this.#unit()
    return { partial: `(?:${unit}|${met})`, certain: unit, min: 1 }
  }

  #group(): Piece {
    const inside = this.read()
    this.#at += 1
    return inside
  }

  /** What matches one character. */
  #unit(): string {
    const { unicode } = this.#pattern
    if (this.#take(/\\[1-9k]/y)) throw this.#refusal('refers back')
    if (this.#take(/\\0\d/y)) throw this.#refusal('holds an octal escape')
    if (unicode) {
      const wide = this.#take(
        /\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|\\u\{[\da-fA-F]+\}|\\[pP]\{[^}]*\}|[\ud800-\udbff][\udc00-\udfff]/y,
      )
      if (wide) return wide
    }
    const unit = this.#take(/\[(?:\\[^]|[^\]\\])*\]|\\u[\da-fA-F]{4}|\\x[\da-fA-F]{2}|\\c[a-zA-Z]|\\[^]|[^]/y)!
    if (unit === '\\c') throw this.#refusal('holds a \\c without a letter')
    return /^[{}\]]$/.test(unit) ? `\\${unit}` : unit
  }

  #take(expected: RegExp): string | undefined {
    expected.lastIndex = this.#at
    const [taken] = expected.exec(this.#source) ?? []
    if (taken !== undefined) this.#at += taken.length
    return taken
  }

  #refusal(what: string): TypeError {
    return new TypeError(`${String(this.#pattern)} ${what}: redaction cannot know early enough what it matches.`)
  }
}
