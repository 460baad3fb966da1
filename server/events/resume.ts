import type * as Y from 'yjs'
import type { MessageChange } from '../../shared/events.ts'
import { isLateField } from '../../shared/known-types.ts'
import {
  growingParts,
  optionalMessageFields,
  outputArray,
  readBlock,
  readMessageFields,
  type Block,
  type GrowingField,
  type JsonObject,
} from '../../shared/schema.ts'
import type { Position } from '../document/position.ts'

/**
 * What a reader at this position lacks: the message's fields and the statuses
 * that may have changed, the tails of what it has in part, the blocks that are
 * new. `position` is one that `Position.at` found to be good.
 */
export function changesSince(doc: Y.Doc, position: Position): MessageChange[] {
  const fields = readMessageFields(doc)
  const removed = optionalMessageFields.filter((field) => fields[field] === undefined)
  const statuses: MessageChange[] = []
  const tails: MessageChange[] = []
  const opened: MessageChange[] = []
  outputArray(doc).forEach((map, index) => {
    if (index >= position.blocks) return void opened.push({ type: 'block', index, block: readBlock(map) })
    const id = map.get('id') as string
    const status = map.get('status') as string
    const lengths = position.lengths(id)
    // Nothing leaves `completed` unseen: what the reader counted as closed is told again unless it is that.
    if (lengths || status !== 'completed') statuses.push({ type: 'set', block: id, fields: { status } })
    if (lengths) for (const tail of tailsOf(readBlock(map), lengths)) tails.push(tail)
  })
  return [{ type: 'message', fields, removed }, ...statuses, ...tails, ...opened]
}

function tailsOf(block: Block, lengths: readonly number[]): MessageChange[] {
  const tails: MessageChange[] = []
  for (const [i, part] of growingParts(block.type).entries()) {
    const value = (block as unknown as Record<string, string | JsonObject[] | undefined>)[part]
    const had = lengths[i]!
    if (value === undefined) continue
    if (typeof value !== 'string') {
      for (const annotation of value.slice(had)) tails.push({ type: 'annotation', block: block.id, annotation })
    } else if (value.length > had || (had === 0 && isLateField(block.type, part))) {
      // One that is there and empty differs from one that is not there.
      tails.push({ type: 'delta', block: block.id, field: part as GrowingField, offset: had, insert: value.slice(had) })
    }
  }
  return tails
}
