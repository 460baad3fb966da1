import * as Y from 'yjs'
import type { MessageChange } from '../../shared/events.ts'
import { blockIsFinal, growingParts, outputArray } from '../../shared/schema.ts'
import { isStructureClientId } from './lanes.ts'

/** The parts of a block that a reader has, so far. Lengths stand in the order of `growingParts`. */
interface OpenBlock {
  index: number
  lengths: number[]
}

/** A position as a reader gives it back: numbers only, no block is looked up yet. */
export interface ReadPosition {
  lineage: string
  edits: number
  blocks: number
  closed: number
  open: readonly OpenBlock[]
}

/**
 * Which state of a message a reader has, in a few bytes: how many blocks, how
 * much of each that can still grow, and two sums over the rest, `edits` and
 * `closed`. All of it can be derived from the document, on any machine and at
 * any time: what grew since is the difference in lengths, and where a sum
 * differs something else happened. Statuses and the message's own fields are
 * in none of it; they are small and are told again.
 */
export class Position {
  readonly #lineage: string
  #edits = 0
  #blocks = 0
  #closed = 0
  readonly #open = new Map<string, OpenBlock & { type: string }>()
  /** Fields of blocks that were removed: setting one of them again makes no difference of two. */
  readonly #removed = new Set<string>()

  private constructor(lineage: string) {
    this.#lineage = lineage
  }

  /** The position of one who has all that the document holds. Walks the document once. */
  static of(doc: Y.Doc, lineage: string): Position {
    const position = new Position(lineage)
    for (const map of outputArray(doc)) {
      position.#edits += editsOf(map)
      position.#count(
        position.#blocks++,
        map.get('id') as string,
        map.get('type') as string,
        map.get('status') as string,
        lengthsOf(map),
      )
      for (const [key, item] of map._map) if (item.deleted) position.#removed.add(`${map.get('id') as string} ${key}`)
    }
    return position
  }

  /** A position that was read, to go on from; null if it is none of this document's, or what changed since did not only grow. */
  static at(doc: Y.Doc, lineage: string, read: ReadPosition): Position | null {
    const maps = outputArray(doc).toArray()
    if (read.lineage !== lineage || read.blocks > maps.length) return null
    const position = new Position(lineage)
    position.#edits = read.edits
    position.#blocks = read.blocks
    position.#closed = read.closed
    const open = new Map(read.open.map((block) => [block.index, block.lengths]))
    let edits = 0
    let closed = 0
    for (const [index, map] of maps.slice(0, read.blocks).entries()) {
      edits += editsOf(map)
      const lengths = lengthsOf(map)
      const had = open.get(index)
      if (!had) closed += sum(lengths)
      else if (had.length !== lengths.length || had.some((length, i) => length > lengths[i]!)) return null
      else position.#open.set(map.get('id') as string, { index, type: map.get('type') as string, lengths: [...had] })
    }
    return edits === read.edits && closed === read.closed && position.#open.size === open.size ? position : null
  }

  /** How much of a block's growing parts a reader has; undefined where they have been counted together. */
  lengths(block: string): readonly number[] | undefined {
    return this.#open.get(block)?.lengths
  }

  get blocks(): number {
    return this.#blocks
  }

  /** One change more. Costs the same at any length of the message. */
  advance(change: MessageChange): void {
    switch (change.type) {
      case 'message':
        return
      case 'block': {
        const { id, type, status } = change.block
        const parts: readonly string[] = growingParts(type)
        const fields = Object.entries(change.block)
        const lengths = parts.map(
          (part) => (change.block as unknown as Record<string, { length: number } | undefined>)[part]?.length ?? 0,
        )
        for (const [key] of fields) if (key !== 'status' && !parts.includes(key)) this.#edits += 2
        this.#blocks += 1
        return this.#count(change.index, id, type, status, lengths)
      }
      case 'set': {
        for (const key of Object.keys(change.fields))
          if (key !== 'status') this.#edits += this.#removed.delete(`${change.block} ${key}`) ? 1 : 2
        for (const key of change.removed ?? []) {
          this.#edits += 1
          this.#removed.add(`${change.block} ${key}`)
        }
        if (typeof change.fields.status === 'string' && blockIsFinal(change.fields.status)) this.#close(change.block)
        return
      }
      case 'annotation':
        return this.#grow(change.block, 'annotations', 1)
      case 'delta': {
        const { block, field, insert, delete: deleted } = change
        if (deleted !== undefined) this.#edits += insert.length + deleted
        return this.#grow(block, field, insert.length - (deleted ?? 0))
      }
    }
  }

  /** Opaque to readers, safe in a header. */
  toString(): string {
    let text = `${this.#lineage}.${short(this.#edits)}.${short(this.#blocks)}.${short(this.#closed)}`
    for (const { index, lengths } of this.#open.values()) text += `.${[index, ...lengths].map(short).join('_')}`
    return text
  }

  #count(index: number, id: string, type: string, status: string, lengths: number[]): void {
    if (blockIsFinal(status)) this.#closed += sum(lengths)
    else if (lengths.length > 0) this.#open.set(id, { index, type, lengths })
  }

  #grow(block: string, part: string, by: number): void {
    const open = this.#open.get(block)
    if (open) open.lengths[(growingParts(open.type) as readonly string[]).indexOf(part)]! += by
    else this.#closed += by
  }

  #close(block: string): void {
    const open = this.#open.get(block)
    if (!open) return
    this.#closed += sum(open.lengths)
    this.#open.delete(block)
  }
}

