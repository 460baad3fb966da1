/** The block types by their names, as all who meet a block ask for them. Rows stand in `block-types.ts`. */
import * as Y from 'yjs'
import {
  blockTypes,
  type AnyBlock,
  type BlockEnd,
  type BlockRow,
  type DoorField,
  type FilteredField,
  type Loss,
  type NewBlock,
} from './block-types.ts'
import type { Block } from './blocks.ts'
import { growth, setGrowing, type GrowingField } from './growing.ts'
import type { JsonObject } from './json.ts'
import type { TerminalStatus } from './status.ts'
import type { Shown } from './shown.ts'

type Row = BlockRow<AnyBlock>

interface KnownType {
  readonly row: Row
  /** What of a block only grows while nobody rewrites it. */
  readonly parts: readonly (GrowingField | 'annotations')[]
}

const types = new Map(Object.entries(blockTypes).map(([type, row]) => [type, knownType(row as unknown as Row)]))
/** Of a newer version: what it says is kept and passed on, and shown to nobody. */
const unknown = knownType({ grows: {}, shown: () => null })

/**
 * A type that only its maker knows. To be called when the process starts, and
 * alike in all that read the same documents. Returns what takes it away.
 */
export function addBlockType<B extends AnyBlock>(type: B['type'], row: BlockRow<B>): () => void {
  if (types.has(type)) throw new TypeError(`There is a block type ${type} already.`)
  types.set(type, knownType(row as unknown as Row))
  setGrowing(type, row.grows)
  return () => {
    types.delete(type)
    setGrowing(type, undefined)
  }
}

function knownType(row: Row): KnownType {
  const parts = [...Object.keys(row.grows), ...(row.isAnnotated ? ['annotations'] : [])]
  return { row, parts: parts as KnownType['parts'] }
}

function typeOf(type: string): KnownType {
  return types.get(type) ?? unknown
}

function fieldOf(block: object, field: string | undefined): string {
  const value = field === undefined ? undefined : (block as Record<string, unknown>)[field]
  return typeof value === 'string' ? value : ''
}

/** What of a block only grows while nobody rewrites it, in a fixed order. */
export function growingParts(type: string): KnownType['parts'] {
  return typeOf(type).parts
}

/** It is made when its first character comes. */
export function isLateField(type: string, field: string): boolean {
  return growth(type, field)?.isLate ?? false
}

/** The shared types of a new block, its texts empty. Values must be clean JSON (`cleanJson`). */
export function createBlock(id: string, block: NewBlock): Y.Map<unknown> {
  const map = new Y.Map<unknown>()
  map.set('id', id)
  for (const [key, value] of Object.entries(block)) if (value !== undefined) map.set(key, value)
  for (const part of growingParts(block.type)) {
    if (part === 'annotations') {
      if (typeOf(block.type).row.isAnnotated === true) map.set(part, new Y.Array<JsonObject>())
    } else if (!isLateField(block.type, part)) map.set(part, new Y.Text())
  }
  return map
}

/** What filters call a growing text. */
export function filteredField(type: string, field: string): FilteredField {
  return (field === 'text' ? type : field) as FilteredField
}

/** Whether filters look at a growing text without being told to: at all but what a row keeps for programs. */
export function isShownText(type: string, field: string): boolean {
  return growth(type, field)?.isShownText ?? true
}

/** The words of those who wrote the blocks, the model's or a person's. */
export function wordsOf(...blocks: readonly Block[]): string {
  return blocks.map((block) => fieldOf(block, typeOf(block.type).row.words)).join('')
}

/** What a search finds of a block. */
export function searchedTexts(block: Block): string[] {
  return (typeOf(block.type).row.searched ?? []).map((field) => fieldOf(block, field))
}

/** It stands beside the answer, not in it. */
export function isAside(type: string): boolean {
  return typeOf(type).row.isAside ?? false
}

/** In which field of a chunk a block's text goes out, and which of its texts that is; undefined: it does not. */
export function doorOf(type: string): { field: DoorField; text: string } | undefined {
  return typeOf(type).row.door
}

/** What goes out of a block at the door. */
export function doorText(block: Block): string {
  return fieldOf(block, doorOf(block.type)?.text)
}

/** How a block ends that its run left open. */
export function endOf(type: string, status: TerminalStatus, at: number): BlockEnd {
  const { end } = typeOf(type).row
  return end?.(status, at) ?? { status: status === 'completed' ? 'completed' : 'incomplete', fields: {} }
}

/** The same where the run was lost; null: the block stays as it is. */
export function lostEndOf(block: Block, loss: Loss): BlockEnd | null {
  const { lost } = typeOf(block.type).row
  if (lost) return lost(block, loss)
  return block.status === 'in_progress' ? endOf(block.type, loss.status, loss.at) : null
}

export function shownOf(block: Block): Shown | null {
  return typeOf(block.type).row.shown(block)
}
