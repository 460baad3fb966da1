import * as Y from 'yjs'
import type { MessageChange } from '../../shared/events.ts'
import { isStructureClientId } from './lanes.ts'
import {
  isGrowingField,
  messageMap,
  outputArray,
  readBlock,
  type GrowingField,
  type JsonObject,
  type MessageFields,
} from '../../shared/schema.ts'

/**
 * What updates of another writer do to a message, change by change, as their
 * writer reported it there. Watching costs every update its events, so it is
 * done only while somebody follows change by change.
 */
export function changesOf(doc: Y.Doc, apply: () => void): MessageChange[] {
  const changes: MessageChange[] = []
  const fields = messageMap(doc)
  const output = outputArray(doc)
  const onFields = (event: Y.YMapEvent<unknown>) => {
    const change = keyChange(event)
    if (change) changes.push({ type: 'message', ...(change as { fields: Partial<MessageFields>; removed?: string[] }) })
  }
  const onOutput = (events: Y.YEvent<Y.AbstractType<unknown>>[]) => {
    for (const change of outputChanges(output, events)) changes.push(change)
  }
  fields.observe(onFields)
  output.observeDeep(onOutput as Parameters<typeof output.observeDeep>[0])
  try {
    apply()
  } finally {
    fields.unobserve(onFields)
    output.unobserveDeep(onOutput as Parameters<typeof output.observeDeep>[0])
  }
  return changes
}

/** In the order of the writer: block by block; what a block says, then its fields. */
function outputChanges(output: Y.Array<Y.Map<unknown>>, events: Y.YEvent<Y.AbstractType<unknown>>[]): MessageChange[] {
  const grown = new Map<Y.Map<unknown>, MessageChange[]>()
  const set = new Map<Y.Map<unknown>, MessageChange>()
  const fresh = new Set<unknown>()
  for (const { target, changes } of events)
    if (target === output) for (const item of changes.added) for (const map of item.content.getContent()) fresh.add(map)
  for (const event of events) {
    const { target } = event
    // What is said of a new block is in it already.
    const map = target instanceof Y.Map ? target : target.parent
    if (target === output || !(map instanceof Y.Map) || fresh.has(map)) continue
    const changes = grown.get(map) ?? []
    grown.set(map, changes)
    const block = map.get('id') as string
    if (event instanceof Y.YMapEvent) {
      const made = [...event.keysChanged].filter((key) => map.get(key as string) instanceof Y.AbstractType) as string[]
      for (const field of made.filter((field) => map.get(field) instanceof Y.Array))
        for (const annotation of map.get(field) as Y.Array<JsonObject>)
          changes.push({ type: 'annotation', block, annotation })
      for (const field of made.filter((field) => map.get(field) instanceof Y.Text) as GrowingField[])
        changes.push({ type: 'delta', block, field, offset: 0, insert: (map.get(field) as Y.Text).toString() })
      const change = keyChange(event as Y.YMapEvent<unknown>, made)
      if (change) set.set(map, { type: 'set', block, ...(change as { fields: JsonObject; removed?: string[] }) })
    } else if (target instanceof Y.Text) {
      const field = target._item!.parentSub!
      if (isGrowingField(map.get('type') as string, field) && !isNew(target, event.transaction))
        for (const change of textChanges(block, field, event.delta as Delta[], isEdit(event))) changes.push(change)
    } else if (!isNew(target, event.transaction)) {
      for (const item of event.changes.added)
        for (const annotation of item.content.getContent())
          changes.push({ type: 'annotation', block, annotation: annotation as JsonObject })
    }
  }
  const all: MessageChange[] = []
  output.forEach((map, index) => {
    if (fresh.has(map)) all.push({ type: 'block', index, block: readBlock(map) })
    all.push(...(grown.get(map) ?? []))
    const fields = set.get(map)
    if (fields) all.push(fields)
  })
  return all
}

/** Made by the same transaction: told with its map. */
function isNew(text: Pick<Y.AbstractType<never>, '_item'>, transaction: Y.Transaction): boolean {
  const { client, clock } = text._item!.id
  return clock >= (transaction.beforeState.get(client) ?? 0)
}

/** Appends come under a lane, and in a transaction of their own. */
function isEdit({ target, transaction }: Y.YEvent<Y.AbstractType<unknown>>): boolean {
  for (let item = target._start; item; item = item.right) {
    const { client, clock } = item.id
    if (isStructureClientId(client) && clock >= (transaction.beforeState.get(client) ?? 0)) return true
  }
  return false
}

interface Delta {
  retain?: number
  insert?: string
  delete?: number
}

/** A deletion and the insertion beside it are one replacement. */
function textChanges(block: string, field: GrowingField, deltas: readonly Delta[], edits: boolean): MessageChange[] {
  const changes: Extract<MessageChange, { type: 'delta' }>[] = []
  let offset = 0
  for (const { retain, insert, delete: deleted } of deltas) {
    const last = changes.at(-1)
    if (retain !== undefined) offset += retain
    else if (insert !== undefined) {
      if (last && last.delete !== undefined && last.insert === '' && last.offset === offset) last.insert = insert
      else changes.push({ type: 'delta', block, field, offset, insert, ...(edits && { delete: 0 }) })
      offset += insert.length
    } else if (last && !last.delete && last.offset + last.insert.length === offset) last.delete = deleted!
    else changes.push({ type: 'delta', block, field, offset, insert: '', delete: deleted! })
  }
  return changes
}

function keyChange(
  { target, keysChanged }: Y.YMapEvent<unknown>,
  without: readonly string[] = [],
): { fields: Record<string, unknown>; removed?: string[] } | null {
  const keys = [...keysChanged].filter((key) => !without.includes(key as string)) as string[]
  const removed = keys.filter((key) => !target.has(key))
  const fields = Object.fromEntries(keys.filter((key) => target.has(key)).map((key) => [key, target.get(key)]))
  if (removed.length > 0) return { fields, removed }
  return keys.length > 0 ? { fields } : null
}

/** It begins before what is known: a writer that puts its whole state into the log has merged changes that belong apart. */
export function repeats(update: Uint8Array, known: ReadonlyMap<number, number>): boolean {
  for (const [client, clock] of Y.parseUpdateMeta(update).from) if (clock < (known.get(client) ?? 0)) return true
  return false
}
