import { Assembly, type Item } from './assemble.ts'
import type { MarkdownChunk, MarkdownNode } from './nodes.ts'

const chunkLength = 32

/** The nodes of a document in chunks. What is settled is not looked at again. */
export class Layout {
  readonly #nodes: MarkdownNode[] = []
  /** For each settled block, what it is a part of, and how many nodes and blocks stood before that. */
  readonly #settled: { group: Assembly; nodes: number; blocks: number }[] = []
  #chunks: readonly MarkdownChunk[] = []
  /** Nodes that stand in `#chunks` as they are. */
  #same = 0

  get finished(): number {
    return this.#nodes.length
  }

  /** Blocks from `index` on are others now. */
  cutAt(index: number): void {
    const place = this.#settled[index]
    if (!place) return
    this.#nodes.length = place.nodes
    this.#settled.length = place.blocks
    this.#same = Math.min(this.#same, place.nodes)
  }

  /** `blocks` are finished, what `open` holds may change. */
  chunks(
    blocks: readonly { items: readonly Item[] }[],
    open: readonly Item[],
    last: readonly MarkdownNode[],
  ): readonly MarkdownChunk[] {
    this.#settle(blocks)
    const rest = new Assembly(this.#settled.at(-1)?.group)
    for (let i = this.#settled.length; i < blocks.length; i++) rest.add(blocks[i]!.items)
    const tail = [...rest.add(open).end(), ...last]
    const keep = Math.floor(this.#same / chunkLength)
    const start = keep * chunkLength
    const nodes = [...this.#nodes.slice(start), ...tail]
    const chunks = this.#chunks.slice(0, keep)
    for (let i = 0; i < nodes.length; i += chunkLength)
      chunks.push(this.#chunk(chunks.length, nodes.slice(i, i + chunkLength)))
    this.#same = this.#nodes.length
    if (chunks.length !== this.#chunks.length || chunks.some((chunk, i) => chunk !== this.#chunks[i]))
      this.#chunks = chunks
    return this.#chunks
  }

  /** Takes in what stands outside of any element that is open. */
  #settle(blocks: readonly { items: readonly Item[] }[]): void {
    for (let first = this.#settled.length; first < blocks.length; first = this.#settled.length) {
      const group = new Assembly(this.#settled.at(-1)?.group)
      let next = first
      do group.add(blocks[next++]!.items)
      while (!group.isLevel && next < blocks.length)
      if (!group.isLevel) return
      const place = { group, nodes: this.#nodes.length, blocks: first }
      for (let i = first; i < next; i++) this.#settled.push(place)
      this.#nodes.push(...group.nodes)
    }
  }

  #chunk(index: number, children: MarkdownNode[]): MarkdownChunk {
    const old = this.#chunks[index]
    return old?.children.length === children.length && children.every((child, i) => child === old.children[i])
      ? old
      : { key: String(index), children }
  }
}
