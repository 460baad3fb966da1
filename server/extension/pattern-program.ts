/**
 * A pattern as a program of steps, each of which says what the next character
 * may be: so all ways that a match may take are followed at the same time, and
 * no text makes it take longer (`pattern-automaton.ts`).
 */

export type Step = { readonly id: number } & (
  | {
      type: 'unit'
      test: number
      next: Step
      /** Of a pattern with the flag u: the second half of a pair. */ low: Step | null
    }
  | { type: 'low'; next: Step }
  | { type: 'split'; first: Step; second: Step }
  | { type: 'border'; border: Border; next: Step }
  /** An iteration that matches nothing is none: from `enter` to `leave` there is at least one character. */
  | { type: 'enter'; loop: number; next: Step }
  | { type: 'leave'; loop: number; next: Step }
  | { type: 'look'; negated: boolean; body: Step; next: Step }
  | { type: 'match' }
)

type NewStep = Step extends infer Each ? (Each extends Step ? Omit<Each, 'id'> : never) : never

/** `test`: of the character before or behind. */
export type Border =
  | { type: 'start'; test: number | null }
  | { type: 'end'; test: number | null }
  | { type: 'word'; negated: boolean; test: number }

/** What one character is asked. `wide`: the whole of a surrogate pair. */
export interface CharacterTest {
  pattern: RegExp
  wide: boolean
}

/** Steps of all patterns together; `{n}` repeats them. */
const maxSteps = 10_000

export class Program {
  /** Where each pattern begins, in their order. */
  readonly roots: readonly Step[]
  readonly units: CharacterTest[] = []
  readonly borders: CharacterTest[] = []
  readonly #known = new Map<string, number>()
  #steps = 0
  #loops = 0

  /** Throws TypeError for patterns whose matches cannot be told from their beginnings. */
  constructor(patterns: readonly RegExp[]) {
    this.roots = patterns.map((pattern) => new PatternReader(pattern, this).whole().build(this.step({ type: 'match' })))
  }

