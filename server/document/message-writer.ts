import * as Y from 'yjs'
import type { MessageChange } from '../../shared/events.ts'
import {
  cleanJson, createBlock, isGrowingField, messageMap, outputArray, readBlock,
  type BlockStatus, type GrowingField, type JsonObject, type MessageFields, type NewBlock, type ToolCallStatus,
} from '../../shared/schema.ts'
import { Coalescer } from './coalescer.ts'
import { Lanes } from './lanes.ts'
import { Transactor, type DocumentWriter } from './writer.ts'

type Fields = Record<string, unknown>

/** A text that grows: what waits for it, and the lane that it holds while it does. */
interface GrowingText {
  readonly field: GrowingField
  readonly waiting: Coalescer
  shared: Y.Text | null
  lane: number | null
}

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
 * bytes would stay in the update); a `replace` therefore has one of its own.
 */
export class MessageWriter implements DocumentWriter {
  readonly epoch: number
  readonly doc: Y.Doc
  onEdit: (urgent: boolean) => void = () => {}
  readonly #lanes: Lanes
  readonly #transactor: Transactor
  readonly #blocks = new Map<string, BlockState>()
  readonly #touched = new Set<BlockState>()
  #messageFields: Fields = {}
  #messageTouched = false
  /** Transactions that must come before what is pending, each on its own. */
  #sealed: (() => void)[] = []
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
    return this.#messageTouched || this.#touched.size > 0 || this.#sealed.length > 0
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
    text.waiting.push(chunk)
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
    for (const text of block.texts) text.waiting.end()
    block.closing = true
    this.setBlock(blockId, { ...fields, status })
  }

  /**
   * Replaces `deleteCount` UTF-16 units at `offset` of a field, counting all
   * that was appended so far. An edge inside a surrogate pair moves outwards.
   */
  replace(blockId: string, field: GrowingField, offset: number, deleteCount: number, insert: string): void {
    const block = this.#block(blockId)
    const text = this.#text(block, field)
    this.#seal()
    this.#sealed.push(() => {
      const shared = this.#shared(block, text)
      const [start, end] = codePointRange(shared.toString(), offset, offset + deleteCount)
      const written = insert.toWellFormed()
      if (end > start) {
        shared.delete(start, end - start)
        this.#rewrites = true
      }
      if (written !== '') shared.insert(start, written)
      this.#changes?.push({ type: 'delta', block: blockId, field, offset: start, insert: written, delete: end - start })
    })
    this.onEdit(true)
  }

  tail(blockId: string, field: GrowingField, count: number): string {
    const text = this.#text(this.#block(blockId), field)
    return ((text.shared?.toString() ?? '')).slice(-count)
  }

  length(blockId: string, field: GrowingField): number {
    const text = this.#text(this.#block(blockId), field)
    return (text.shared?.length ?? 0) + text.waiting.length
  }

  commit(changes?: MessageChange[]): Uint8Array[] {
    this.#changes = changes ?? null
    this.#seal()
    this.#rewrites = false
    const updates: Uint8Array[] = []
    for (const edit of this.#sealed) {
      const update = this.#transactor.run(this.#lanes.structure, edit)
      if (update) updates.push(update)
    }
    this.#sealed = []
    this.#changes = null
    return updates
  }

  /** Turns what is pending into one transaction to come. */
  #seal(): void {
    if (!this.#messageTouched && this.#touched.size === 0) return
    const messageFields = this.#messageFields
    const blocks = [...this.#touched].map(block => {
      const piece = {
        block, fields: block.fields, annotations: block.annotations, closing: block.closing,
        texts: block.texts.filter(text => !text.waiting.isEmpty).map(text => ({ text, chunk: text.waiting.take() })),
      }
      block.fields = {}
      block.annotations = []
      return piece
    })
    this.#messageFields = {}
    this.#messageTouched = false
    this.#touched.clear()
    this.#sealed.push(() => {
      const written = setFields(messageMap(this.doc), messageFields)
      if (written) this.#changes?.push({ type: 'message', ...written })
      const opened = blocks.filter(({ block }) => block.map === null && block.opening !== null)
      for (const { block } of opened) block.map = createBlock(block.id, block.opening as NewBlock)
      if (opened.length > 0) this.#open(opened.map(({ block }) => block.map!))
      // Text first: who follows change by change then never has a block closed before its text is whole.
      for (const { block, texts } of blocks) for (const { text, chunk } of texts) this.#insert(block, text, chunk)
      for (const { block, fields, annotations, closing } of blocks) {
        this.#annotate(block, annotations)
        const written = setFields(block.map!, fields)
        if (written) this.#changes?.push({ type: 'set', block: block.id, ...(written as { fields: JsonObject; removed?: string[] }) })
        if (closing) this.#freeLanes(block)
      }
    })
  }

  #open(maps: Y.Map<unknown>[]): void {
    const output = outputArray(this.doc)
    const index = output.length
    output.push(maps)
    if (this.#changes) for (const [i, map] of maps.entries()) this.#changes.push({ type: 'block', index: index + i, block: readBlock(map) })
  }

  #annotate(block: BlockState, annotations: readonly JsonObject[]): void {
    if (annotations.length === 0) return
    (block.map!.get('annotations') as Y.Array<JsonObject>).push([...annotations])
    if (this.#changes) for (const annotation of annotations) this.#changes.push({ type: 'annotation', block: block.id, annotation })
  }

  #insert(block: BlockState, text: GrowingText, chunk: string): void {
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
    let shared = block.map!.get(text.field)
    if (!(shared instanceof Y.Text)) {
      shared = new Y.Text()
      block.map!.set(text.field, shared)
    }
    return (text.shared = shared as Y.Text)
  }

  #text(block: BlockState, field: GrowingField): GrowingText {
    let text = block.texts.find(text => text.field === field)
    if (!text) {
      const type = (block.opening ?? block.map!.toJSON()).type as string
      if (!isGrowingField(type, field)) throw new TypeError(`A ${type} block has no growing field ${field}.`)
      text = { field, waiting: new Coalescer(), shared: null, lane: null }
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

/** Clean JSON of each value; a key whose value is undefined stays, as a removal. */
function cleanFields(fields: object): Fields {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) =>
    [key, value === undefined ? undefined : cleanJson<unknown>(value)]))
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

/** A range that splits no surrogate pair, within the text. */
function codePointRange(text: string, start: number, end: number): [number, number] {
  const splits = (index: number) => index > 0 && index < text.length &&
    text.charCodeAt(index) >= 0xdc00 && text.charCodeAt(index) <= 0xdfff &&
    text.charCodeAt(index - 1) >= 0xd800 && text.charCodeAt(index - 1) <= 0xdbff
  start = Math.min(Math.max(start, 0), text.length)
  end = Math.min(Math.max(end, start), text.length)
  if (splits(start)) start -= 1
  if (splits(end)) end += 1
  return [start, end]
}
