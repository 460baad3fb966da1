import type { ElementNode, MarkdownChunk, MarkdownNode } from '../../markdown/index.ts'
import { marked, type PlacedMark } from './placing.ts'

interface Written {
  readonly start: number
  readonly end: number
}

/** Footnotes: they are shown at the end, in an order of their own, and are written anywhere. */
export class Notes {
  readonly list: ElementNode
  readonly #text: string
  readonly #written: readonly Written[]

  private constructor(list: ElementNode, text: string, written: readonly Written[]) {
    this.list = list
    this.#text = text
    this.#written = written
  }

  /** Null: there are none. */
  static of(chunks: readonly MarkdownChunk[], text: string): Notes | null {
    const list = chunks.at(-1)?.children.at(-1)
    if (list?.type !== 'element' || list.key !== 'notes') return null
    const begins = [...text.matchAll(/^ {0,3}\[\^[^\]\s]{1,200}\]:/gm)].map(({ index, 0: { length } }) => ({
      from: index,
      start: index + length,
    }))
    const blocks = chunks.flatMap(({ children }) => children.flatMap((node) => startOf(node) ?? []))
    const ends = [...blocks, ...begins.map(({ from }) => from), text.length].sort((a, b) => a - b)
    return new Notes(
      list,
      text,
      begins.map(({ start }) => ({ start, end: ends.find((end) => end > start) ?? text.length })),
    )
  }

  /** Is this a place in one of them? */
  hasWritten(at: number): boolean {
    return this.#written.some(({ start, end }) => at > start && at <= end)
  }

  /** The list of them, with its marks. Each stands where its words are. */
  marked(marks: readonly PlacedMark[]): ElementNode {
    const taken = new Set<Written>()
    const children = this.list.children.map((note) => {
      if (note.type !== 'element') return note
      for (const written of this.#written) {
        const { start, end } = written
        const found = taken.has(written)
          ? null
          : marked(
              note,
              this.#text,
              start,
              end,
              marks.filter(({ at }) => at > start && at <= end),
            )
        if (!found) continue
        taken.add(written)
        return found
      }
      return note
    })
    return children.every((child, i) => child === this.list.children[i]) ? this.list : { ...this.list, children }
  }
}

/** Where a block at the top begins in its text; null for one that has no place there. */
export function startOf(node: MarkdownNode | undefined): number | null {
  return node && /^\d+$/.test(node.key) ? Number(node.key) : null
}
