import type { ElementNode, MarkdownChunk, MarkdownNode, TextNode } from '../../markdown/index.ts'
import { aligned, type Places } from './alignment.ts'
import { markOf, nodeOf, type TextMark } from './mark-nodes.ts'

/**
 * Marks in the tree of a text. What holds none stays the same object, so a token costs what it did without them. A mark whose
 * place cannot be told for certain is left out.
 */
export class TextMarks {
  readonly #marks: readonly TextMark[]
  readonly #seen = new WeakMap<MarkdownNode, { end: number; node: MarkdownNode }>()
  readonly #chunks = new WeakMap<MarkdownChunk, { end: number; chunk: MarkdownChunk }>()

  constructor(marks: readonly TextMark[]) {
    this.#marks = marks.toSorted((a, b) => a.at - b.at)
  }

  /** The tree's chunks with marks in them. `text`: that the tree is of; it may have gone on. */
  chunks(chunks: readonly MarkdownChunk[], text: string): readonly MarkdownChunk[] {
    // The tree counts line breaks as one.
    if (this.#marks.length === 0 || text.includes('\r')) return chunks
    return chunks.map((chunk, index) => {
      const end = startOf(chunks[index + 1]?.children[0]) ?? text.length
      const known = this.#chunks.get(chunk)
      if (known?.end === end) return known.chunk
      const children = chunk.children.map((node, i) => {
        const next = i + 1 < chunk.children.length ? startOf(chunk.children[i + 1]) : end
        return this.#block(node, text, next ?? text.length)
      })
      const isSame = children.every((child, i) => child === chunk.children[i])
      const marked = isSame ? chunk : { ...chunk, children }
      this.#chunks.set(chunk, { end, chunk: marked })
      return marked
    })
  }

  #block(node: MarkdownNode, text: string, end: number): MarkdownNode {
    const start = startOf(node)
    if (start === null || node.type !== 'element') return node
    const marks = this.#marks.filter(({ at }) => at > start && at <= end)
    if (marks.length === 0) return node
    const known = this.#seen.get(node)
    if (known?.end === end) return known.node
    const places = aligned(node, text, start, end)
    const marked = places ? new Placing(places, marks).element(node) : node
    this.#seen.set(node, { end, node: marked })
    return marked
  }
}

/** Where a block at the top begins in its text; null for one that has no place there. */
function startOf(node: MarkdownNode | undefined): number | null {
  return node && /^\d+$/.test(node.key) ? Number(node.key) : null
}

/** What stands within a line: a mark at its end stands behind it. */
const inline = /^(?:a|abbr|b|code|del|em|i|ins|kbd|mark|q|s|samp|strong|sub|sup)$/

/** Puts marks into one block. */
class Placing {
  readonly #places: Places
  /** By the leaf that they stand in or behind. */
  readonly #marks = new Map<MarkdownNode, TextMark[]>()
  readonly #hidden: readonly TextMark[]

  constructor(places: Places, marks: readonly TextMark[]) {
    this.#places = places
    this.#hidden = marks.filter(({ from, at }) => from !== undefined && from < at)
    const leaves = [...places]
    const last = leaves.at(-1)?.[1]
    for (const mark of marks) {
      const leaf = leaves.findLast(([, place]) => place.start < mark.at)
      // Behind all that is shown so far there may be more to come.
      if (!leaf || !last || mark.at > last.endOfGap) continue
      this.#marks.set(leaf[0], [...(this.#marks.get(leaf[0]) ?? []), mark])
    }
  }

  element(node: ElementNode): ElementNode {
    const { node: marked, after } = this.#element(node)
    return after.length === 0 ? marked : { ...marked, children: [...marked.children, ...after.map(nodeOf)] }
  }

  /** `after`: marks that stand behind it. */
  #element(node: ElementNode): { node: ElementNode; after: TextMark[] } {
    const children: MarkdownNode[] = []
    let last: TextMark[] = []
    for (const child of node.children) {
      children.push(...last.map(nodeOf))
      last = []
      if (child.type === 'element') {
        const { node: marked, after } = this.#element(child)
        const isEmptied = child.children.length > 0 && marked.children.length === 0
        if (!isEmptied) children.push(marked)
        last = after
      } else if (child.type === 'text') {
        const { nodes, after } = this.#text(child)
        children.push(...nodes)
        last = after
      } else {
        children.push(child)
        last = this.#marks.get(child) ?? []
      }
    }
    const isInline = inline.test(node.tag)
    // Nothing stands in a link or in code.
    const isClosed = node.tag === 'a' || node.tag === 'code'
    const out = isClosed ? children.flatMap((child) => (child.type === 'element' ? (markOf(child) ?? []) : [])) : []
    const kept = isClosed ? children.filter((child) => child.type !== 'element' || !markOf(child)) : children
    if (!isInline) kept.push(...last.splice(0).map(nodeOf))
    const isSame = kept.length === node.children.length && kept.every((child, i) => child === node.children[i])
    return { node: isSame ? node : { ...node, children: kept }, after: [...out, ...last] }
  }

  #text(node: TextNode): { nodes: MarkdownNode[]; after: TextMark[] } {
    const place = this.#places.get(node)
    const marks = this.#marks.get(node) ?? []
    const hides = this.#hidden.some(({ from, at }) => place && from! < place.end && at > place.start)
    if (!place || (marks.length === 0 && !hides)) return { nodes: [node], after: marks }
    const nodes: MarkdownNode[] = []
    let shown = ''
    const flush = () => {
      if (shown !== '') nodes.push({ type: 'text', key: `${node.key} ${nodes.length}`, text: shown })
      shown = ''
    }
    const inside = marks.filter(({ at }) => at < place.end)
    for (let i = 0, next = 0; i < node.text.length; i++) {
      const at = place.offsets[i]!
      for (; next < inside.length && inside[next]!.at <= at; next++) {
        flush()
        nodes.push(nodeOf(inside[next]!))
      }
      if (!this.#hidden.some((mark) => at >= mark.from! && at < mark.at)) shown += node.text[i]!
    }
    flush()
    return { nodes, after: marks.filter(({ at }) => at >= place.end) }
  }
}
