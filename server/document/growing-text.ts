import type * as Y from 'yjs'
import type { GrowingField } from '../../shared/schema.ts'
import { Coalescer } from './coalescer.ts'

/** UTF-16 units that `tail` gives at the most; edits within them cost the same at any length of the text. */
export const tailUnits = 4_096

/** A change of written text: `deleted` units at `offset` go, `insert` comes in their place. */
export interface Edit {
  offset: number
  deleted: number
  insert: string
}

/**
 * A text that grows: what is written of it, and what waits for the next
 * commit. What waits is kept in a normal form, edits of written text (apart
 * from each other, in order) and text behind it, so that nothing is ever
 * inserted to be deleted: text that is replaced while it waits was never there.
 */
export class GrowingText {
  readonly field: GrowingField
  /** Null until its first text is written. */
  shared: Y.Text | null
  /** The lane that it holds while it grows. */
  lane: number | null = null
  readonly #waiting = new Coalescer()
  #edits: Edit[] = []
  /** By how much the edits change the length. */
  #growth = 0
  /** The end of all but what is held, at least `tailUnits` of it. Null until it is asked for: most texts are never edited. */
  #tail: string | null = null

  constructor(field: GrowingField, shared: Y.Text | null) {
    this.field = field
    this.shared = shared
  }

  /** UTF-16 units with all that was appended and replaced so far. */
  get length(): number {
    return this.#settled + this.#waiting.held.length
  }

  /** Half of a pair does not wait for a commit but for its other half. */
  get waits(): boolean {
    return this.#waiting.pending !== ''
  }

  /** The last units with all that was appended and replaced so far. */
  tail(count: number): string {
    if (count <= 0) return ''
    return (this.#end() + this.#waiting.held).slice(-Math.min(count, tailUnits))
  }

  append(chunk: string): void {
    this.#extendTail(this.#waiting.push(chunk))
  }

  /** No more comes; what is seldom asked for from now on is not kept. */
  end(): void {
    this.#waiting.end()
    this.#tail = null
  }

  /**
   * An edge inside a surrogate pair moves outwards. Returns whether written
   * text changes; a replacement of text that waits is a part of what waits.
   */
  replace(offset: number, deleteCount: number, insert: string): boolean {
    const settled = this.#settled
    const from = Math.min(Math.max(offset, 0), this.length)
    const to = Math.min(Math.max(offset + deleteCount, from), this.length)
    if (to > from && to > settled) this.#waiting.dropHeld()
    const [start, end] = this.#codePoints(Math.min(from, settled), Math.min(to, settled))
    const text = insert.toWellFormed()
    this.#replaceInTail(start, end, text)
    const edited = this.#edited
    // With nothing written, or behind what is, it is text that grows.
    if (!this.shared?.length || (start >= edited && this.waits)) {
      this.#waiting.replace(start - edited, end - edited, text)
      return false
    }
    if (end > edited) this.#waiting.replace(0, end - edited, '')
    this.#edit(start, Math.min(end, edited), text)
    return true
  }

  /** The edits of written text, offsets counted in it as it is. They are to be written before anything else happens. */
  takeEdits(): Edit[] {
    const edits = this.#edits
    this.#edits = []
    this.#growth = 0
    return edits
  }

  /** The text to be written behind what is. */
  take(): string {
    return this.#waiting.take()
  }

  /** Units of what is written, edits included. */
  get #edited(): number {
    return (this.shared?.length ?? 0) + this.#growth
  }

  get #settled(): number {
    return this.#edited + this.#waiting.pending.length
  }

  /** Adds an edit of `start` to `end`, which count earlier edits; those that it touches become part of it. */
  #edit(start: number, end: number, insert: string): void {
    const edits = this.#edits
    // Edits are mostly near the end: looked for from there. `shift`: by how much the edits before `last` move text.
    let last = edits.length
    let shift = this.#growth
    const growth = ({ deleted, insert }: Edit) => insert.length - deleted
    const before = () => edits[last - 1]
    for (let edit = before(); edit && edit.offset + shift - growth(edit) > end; edit = before()) {
      shift -= growth(edit)
      last -= 1
    }
    let first = last
    let deletedEnd = end - shift
    let text = insert
    for (let edit = before(); edit; edit = edits[first - 1]) {
      const editStart = edit.offset + shift - growth(edit)
      const editEnd = editStart + edit.insert.length
      if (editEnd < start) break
      if (editEnd >= end) {
        deletedEnd = edit.offset + edit.deleted
        text += edit.insert.slice(end - editStart)
      }
      shift -= growth(edit)
      first -= 1
      if (editStart > start) continue
      text = edit.insert.slice(0, start - editStart) + text
      start = editStart
      break
    }
    const offset = start - shift
    const merged = { offset, deleted: deletedEnd - offset, insert: text }
    const gone = edits.splice(first, last - first, ...(merged.deleted > 0 || text !== '' ? [merged] : []))
    this.#growth += growth(merged) - gone.reduce((sum, edit) => sum + growth(edit), 0)
  }

  /** A range that splits no surrogate pair. */
  #codePoints(start: number, end: number): [number, number] {
    let text = this.#end()
    let from = this.#settled - text.length
    if (start <= from && from > 0) {
      text = this.#read()
      from = 0
    }
    const splits = (index: number) =>
      isSurrogate(text.charCodeAt(index - from), 0xdc00) && isSurrogate(text.charCodeAt(index - from - 1), 0xd800)
    return [splits(start) ? start - 1 : start, splits(end) ? end + 1 : end]
  }

  /** All but what is held; costs the whole text. */
  #read(): string {
    const written = this.shared?.toString() ?? ''
    let text = ''
    let from = 0
    for (const { offset, deleted, insert } of this.#edits) {
      text += written.slice(from, offset) + insert
      from = offset + deleted
    }
    return text + written.slice(from) + this.#waiting.pending
  }

  #end(): string {
    if (this.#tail === null || (this.#tail.length < tailUnits && this.#tail.length < this.#settled))
      this.#tail = this.#read().slice(-2 * tailUnits)
    return this.#tail
  }

  #extendTail(text: string): void {
    if (this.#tail !== null) this.#tail = bounded(this.#tail + text)
  }

  /** Called before the change. */
  #replaceInTail(start: number, end: number, insert: string): void {
    if (this.#tail === null) return
    const from = this.#settled - this.#tail.length
    if (start >= from) this.#tail = bounded(this.#tail.slice(0, start - from) + insert + this.#tail.slice(end - from))
    else if (end > from) this.#tail = null
  }
}

/** Cut seldom and by half: a cut copies what it keeps. */
function bounded(tail: string): string {
  return tail.length > 4 * tailUnits ? tail.slice(-2 * tailUnits) : tail
}

/** Of the half that begins at `first`. */
function isSurrogate(unit: number, first: 0xd800 | 0xdc00): boolean {
  return unit >= first && unit < first + 0x400
}