/** What `toString` wrote; null for anything else. */
export function readPosition(text: string): ReadPosition | null {
  const [lineage, edits, blocks, closed, ...open] = text.split('.')
  const numbers = [edits, blocks, closed].map(long)
  const openBlocks = open.map((part) => part.split('_').map(long))
  if (!lineage || [...numbers, ...openBlocks.flat()].some(Number.isNaN)) return null
  return {
    lineage,
    edits: numbers[0]!,
    blocks: numbers[1]!,
    closed: numbers[2]!,
    open: openBlocks.map(([index, ...lengths]) => ({ index: index!, lengths })),
  }
}

function short(value: number): string {
  return value.toString(36)
}

function long(text: string | undefined): number {
  return text !== undefined && /^[0-9a-z]{1,10}$/.test(text) ? Number.parseInt(text, 36) : Number.NaN
}

function sum(lengths: readonly number[]): number {
  return lengths.reduce((total, length) => total + length, 0)
}

function lengthsOf(block: Y.Map<unknown>): number[] {
  return growingParts(block.get('type') as string).map((part) => {
    const shared = block.get(part)
    return shared instanceof Y.Text || shared instanceof Y.Array ? shared.length : 0
  })
}

/**
 * Rises with every change of a block but statuses and appends: values that a
 * field has had, twice, one more where it is removed now; code units that were
 * deleted from a text, or inserted by the structure's client id instead of a
 * lane. Deleted items keep their length and place in a Yjs document whose
 * parent lives, so every replica counts the same.
 */
function editsOf(block: Y.Map<unknown>): number {
  let edits = 0
  for (const [key, last] of block._map) {
    if (key === 'status') continue
    if (last.content instanceof Y.ContentType) {
      if (last.content.type instanceof Y.Text) edits += textEdits(last.content.type)
    } else {
      for (let item: Y.Item | null = last; item; item = item.left) edits += 2 * item.length
      if (last.deleted) edits += 1
    }
  }
  return edits
}

function textEdits(text: Y.Text): number {
  let edits = 0
  for (let item = text._start; item; item = item.right) {
    if (item.deleted) edits += item.length
    if (isStructureClientId(item.id.client)) edits += item.length
  }
  return edits
}
