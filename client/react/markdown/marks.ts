import type { MarkdownChunk, MarkdownNode } from '../../markdown/index.ts'
import { noAttrs } from '../../../shared/markdown/nodes.ts'
import { nodeOf, type TextMark } from './mark-nodes.ts'
import { Notes, startOf } from './notes.ts'
import { marked, type PlacedMark } from './placing.ts'

/**
 * Marks in the tree of a text. What holds none stays the same object, so a token costs what it did without them. A mark whose
 * place cannot be told for certain is left out.
 */
export class TextMarks {
  readonly #marks: readonly PlacedMark[]
  readonly #seen = new WeakMap<MarkdownNode, { end: number; nodes: readonly MarkdownNode[] }>()
  readonly #chunks = new WeakMap<MarkdownChunk, { end: number; chunk: MarkdownChunk }>()

  constructor(marks: readonly TextMark[]) {
    this.#marks = marks.map((mark) => ({ mark, at: mark.at, from: mark.from })).toSorted((a, b) => a.at - b.at)
  }

  /** The tree's chunks with marks in them. `written`: the text that the tree is of; it may have gone on. */
  chunks(chunks: readonly MarkdownChunk[], written: string): readonly MarkdownChunk[] {
    if (this.#marks.length === 0) return chunks
    const { text, marks: all } = asRead(written, this.#marks)
    const notes = Notes.of(chunks, text)
    const marks = notes ? all.filter(({ at }) => !notes.hasWritten(at)) : all
    return chunks.map((chunk, index) => {
      const end = startOf(chunks[index + 1]?.children[0]) ?? text.length
      const known = this.#chunks.get(chunk)
      if (known?.end === end) return known.chunk
      const children = chunk.children.flatMap((node, i) => {
        if (notes?.list === node) return notes.marked(all)
        const next = i + 1 < chunk.children.length ? startOf(chunk.children[i + 1]) : end
        return this.#block(node, text, startOf(node), next ?? text.length, marks)
      })
      const isSame = children.length === chunk.children.length && children.every((one, i) => one === chunk.children[i])
      const marked = isSame ? chunk : { ...chunk, children }
      this.#chunks.set(chunk, { end, chunk: marked })
      return marked
    })
  }

  /** With its marks; what may hold none has them behind it. */
  #block(
    node: MarkdownNode,
    text: string,
    start: number | null,
    end: number,
    all: readonly PlacedMark[],
  ): readonly MarkdownNode[] {
    if (start === null) return [node]
    const marks = all.filter(({ at }) => at > start && at <= end)
    if (marks.length === 0) return [node]
    const known = this.#seen.get(node)
    if (known?.end === end) return known.nodes
    const nodes = node.type === 'element' ? [marked(node, text, start, end, marks) ?? node] : behind(node, start, marks)
    this.#seen.set(node, { end, nodes })
    return nodes
  }
}

/** Behind code and formulas. What a mark would stand for within them is no reference. */
function behind(node: MarkdownNode, start: number, marks: readonly PlacedMark[]): readonly MarkdownNode[] {
  const outer = marks.filter(({ from }) => from === undefined || from < start)
  if (outer.length === 0) return [node]
  const children = outer.map(({ mark }) => nodeOf(mark))
  return [node, { type: 'element', key: `marks ${node.key}`, tag: 'p', attrs: noAttrs, children }]
}

/** As the tree counts: each line break is one sign. */
function asRead(written: string, marks: readonly PlacedMark[]): { text: string; marks: readonly PlacedMark[] } {
  if (!written.includes('\r')) return { text: written, marks }
  const pairs = [...written.matchAll(/\r\n/g)].map(({ index }) => index)
  const moved = (at: number) => at - pairs.filter((pair) => pair + 1 < at).length
  return {
    text: written.replaceAll(/\r\n?/g, '\n'),
    marks: marks.map(({ mark, at, from }) => ({ mark, at: moved(at), from: from === undefined ? from : moved(from) })),
  }
}
