import { isHigh, isLow } from '../../shared/surrogates.ts'
import type { CharacterTest, Program } from './pattern-program.ts'

/** Characters that all tests of a program answer alike. */
export interface CharacterClass {
  readonly id: number
  /** A character of one UTF-16 unit, or one half of a pair. */
  readonly kind: 'unit' | 'high' | 'low'
  /** By the number of the test: does a step take it? */
  readonly units: readonly boolean[]
  /** By the number of the test, 0 or 1: what a border asks. */
  readonly borders: string
}

/** Pairs that are remembered. */
const maxPairs = 65_536

/** The class of each character, found once: a program sees classes only, and there are few. */
export class CharacterClasses {
  readonly #program: Program
  readonly #known = new Map<string, CharacterClass>()
  /** By the high byte, then by the low one: texts need few pages. */
  readonly #pages: (CharacterClass | undefined)[][] = []
  readonly #ofPair = new Map<number, readonly [high: CharacterClass, low: CharacterClass]>()

  constructor(program: Program) {
    this.#program = program
  }

  /** Of the unit at a place. A pair stands in `text` with both of its halves. */
  at(text: string, index: number): CharacterClass {
    const unit = text.charCodeAt(index)
    const known = this.#pages[unit >> 8]?.[unit & 0xff]
    if (known) return known
    if (isHigh(unit) && isLow(text.charCodeAt(index + 1))) return this.#pair(text.codePointAt(index)!)[0]
    if (isLow(unit) && isHigh(text.charCodeAt(index - 1))) return this.#pair(text.codePointAt(index - 1)!)[1]
    const found = this.#class('unit', text[index]!, text[index]!)
    if (!isHigh(unit) && !isLow(unit)) (this.#pages[unit >> 8] ??= [])[unit & 0xff] = found
    return found
  }

  #pair(codePoint: number): readonly [CharacterClass, CharacterClass] {
    const known = this.#ofPair.get(codePoint)
    if (known) return known
    const pair = String.fromCodePoint(codePoint)
    const found = [this.#class('high', pair[0]!, pair), this.#class('low', pair[1]!, pair)] as const
    if (this.#ofPair.size === maxPairs) this.#ofPair.clear()
    this.#ofPair.set(codePoint, found)
    return found
  }

  /** `whole`: the character that the unit is, or is a half of. */
  #class(kind: CharacterClass['kind'], unit: string, whole: string): CharacterClass {
    const says = ({ pattern, wide }: CharacterTest) => pattern.test(wide ? whole : unit)
    // A character is taken with its first half.
    const units = this.#program.units.map((test) => !(test.wide && kind === 'low') && says(test))
    const borders = this.#program.borders.map((test) => (says(test) ? '1' : '0')).join('')
    const key = `${kind} ${units.map(Number).join('')} ${borders}`
    const known = this.#known.get(key)
    if (known) return known
    const made = { id: this.#known.size, kind, units, borders }
    this.#known.set(key, made)
    return made
  }
}
