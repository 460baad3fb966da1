import type { ElementNode, MarkdownNode, TextNode } from '../../markdown/index.ts'
import { aligned, type Places } from './alignment.ts'
import { nodeOf, type TextMark } from './mark-nodes.ts'

/** A mark, and where it stands in the text as its tree counts. */
export interface PlacedMark {
  readonly mark: TextMark
  readonly at: number
  readonly from: number | undefined
}

/** A block with marks in it; null where its words are not found in the text from `start` to `end`. */
export function marked(
  block: ElementNode,
  text: string,
  start: number,
  end: number,
  marks: readonly PlacedMark[],
): ElementNode | null {
  const places = aligned(block, text, start, end)
  return places && new Placing(block, places, marks).element(block)
}

function* leavesInCode(node: MarkdownNode): Generator<MarkdownNode> {
  if (node.type === 'math') yield node
  else if (node.type === 'code' || (node.type === 'element' && node.tag === 'code')) yield* node.children
  else if (node.type === 'element') for (const child of node.children) yield* leavesInCode(child)
}

/** What stands within a line: a mark at its end stands behind it. */
const inline = /^(?:a|abbr|b|code|del|em|i|ins|kbd|mark|q|s|samp|strong|sub|sup)$/

/** Puts marks into one block. */
class Placing {
  readonly #places: Places
  /** By the leaf that they stand in or behind. */
  readonly #marks = new Map<MarkdownNode, PlacedMark[]>()
  readonly #hidden: readonly PlacedMark[]
  /** By the node that stands for them. */
  readonly #standing = new Map<MarkdownNode, PlacedMark>()

  constructor(block: ElementNode, places: Places, all: readonly PlacedMark[]) {
    this.#places = places
    // What looks like a reference is none in code.
    const codes = [...leavesInCode(block)].flatMap((leaf) => places.get(leaf) ?? [])
    const marks = all.filter(
      ({ from }) => from === undefined || !codes.some(({ start, end }) => start <= from && from < end),
    )
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
    return after.length === 0 ? marked : { ...marked, children: [...marked.children, ...this.#nodesOf(after)] }
  }

  /** `after`: marks that stand behind it. */
  #element(node: ElementNode): { node: ElementNode; after: PlacedMark[] } {
    const children: MarkdownNode[] = []
    let last: PlacedMark[] = []
    for (const child of node.children) {
      children.push(...this.#nodesOf(last))
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
        last = (child.type === 'code' ? child.children : [child]).flatMap((leaf) => this.#marks.get(leaf) ?? [])
      }
    }
    const isInline = inline.test(node.tag)
    // Nothing stands in a link or in code.
    const isClosed = node.tag === 'a' || node.tag === 'code'
    const out = isClosed ? children.flatMap((child) => this.#standing.get(child) ?? []) : []
    const kept = isClosed ? children.filter((child) => !this.#standing.has(child)) : children
    if (!isInline) kept.push(...this.#nodesOf(last.splice(0)))
    const isSame = kept.length === node.children.length && kept.every((child, i) => child === node.children[i])
    return { node: isSame ? node : { ...node, children: kept }, after: [...out, ...last] }
  }

  #nodesOf(marks: readonly PlacedMark[]): MarkdownNode[] {
    return marks.map((placed) => {
      const node = nodeOf(placed.mark)
      this.#standing.set(node, placed)
      return node
    })
  }

  #text(node: TextNode): { nodes: MarkdownNode[]; after: PlacedMark[] } {
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
        nodes.push(...this.#nodesOf([inside[next]!]))
      }
      if (!this.#hidden.some((mark) => at >= mark.from! && at < mark.at)) shown += node.text[i]!
    }
    flush()
    return { nodes, after: marks.filter(({ at }) => at >= place.end) }
  }
}
