import * as Y from 'yjs'

type SharedType = Exclude<Y.Item['parent'], Y.ID | null>

/** A Y.Text as a string that grows with it. `tail` is the last unit of its list, deleted or not; null while it is empty. */
interface TextNode {
  value: string
  tail: Y.ID | null
}

interface MapNode {
  value: Record<string, unknown>
  stale: Set<string>
}

interface ArrayNode {
  value: unknown[]
  /** Where the shared types among the elements stand. */
  indexes: Map<SharedType, number>
  stale: Set<SharedType>
}

/** From offset `from` (UTF-16) on, this Y.Text now reads `text`. */
export interface TextTail {
  type: Y.Text
  from: number
  text: string
}

/**
 * The JSON of a document's shared types, kept up to date as the document
 * changes. What did not change is the same object as before, and a text that
 * only grew costs what was added to it, whatever its length: the new items are
 * read off its end while they still stand alone (`afterTransaction` comes
 * before Yjs merges them). Any other change of a text reads it again.
 */
export class JsonView {
  readonly #doc: Y.Doc
  readonly #maps = new WeakMap<SharedType, MapNode>()
  readonly #arrays = new WeakMap<SharedType, ArrayNode>()
  readonly #texts = new WeakMap<SharedType, TextNode>()
  /** Tails since `takeTails`; null for a text that changed elsewhere than at its end. */
  #tails = new Map<Y.Text, { from: number; text: string } | null>()

  constructor(doc: Y.Doc) {
    this.#doc = doc
    doc.on('afterTransaction', this.#afterTransaction)
  }

  destroy(): void {
    this.#doc.off('afterTransaction', this.#afterTransaction)
  }

  /** Equal to `type.toJSON()`; do not change what it returns. */
  read(type: unknown): unknown {
    if (type instanceof Y.Text) return this.#readText(type)
    if (type instanceof Y.Map) return this.#readMap(type)
    if (type instanceof Y.Array) return this.#readArray(type)
    return type instanceof Y.AbstractType ? (type.toJSON() as unknown) : type
  }

  /** What became of the texts that were read before, since the last call. */
  takeTails(): TextTail[] {
    const tails = [...this.#tails]
    if (tails.length > 0) this.#tails = new Map()
    return tails
      .filter(([type]) => !isGone(type))
      .map(([type, tail]) => (tail ? { type, ...tail } : { type, from: 0, text: this.#readText(type) }))
  }

  #readText(type: Y.Text): string {
    const known = this.#texts.get(type)
    if (known) return known.value
    let last: Y.Item | null = null
    for (let item = type._start; item !== null; item = item.right) last = item
    const node = { value: type.toString(), tail: last?.lastId ?? null }
    this.#texts.set(type, node)
    return node.value
  }

  #readMap(type: Y.Map<unknown>): unknown {
    const known = this.#maps.get(type)
    if (known?.stale.size === 0) return known.value
    const value = { ...known?.value }
    for (const key of known?.stale ?? type.keys()) {
      if (type.has(key)) value[key] = this.read(type.get(key))
      else delete value[key]
    }
    this.#maps.set(type, { value, stale: new Set() })
    return value
  }

  #readArray(type: Y.Array<unknown>): unknown {
    const known = this.#arrays.get(type)
    if (known?.stale.size === 0) return known.value
    let node: ArrayNode
    if (known) {
      node = { value: known.value.slice(), indexes: known.indexes, stale: new Set() }
      for (const child of known.stale) node.value[known.indexes.get(child)!] = this.read(child)
    } else {
      node = { value: [], indexes: new Map(), stale: new Set() }
      for (const child of type.toArray()) {
        if (child instanceof Y.AbstractType) node.indexes.set(child, node.value.length)
        node.value.push(this.read(child))
      }
    }
    this.#arrays.set(type, node)
    return node.value
  }

  readonly #afterTransaction = (transaction: Y.Transaction): void => {
    const shrunk = this.#parentsOfDeleted(transaction)
    for (const [type, keys] of transaction.changed as Map<SharedType, Set<string | null>>) {
      if (type instanceof Y.Text) {
        this.#textChanged(type, shrunk.has(type))
      } else if (type instanceof Y.Map) {
        for (const key of keys) if (key !== null) this.#maps.get(type)?.stale.add(key)
      } else {
        this.#arrays.delete(type)
      }
      this.#staleAbove(type)
    }
  }

  #textChanged(type: Y.Text, shrunk: boolean): void {
    const node = this.#texts.get(type)
    if (!node) return
    const added = shrunk ? null : this.#addedAtEnd(type, node)
    if (!added) {
      this.#texts.delete(type)
      this.#tails.set(type, null)
      return
    }
    const tail = this.#tails.get(type)
    if (tail) tail.text += added.text
    else if (tail === undefined) this.#tails.set(type, { from: node.value.length, text: added.text })
    node.value += added.text
    node.tail = added.last.lastId
  }

  /** The text that this transaction appended to `type`; null if something else happened to it as well. */
  #addedAtEnd(type: Y.Text, node: TextNode): { text: string; last: Y.Item } | null {
    let item = node.tail === null ? type._start : Y.getItem(this.#doc.store, node.tail).right
    let last: Y.Item | null = null
    let text = ''
    for (; item; item = item.right) {
      if (item.deleted || !(item.content instanceof Y.ContentString)) return null
      text += item.content.str
      last = item
    }
    // More length than the end accounts for: something went in before it.
    return last && node.value.length + text.length === type.length ? { text, last } : null
  }

  #parentsOfDeleted(transaction: Y.Transaction): Set<unknown> {
    const parents = new Set<unknown>()
    for (const [client, ranges] of transaction.deleteSet.clients) {
      const structs = this.#doc.store.clients.get(client)
      if (!structs) continue
      for (const { clock, len } of ranges) {
        for (let i = Y.findIndexSS(structs, clock); i < structs.length; i++) {
          const struct = structs[i]!
          if (struct.id.clock >= clock + len) break
          if (struct instanceof Y.Item) parents.add(struct.parent)
        }
      }
    }
    return parents
  }

  #staleAbove(type: SharedType): void {
    for (let child = type; child._item !== null;) {
      const { parent, parentSub } = child._item
      if (!(parent instanceof Y.AbstractType)) return
      if (parentSub !== null) this.#maps.get(parent)?.stale.add(parentSub)
      else if (this.#arrays.get(parent)?.indexes.has(child)) this.#arrays.get(parent)!.stale.add(child)
      child = parent
    }
  }
}

function isGone(type: SharedType): boolean {
  for (let item = type._item; item !== null; item = (item.parent as SharedType)._item) {
    if (item.deleted || !(item.parent instanceof Y.AbstractType)) return true
  }
  return false
}
