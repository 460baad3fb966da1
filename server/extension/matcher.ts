import { Automaton, behind, here, type State, type Transition } from './pattern-automaton.ts'
import { CharacterClasses } from './character-classes.ts'
import { Program } from './pattern-program.ts'

export interface Found {
  start: number
  end: number
}

/** What knows a pattern again: shared by all texts. */
export interface Matcher {
  automaton: Automaton
  classes: CharacterClasses
}

/** Throws TypeError for patterns whose beginnings cannot be known. */
export function matchers(patterns: readonly RegExp[]): Matcher[] {
  const program = new Program(patterns)
  const classes = new CharacterClasses(program)
  return program.roots.map((root) => ({ automaton: new Automaton(root, program.borders.length > 0), classes }))
}

/** One search for a pattern through a text that grows. It looks at each character once, until it is told to begin anew. */
export class Search {
  readonly #matcher: Matcher
  #state: State
  #starts: number[] = []
  #ends: number[] = []
  /** The best match so far. */
  #found: Found | null = null
  #ended = false
  /** Up to where it has looked. */
  #at = 0

  constructor(matcher: Matcher) {
    this.#matcher = matcher
    this.#state = matcher.automaton.initial(null)
  }

  /** Nothing is under way at this place of the text, before which there may be a character. */
  restart(text: string, at: number): void {
    this.#state = this.#matcher.automaton.initial(at === 0 ? null : this.#matcher.classes.at(text, at - 1))
    this.#starts = []
    this.#ends = []
    this.#found = null
    this.#ended = false
    this.#at = at
  }

  /** Goes on up to `to`, until a match is sure or may become longer than `maxChars`. */
  run(text: string, to: number, maxChars: number): void {
    const { automaton, classes } = this.#matcher
    for (; this.#at < to && !this.isSure && this.#at - (this.#starts[0] ?? this.#at) <= maxChars; this.#at++) {
      const character = classes.at(text, this.#at)
      this.#follow(this.#state.next[character.id] ?? automaton.next(this.#state, character))
    }
  }

  /** The text ends here: a match that was found is sure, and none is open any more. */
  end(): void {
    this.#follow(this.#matcher.automaton.next(this.#state, null))
    this.#ended = true
  }

  get at(): number {
    return this.#at
  }

  /** The match that would be, did the text end here. */
  get found(): Found | null {
    return this.#found
  }

  /** A match was found, and no better one is under way. */
  get isSure(): boolean {
    return this.#found !== null && (this.#ended || this.#state.threads.length === 0)
  }

  /** Where the next match begins, or may begin. Infinity: not in what came so far. */
  get start(): number {
    if (this.isSure) return this.#found!.start
    return this.#ended ? Infinity : (this.#starts[0] ?? Infinity)
  }

  /** Texts lose their beginning as they are passed on. */
  shift(by: number): void {
    this.#at -= by
    this.#starts = this.#starts.map((start) => start - by)
    this.#ends = this.#ends.map((end) => end - by)
    if (this.#found) this.#found = { start: this.#found.start - by, end: this.#found.end - by }
  }

  #follow({ state, starts, ends, match }: Transition): void {
    const at = this.#at
    if (match) this.#found = { start: placeOf(match.start, this.#starts, at), end: placeOf(match.end, this.#ends, at) }
    this.#state = state
    // Most of a text begins nothing.
    if (starts.length > 0 || this.#starts.length > 0) this.#starts = moved(this.#starts, starts, at)
    if (ends.length > 0 || this.#ends.length > 0) this.#ends = moved(this.#ends, ends, at)
  }
}

/** The registers of the next state; the same ones where nothing has moved. */
function moved(registers: number[], from: readonly number[], at: number): number[] {
  if (registers.length === from.length && from.every((register, i) => register === i)) return registers
  return from.map((register) => placeOf(register, registers, at))
}

function placeOf(register: number, registers: readonly number[], at: number): number {
  if (register === here) return at
  return register === behind ? at + 1 : registers[register]!
}