  step(step: NewStep): Step {
    if (this.#steps === maxSteps)
      throw new TypeError('The patterns of a redaction are too large: their counted repetitions are written out.')
    return { ...step, id: this.#steps++ } as Step
  }

  loop(): number {
    return this.#loops++
  }

  /** The number of a test, the same for the same test. */
  test(list: 'units' | 'borders', source: string, flags: string): number {
    const key = `${list} ${flags} ${source}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    this[list].push({ pattern: new RegExp(`^(?:${source})$`, flags), wide: flags.includes('u') })
    this.#known.set(key, this[list].length - 1)
    return this[list].length - 1
  }
}

/** A piece of a pattern. */
interface Piece {
  /** Characters that it matches at least. */
  min: number
  build(next: Step): Step
}

/** Reads a source that RegExp took already. */
class PatternReader {
  readonly #pattern: RegExp
  readonly #source: string
  readonly #program: Program
  #flags: string
  #at = 0

  constructor(pattern: RegExp, program: Program) {
    for (const flag of 'vy')
      if (pattern.flags.includes(flag))
        throw new TypeError(`The flag ${flag} of ${String(pattern)} is not known to redaction.`)
    this.#pattern = pattern
    this.#source = pattern.source
    this.#flags = pattern.flags
    this.#program = program
  }

  whole(): Piece {
    const piece = this.#alternatives()
    if (piece.min === 0) throw new TypeError(`${String(this.#pattern)} may match the empty text.`)
    return piece
  }

  #alternatives(): Piece {
    const pieces = [this.#sequence()]
    while (this.#take(/\|/y)) pieces.push(this.#sequence())
    if (pieces.length === 1) return pieces[0]!
    return {
      min: pieces.reduce((least, { min }) => Math.min(least, min), Infinity),
      build: (next) => this.#either(pieces.map((piece) => piece.build(next))),
    }
  }

  /** In their order, and no deeper than need be. */
  #either(steps: readonly Step[]): Step {
    if (steps.length === 1) return steps[0]!
    const half = Math.ceil(steps.length / 2)
    return this.#program.step({
      type: 'split',
      first: this.#either(steps.slice(0, half)),
      second: this.#either(steps.slice(half)),
    })
  }

  #sequence(): Piece {
    const pieces: Piece[] = []
    while (this.#at < this.#source.length && !/[|)]/.test(this.#source[this.#at]!))
      pieces.push(this.#quantified(this.#term()))
    return {
      min: pieces.reduce((sum, { min }) => sum + min, 0),
      build: (next) => pieces.reduceRight((behind, piece) => piece.build(behind), next),
    }
  }

  #quantified(piece: Piece): Piece {
    const quantifier = this.#take(/(?:[*+?]|\{\d+(?:,\d*)?\})\??/y)
    if (!quantifier) return piece
    const [, from, comma, to] = /^\{(\d+)(,?)(\d*)/.exec(quantifier) ?? []
    const least = from === undefined ? (quantifier.startsWith('+') ? 1 : 0) : Number(from)
    const most =
      from === undefined ? (quantifier.startsWith('?') ? 1 : Infinity) : to ? Number(to) : comma ? Infinity : least
    const isLazy = quantifier.length > 1 && quantifier.endsWith('?')
    const program = this.#program
    const either = (again: Step, next: Step): Step =>
      program.step({ type: 'split', first: isLazy ? next : again, second: isLazy ? again : next })
    /** One iteration more than there must be. */
    const optional = (behind: Step): Step => {
      if (piece.min > 0) return piece.build(behind)
      const loop = program.loop()
      return program.step({
        type: 'enter',
        loop,
        next: piece.build(program.step({ type: 'leave', loop, next: behind })),
      })
    }
    return {
      min: piece.min * least,
      build: (next) => {
        let built = next
        if (most === Infinity) {
          const loop = either(next, next) as Extract<Step, { type: 'split' }>
          loop[isLazy ? 'second' : 'first'] = optional(loop)
          built = loop
        } else for (let i = least; i < most; i++) built = either(optional(built), next)
        for (let i = 0; i < least; i++) built = piece.build(built)
        return built
      },
    }
  }

  #term(): Piece {
    const border = this.#take(/\^|\$|\\b/iy)
    if (border) return this.#border(border)
    const look = this.#take(/\(\?[=!]/y)
    if (look) {
      const inside = this.#group()
      const program = this.#program
      return {
        min: 0,
        build: (next) =>
          program.step({
            type: 'look',
            negated: look === '(?!',
            body: inside.build(program.step({ type: 'match' })),
            next,
          }),
      }
    }
    if (this.#take(/\(\?<[=!]/y)) throw this.#refusal('looks behind')
    const open = this.#take(/\((?:\?(?:<[^>]*>|[a-z-]*:))?/y)
    if (open) {
      const flags = this.#flags
      const [, on = '', off = ''] = /^\(\?([a-z]*)-?([a-z]*):$/.exec(open) ?? []
      this.#flags = [...new Set(flags + on)].filter((flag) => !off.includes(flag)).join('')
      const inside = this.#group()
      this.#flags = flags
      return inside
    }
    return this.#unit()
  }

  #group(): Piece {
    const inside = this.#alternatives()
    this.#at += 1
    return inside
  }

  #border(source: string): Piece {
    const program = this.#program
    const lines = () => (this.#flags.includes('m') ? program.test('borders', '[\\n\\r\\u2028\\u2029]', '') : null)
    const border: Border =
      source === '^'
        ? { type: 'start', test: lines() }
        : source === '$'
          ? { type: 'end', test: lines() }
          : { type: 'word', negated: source === '\\B', test: program.test('borders', '\\w', this.#only('iu')) }
    return { min: 0, build: (next) => program.step({ type: 'border', border, next }) }
  }

  /** What matches one character. */
  #unit(): Piece {
    const wide = this.#pattern.unicode
    const source = this.#unitSource()
    const test = this.#program.test('units', source, this.#only('isu'))
    return {
      min: 1,
      build: (next) =>
        this.#program.step({ type: 'unit', test, next, low: wide ? this.#program.step({ type: 'low', next }) : null }),
    }
  }

  #unitSource(): string {
    if (this.#take(/\\[1-9k]/y)) throw this.#refusal('refers back')
    if (this.#take(/\\0\d/y)) throw this.#refusal('holds an octal escape')
    if (this.#pattern.unicode) {
      const wide = this.#take(
        /\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|\\u\{[\da-fA-F]+\}|\\[pP]\{[^}]*\}|[\ud800-\udbff][\udc00-\udfff]/y,
      )
      if (wide) return wide
    }
    const unit = this.#take(/\[(?:\\[^]|[^\]\\])*\]|\\u[\da-fA-F]{4}|\\x[\da-fA-F]{2}|\\c[a-zA-Z]|\\[^]|[^]/y)!
    if (unit === '\\c') throw this.#refusal('holds a \\c without a letter')
    return /^[{}\]]$/.test(unit) ? `\\${unit}` : unit
  }

  #only(flags: string): string {
    return flags
      .split('')
      .filter((flag) => this.#flags.includes(flag))
      .join('')
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
