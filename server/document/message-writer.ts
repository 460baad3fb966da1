import * as Y from 'yjs'
import type { MessageChange } from '../../shared/events.ts'
import {
  cleanJson,
  createBlock,
  isGrowingField,
  messageMap,
  outputArray,
  readBlock,
  type BlockStatus,
  type GrowingField,
  type JsonObject,
  type MessageFields,
  type NewBlock,
  type ToolCallStatus,
} from '../../shared/schema.ts'
import { GrowingText, type Edit } from './growing-text.ts'
import { Lanes } from './lanes.ts'
import { Transactor, type DocumentWriter } from './writer.ts'

type Fields = Record<string, unknown>

interface BlockState {
  readonly id: string
  /** Null until the transaction that makes it. */
  map: Y.Map<unknown> | null
  /** What to make of it then; its fields may still change for free. */
  readonly opening: Fields | null
  fields: Fields
  annotations: JsonObject[]
  texts: GrowingText[]
  closing: boolean
}

/**
 * Writes one message under one epoch. Edits are pending until `commit`, which
 * puts them into one transaction: a field set twice is written once, a field
 * of a block that does not exist yet is part of its making, text is appended
 * in one piece. So nothing is inserted and deleted in one transaction (its
 * bytes would stay in the update). A `replace` of written text goes before all
 * that, in a transaction of its own.
 */
export class MessageWriter implements DocumentWriter {
  readonly epoch: number
  readonly doc: Y.Doc
  onEdit: (urgent: boolean) => void = () => {}
  readonly #lanes: Lanes
  readonly #transactor: Transactor
  readonly #blocks = new Map<string, BlockState>()
  readonly #touched = new Set<BlockState>()
  /** Texts with edits of what is written. */
  readonly #edited = new Map<GrowingText, BlockState>()
  #messageFields: Fields = {}
  #messageTouched = false
  #nextBlock: number
  #rewrites = false
  /** Where the commit that runs reports what it writes; null: nobody asked. */
  #changes: MessageChange[] | null = null

  /** @param doc holds all that the log holds: it is written at its end. */
  constructor(doc: Y.Doc, epoch: number) {
    this.doc = doc
    this.epoch = epoch
    this.#lanes = new Lanes(epoch)
    this.#transactor = new Transactor(doc)
    this.#nextBlock = outputArray(doc).length
    for (const map of outputArray(doc)) {
      const id = map.get('id') as string
      this.#blocks.set(id, newBlockState(id, map, null))
    }
  }

  get dirty(): boolean {
    return this.#messageTouched || this.#touched.size > 0 || this.#edited.size > 0
  }

  get rewrites(): boolean {
    return this.#rewrites
  }

