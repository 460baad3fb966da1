import type { Definitions } from './memory.ts'
import type { Defines, FootnoteDef, LinkTarget } from './defines.ts'

/** What links and footnotes of one text mean: the first definition of a name counts. */
export class Defined implements Definitions {
  readonly #links = new Map<string, LinkTarget>()
  readonly #notes = new Map<string, FootnoteDef>()
  readonly #numbers = new Map<string, number>()

  get isEmpty(): boolean {
    return this.#links.size === 0 && this.#notes.size === 0
  }

  get hasNotes(): boolean {
    return this.#notes.size > 0
  }

  /** Footnotes that were asked for, by number; those too that are asked for meanwhile. */
  *asked(): Generator<FootnoteDef> {
    for (const label of this.#numbers.keys()) yield this.#notes.get(label)!
  }

  link(label: string): LinkTarget | undefined {
    return this.#links.get(label)
  }

  /** Numbers go by who is asked for first. */
  noteNumber(label: string): number | undefined {
    const known = this.#numbers.get(label)
    if (known !== undefined || !this.#notes.has(label)) return known
    this.#numbers.set(label, this.#numbers.size + 1)
    return this.#numbers.size
  }

  add(defines: Defines | null): void {
    if (!defines) return
    const { links, notes } = defines
    for (const [label, target] of links) if (!this.#links.has(label)) this.#links.set(label, target)
    for (const note of notes) if (!this.#notes.has(note.label)) this.#notes.set(note.label, note)
  }

  copy(): Defined {
    const copy = new Defined()
    for (const [label, target] of this.#links) copy.#links.set(label, target)
    for (const [label, note] of this.#notes) copy.#notes.set(label, note)
    return copy
  }

  /** The names that `other` answers in another way. Numbers are compared as they are now. */
  differsIn(other: Defined): Set<string> {
    const names = new Set<string>()
    for (const label of new Set([...this.#links.keys(), ...other.#links.keys()])) {
      const [one, two] = [this.#links.get(label), other.#links.get(label)]
      if (one?.href !== two?.href || one?.title !== two?.title) names.add(`link ${label}`)
    }
    for (const label of new Set([...this.#numbers.keys(), ...other.#numbers.keys()]))
      if (this.#numbers.get(label) !== other.#numbers.get(label)) names.add(`note ${label}`)
    return names
  }
}
