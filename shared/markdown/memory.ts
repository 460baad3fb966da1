import type { Item } from './assemble.ts'
import type { LinkTarget } from './defines.ts'

/** What a part of a text asked of definitions that may stand anywhere. */
export interface Uses {
  labels: Set<string>
  /** Labels of footnotes, in order, and the numbers that they had. */
  notes: { label: string; number: number | undefined }[]
}

/** Answers what definitions say, as of now. */
export interface Definitions {
  link: (label: string) => LinkTarget | undefined
  noteNumber: (label: string) => number | undefined
}

export interface Remembered {
  items: Item[]
  uses: Uses
}

/** What was made of which text, and what was asked of definitions meanwhile. What is not asked for again is forgotten. */
export class Memory {
  readonly #definitions: Definitions
  #uses: Uses = { labels: new Set(), notes: [] }
  #known = new Map<string, Remembered>()
  #next = new Map<string, Remembered>()
  /** By what it was made of: what is read no second time. */
  #made = new WeakMap<object, Remembered>()
  /** Nobody asks for it again. */
  #isLast = false

  constructor(definitions: Definitions) {
    this.#definitions = definitions
  }

  link(label: string): LinkTarget | undefined {
    this.#uses.labels.add(label)
    return this.#definitions.link(label)
  }

  noteNumber(label: string): number | undefined {
    const number = this.#definitions.noteNumber(label)
    this.#uses.notes.push({ label, number })
    return number
  }

  /** What was made since the last call is remembered, what was not is forgotten. */
  turn(): void {
    this.#known = this.#next
    this.#next = new Map()
  }

  /** What was made of this object is found by this name again. */
  recall(of: object, name: string): void {
    const known = this.#made.get(of)
    if (known) this.#known.set(name, known)
  }

  forget(): void {
    this.#made = new WeakMap()
    this.#known.clear()
    this.#next.clear()
  }

  /** What `build` makes stays as it is: nothing of it is remembered, and what was made before is still found. */
  last<Made>(build: () => Made): Made {
    this.#isLast = true
    try {
      return build()
    } finally {
      this.#isLast = false
    }
  }

  recorded(build: () => Item[]): Remembered {
    const outer = this.#uses
    const uses: Uses = { labels: new Set(), notes: [] }
    this.#uses = uses
    try {
      return { items: build(), uses }
    } finally {
      this.#uses = outer
      for (const label of uses.labels) outer.labels.add(label)
      for (const note of uses.notes) outer.notes.push(note)
    }
  }

  /** What `build` makes, once for each name. `isOpen`: it may be another thing the next time. */
  remember(name: () => string, isOpen: boolean, build: () => Item[]): Item[] {
    if (isOpen || this.#isNew) return build()
    const own = name()
    let known = this.#known.get(own) ?? this.#next.get(own)
    // Notes have numbers by who asks first: each asks again.
    if (known?.uses.notes.every(({ label, number }) => this.#definitions.noteNumber(label) === number)) {
      for (const label of known.uses.labels) this.#uses.labels.add(label)
      this.#uses.notes.push(...known.uses.notes)
    } else known = this.recorded(build)
    if (!this.#isLast) this.#next.set(own, known)
    return known.items
  }

  /** It cannot have been made before, and need not be remembered: most of a text that comes whole. */
  get #isNew(): boolean {
    return this.#isLast && this.#known.size === 0 && this.#next.size === 0
  }

  /** The same of an item or a row, which may be the same object as before. */
  rememberOf(of: object, name: () => string, isOpen: boolean, build: () => Item[]): Item[] {
    if (isOpen || this.#isNew) return build()
    const made = this.#made.get(of)
    if (made?.uses.notes.length === 0) {
      for (const label of made.uses.labels) this.#uses.labels.add(label)
      return made.items
    }
    const own = name()
    const items = this.remember(() => own, false, build)
    const next = this.#next.get(own)
    if (next) this.#made.set(of, next)
    return items
  }
}
