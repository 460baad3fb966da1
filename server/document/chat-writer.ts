import * as Y from 'yjs'
import {
  chatMap,
  chatMessages,
  cleanJson,
  type ChatEntry,
  type ChatFields,
  type WaitingEntry,
} from '../../shared/schema.ts'
import { Lanes } from './lanes.ts'
import { Transactor, type DocumentWriter } from './writer.ts'

/** Writes one chat under one epoch: its fields and its list of messages. All edits are urgent. */
export class ChatWriter implements DocumentWriter {
  readonly epoch: number
  readonly doc: Y.Doc
  rewrites = false
  onEdit: (urgent: boolean) => void = () => {}
  readonly #lanes: Lanes
  readonly #transactor: Transactor
  #fields: Partial<ChatFields> = {}
  readonly #entries = new Map<string, Partial<ChatEntry>>()
  readonly #removed = new Set<string>()
  /** Of messages that waited. */
  readonly #sent = new Set<string>()

  constructor(doc: Y.Doc, epoch: number) {
    this.doc = doc
    this.epoch = epoch
    this.#lanes = new Lanes(epoch)
    this.#transactor = new Transactor(doc)
  }

  get dirty(): boolean {
    return (
      this.#entries.size > 0 || this.#removed.size > 0 || this.#sent.size > 0 || Object.keys(this.#fields).length > 0
    )
  }

  setChat(fields: Partial<ChatFields>): void {
    Object.assign(this.#fields, fields)
    this.onEdit(true)
  }

  /** The fields of a chat whose document has none yet; a title that is there may have been given since `chat` was read. */
  introduce({ id, title, createdAt }: Pick<ChatFields, 'id' | 'title' | 'createdAt'>): void {
    if (!chatMap(this.doc).has('id') && this.#fields.id === undefined) this.setChat({ id, title, createdAt })
  }

  /** It waits no more; what waits beside it may be other than its sender knew. */
  leaveWaiting(id: string): void {
    this.#sent.add(id)
    this.onEdit(true)
  }

  /** Sets fields of messages, making those that are not listed yet: one transaction for all. `undefined` removes one. */
  setMessages(entries: Iterable<readonly [id: string, fields: Partial<ChatEntry>]>): void {
    for (const [id, fields] of entries) this.#entries.set(id, { ...this.#entries.get(id), ...fields })
    this.onEdit(true)
  }

  removeMessages(ids: readonly string[]): void {
    for (const id of ids) {
      this.#entries.delete(id)
      this.#removed.add(id)
    }
    this.onEdit(true)
  }

  commit(): Uint8Array[] {
    const update = this.#transactor.run(this.#lanes.structure, () => {
      const chat = chatMap(this.doc)
      setChanged(chat, this.#fields)
      if (this.#sent.size > 0)
        setChanged(chat, { waiting: this.#without((chat.get('waiting') ?? []) as WaitingEntry[]) })
      const messages = chatMessages(this.doc)
      for (const [id, fields] of this.#entries) {
        const map = messages.get(id)
        if (map) setChanged(map, fields)
        // One that was removed does not come back: what is written of it comes late.
        else if (!wasListed(messages, id)) messages.set(id, new Y.Map(Object.entries(cleanJson(fields))))
      }
      for (const id of this.#removed) messages.delete(id)
    })
    this.rewrites = this.#removed.size > 0
    this.#fields = {}
    this.#entries.clear()
    this.#removed.clear()
    this.#sent.clear()
    return update ? [update] : []
  }

  #without(waiting: readonly WaitingEntry[]): WaitingEntry[] | undefined {
    const left = waiting.filter(({ id }) => !this.#sent.has(id))
    return left.length === 0 ? undefined : left
  }
}

/** Yjs keeps the keys of entries that are gone. */
function wasListed(messages: Y.Map<Y.Map<unknown>>, id: string): boolean {
  return messages._map.has(id)
}

/** Recovery repeats what may have been written: a value that is there already is not written again. */
function setChanged(map: Y.Map<unknown>, fields: object): void {
  for (const [key, given] of Object.entries(fields) as [string, unknown][]) {
    const value = given === undefined ? undefined : cleanJson(given)
    if (JSON.stringify(map.get(key)) === JSON.stringify(value)) continue
    if (value === undefined) map.delete(key)
    else map.set(key, value)
  }
}