  /** Sets fields of the message; `undefined` removes one. */
  setMessage(fields: Partial<MessageFields>): void {
    Object.assign(this.#messageFields, cleanFields(fields))
    this.#messageTouched = true
    this.onEdit(true)
  }

  /** Opens a block at the end of the output; returns its id. */
  openBlock(block: NewBlock): string {
    const id = `b${this.#nextBlock++}`
    const state = newBlockState(id, null, cleanFields(block))
    this.#blocks.set(id, state)
    this.#touched.add(state)
    this.onEdit(true)
    return id
  }

  /** Appends to a growing field. The first text of a field is urgent, the rest waits for the tick. */
  append(blockId: string, field: GrowingField, chunk: string): void {
    if (chunk === '') return
    const block = this.#block(blockId)
    const text = this.#text(block, field)
    const first = text.lane === null
    if (first) text.lane = this.#lanes.open()
    text.append(chunk)
    this.#touched.add(block)
    this.onEdit(first)
  }

  setBlock(blockId: string, fields: JsonObject): void {
    const block = this.#block(blockId)
    Object.assign(block.map === null && block.opening ? block.opening : block.fields, cleanFields(fields))
    this.#touched.add(block)
    this.onEdit(true)
  }

  annotate(blockId: string, annotation: JsonObject): void {
    const block = this.#block(blockId)
    block.annotations.push(cleanJson(annotation))
    this.#touched.add(block)
    this.onEdit(true)
  }

  /** Ends a block: its texts grow no more, their lanes are free after the next commit. */
  closeBlock(blockId: string, status: BlockStatus | ToolCallStatus, fields: JsonObject = {}): void {
    const block = this.#block(blockId)
    for (const text of block.texts) text.end()
    block.closing = true
    this.setBlock(blockId, { ...fields, status })
  }

  /**
   * Replaces `deleteCount` UTF-16 units at `offset` of a field, counting all
   * that was appended and replaced so far. An edge inside a surrogate pair
   * moves outwards. Near the end it costs the same at any length.
   */
  replace(blockId: string, field: GrowingField, offset: number, deleteCount: number, insert: string): void {
    const block = this.#block(blockId)
    const text = this.#text(block, field)
    const edits = text.replace(offset, deleteCount, insert)
    if (edits) this.#edited.set(text, block)
    if (text.waits) this.#touched.add(block)
    this.onEdit(edits)
  }

  /** The last `count` (4,096 at the most) UTF-16 units of a field, counting as `replace` does. */
  tail(blockId: string, field: GrowingField, count: number): string {
    return this.#text(this.#block(blockId), field).tail(count)
  }

  length(blockId: string, field: GrowingField): number {
    return this.#text(this.#block(blockId), field).length
  }

  commit(changes?: MessageChange[]): Uint8Array[] {
    this.#changes = changes ?? null
    this.#rewrites = false
    const updates = [this.#commitEdits(), this.#commitRest()].filter((update) => update !== null)
    this.#changes = null
    return updates
  }

  #commitEdits(): Uint8Array | null {
    if (this.#edited.size === 0) return null
    const edited = [...this.#edited]
    this.#edited.clear()
    return this.#transactor.run(this.#lanes.structure, () => {
      for (const [text, block] of edited) this.#edit(block, text, text.takeEdits())
    })
  }

  #commitRest(): Uint8Array | null {
    if (!this.#messageTouched && this.#touched.size === 0) return null
    const messageFields = this.#messageFields
    const blocks = [...this.#touched]
    this.#messageFields = {}
    this.#messageTouched = false
    this.#touched.clear()
    return this.#transactor.run(this.#lanes.structure, () => {
      const written = setFields(messageMap(this.doc), messageFields)
      if (written) this.#changes?.push({ type: 'message', ...written })
      // Block by block, in the order in which they came. Text before fields: who follows change by change then never
      // has a block closed before its text is whole.
      for (const block of blocks) {
        if (block.map === null) this.#open(block)
        for (const text of block.texts) this.#append(block, text)
        this.#annotate(block)
        const written = setFields(block.map!, block.fields)
        block.fields = {}
        if (written)
          this.#changes?.push({
            type: 'set',
            block: block.id,
            ...(written as { fields: JsonObject; removed?: string[] }),
          })
        if (block.closing) this.#freeLanes(block)
      }
    })
  }

  #open(block: BlockState): void {
    const output = outputArray(this.doc)
    const index = output.length
    block.map = createBlock(block.id, block.opening as NewBlock)
    output.push([block.map])
    this.#changes?.push({ type: 'block', index, block: readBlock(block.map) })
  }

  #annotate(block: BlockState): void {
    const { annotations } = block
    if (annotations.length === 0) return
    block.annotations = []
    let shared = block.map!.get('annotations') as Y.Array<JsonObject> | undefined
    if (!shared) block.map!.set('annotations', (shared = new Y.Array()))
    shared.push(annotations)
    if (this.#changes)
      for (const annotation of annotations) this.#changes.push({ type: 'annotation', block: block.id, annotation })
  }

  /** The last one first: so the offsets of the others stay true. */
  #edit(block: BlockState, text: GrowingText, edits: readonly Edit[]): void {
    const shared = text.shared!
    for (const { offset, deleted, insert } of edits.toReversed()) {
      if (deleted > 0) shared.delete(offset, deleted)
      if (insert !== '') shared.insert(offset, insert)
      if (deleted > 0) this.#rewrites = true
      // Yjs looks for a place from the first of all items that could be one, deleted ones too: with nothing
      // inserted between them each edit would walk over all earlier ones. Another lane's items cannot be one with them.
      if (insert === '' && text.lane !== null) {
        const lane = this.#lanes.open()
        this.#lanes.close(text.lane)
        text.lane = lane
      }
      this.#changes?.push({ type: 'delta', block: block.id, field: text.field, offset, insert, delete: deleted })
    }
  }

  #append(block: BlockState, text: GrowingText): void {
    const chunk = text.take()
    if (chunk === '') return
    const shared = this.#shared(block, text)
    const offset = shared.length
    // A block that was closed a moment ago gave its lane back; appends never go under the structure's id.
    this.doc.clientID = text.lane ??= this.#lanes.open()
    shared.insert(offset, chunk)
    this.doc.clientID = this.#lanes.structure
    this.#changes?.push({ type: 'delta', block: block.id, field: text.field, offset, insert: chunk })
  }

  #freeLanes(block: BlockState): void {
    for (const text of block.texts) {
      if (text.lane !== null) this.#lanes.close(text.lane)
      text.lane = null
    }
    block.closing = false
  }

  /** The Y.Text of a field; a tool call's output is made here, when its first text comes. */
  #shared(block: BlockState, text: GrowingText): Y.Text {
    if (text.shared) return text.shared
    text.shared = writtenText(block, text.field)
    if (!text.shared) {
      text.shared = new Y.Text()
      block.map!.set(text.field, text.shared)
    }
    return text.shared
  }

  #text(block: BlockState, field: GrowingField): GrowingText {
    let text = block.texts.find((text) => text.field === field)
    if (!text) {
      const type = (block.opening ?? block.map!.toJSON()).type as string
      if (!isGrowingField(type, field)) throw new TypeError(`A ${type} block has no growing field ${field}.`)
      text = new GrowingText(field, writtenText(block, field))
      block.texts.push(text)
    }
    return text
  }

  #block(id: string): BlockState {
    const block = this.#blocks.get(id)
    if (!block) throw new TypeError(`There is no block ${id}.`)
    return block
  }
}

function newBlockState(id: string, map: Y.Map<unknown> | null, opening: Fields | null): BlockState {
  return { id, map, opening, fields: {}, annotations: [], texts: [], closing: false }
}

function writtenText(block: BlockState, field: GrowingField): Y.Text | null {
  const text = block.map?.get(field)
  return text instanceof Y.Text ? text : null
}

/** Clean JSON of each value; a key whose value is undefined stays, as a removal. */
function cleanFields(fields: object): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, value === undefined ? undefined : cleanJson<unknown>(value)]),
  )
}

/** What was written, for those who follow change by change; null if it was nothing. */
function setFields(map: Y.Map<unknown>, fields: Fields): { fields: Fields; removed?: string[] } | null {
  const removed: string[] = []
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) map.set(key, value)
    else if (map.has(key)) {
      map.delete(key)
      removed.push(key)
    }
  }
  const written = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
  if (removed.length > 0) return { fields: written, removed }
  return Object.keys(written).length > 0 ? { fields: written } : null
}
