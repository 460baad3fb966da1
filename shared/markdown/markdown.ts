import { elementNode, type Item } from './assemble.ts'
import { definesNothing, finishedLength, isRaw } from './boundary.ts'
import { Builder } from './build.ts'
import { Defined } from './definitions.ts'
import { FenceReader, isFence } from './fence.ts'
import { readBlocks, type Blocks, type Token } from './grammar.ts'
import { Layout } from './layout.ts'
import type { Uses } from './memory.ts'
import { finishedRows, joined, type OpenRows } from './open-rows.ts'
import type { MarkdownNode, MarkdownTree } from './nodes.ts'
import { undecidedEnd } from './repair.ts'
import type { MarkdownOptions } from './spans.ts'

/** A block that later text does not change; a later definition may. */
interface Frozen {
  start: number
  end: number
  items: readonly Item[]
  uses: Uses
  /** What to build it of once more; null where nothing can change it. */
  again: { token: Token; inline: Blocks['inline'] } | null
}

const nothing: MarkdownTree = { chunks: [] }

/**
 * Markdown that grows. Its tree is what the whole text gives, at the cost of
 * what is new: finished blocks are kept, and only the end is read again. While it
 * grows, its end is shown as what it most likely becomes.
 */
export class GrowingMarkdown {
  readonly #freezes: boolean
  readonly #frozen: Frozen[] = []
  readonly #layout = new Layout()
  readonly #builder: Builder
  /** As it came. */
  #text = ''
  /** What is not frozen, with plain line breaks, and where it begins. */
  #tail = ''
  #tailStart = 0
  /** The tail, while it is one fenced block without an end. */
  #fence: FenceReader | null = null
  /** The beginning of a list or table that the tail is. */
  #rows: OpenRows | null = null
  /** What the frozen blocks define, and what they were built with. */
  #defined = new Defined()
  #known = new Defined()
  #hasReturns = false
  #endsWithReturn = false
  #isGrowing = true
  #tree = nothing

  /** `freezes`: false where all of the text is here. */
  constructor(options: MarkdownOptions = {}, text = '', freezes = true) {
    this.#freezes = freezes
    this.#builder = new Builder(options, {
      link: (label) => this.#known.link(label),
      noteNumber: (label) => this.#known.noteNumber(label),
    })
    if (text !== '') this.append(text)
  }

  /** The same object while nothing that is shown has changed. */
  get tree(): MarkdownTree {
    return this.#tree
  }

  get text(): string {
    return this.#text
  }

  /** So many of the tree's first nodes change no more, unless a definition comes that they use, or an edit. */
  get finished(): number {
    return this.#layout.finished
  }

  append(text: string): MarkdownTree {
    this.#isGrowing = true
    this.#text += text
    this.#extend(this.#plain(text))
    return this.#tree
  }

  /** From offset `from` (UTF-16) on, the text now reads `text`, as a client's `TextChange` says. */
  replaceFrom(from: number, text: string): MarkdownTree {
    if (from >= this.#text.length) return this.append(text)
    this.#isGrowing = true
    this.#text = this.#text.slice(0, from) + text
    // A block is finished by the first line of the one behind it.
    let kept = this.#frozen.findIndex(({ end }) => end > from)
    kept = this.#hasReturns || kept === 0 ? 0 : (kept === -1 ? this.#frozen.length : kept) - 1
    this.#thaw(Math.max(0, kept))
    const rest = this.#text.slice(this.#tailStart)
    this.#endsWithReturn = this.#hasReturns = false
    this.#extend(this.#plain(rest))
    return this.#tree
  }

  /** The text is whole: its end means what it says. */
  end(): MarkdownTree {
    this.#isGrowing = false
    this.#extend('')
    return this.#tree
  }

  #plain(text: string): string {
    if (!this.#endsWithReturn && !text.includes('\r')) return text
    const rest = this.#endsWithReturn && text.startsWith('\n') ? text.slice(1) : text
    this.#endsWithReturn = text === '' ? this.#endsWithReturn : text.endsWith('\r')
    this.#hasReturns = true
    return rest.replaceAll(/\r\n?/g, '\n')
  }

  #thaw(kept: number): void {
    const first = this.#frozen[kept]
    if (first) this.#tailStart = kept === 0 ? 0 : first.start
    this.#frozen.length = Math.min(kept, this.#frozen.length)
    this.#layout.cutAt(kept)
    this.#tail = ''
    this.#fence = this.#rows = null
    if (this.#defined.isEmpty) return
    this.#defined = new Defined()
    this.#defined.add(readBlocks(this.#text.slice(0, this.#tailStart), false))
  }

  /** Takes text in and freezes what is finished by it. */
  #extend(text: string): void {
    let added = text
    if (this.#fence) {
      added = this.#fence.push(text)
      this.#tail += text
      if (!this.#fence.isOver) return this.#show([{ node: this.#fence.node(this.#key, this.#isGrowing) }])
      const length = this.#tail.length - added.length
      this.#freeze(length, [{ node: this.#fence.node(this.#key, false) }])
      this.#fence = null
    } else this.#tail += text
    for (;;) {
      const { blocks, shown } = this.#read()
      const finished = this.#freezes ? finishedLength(blocks.tokens, shown) : 0
      if (finished === 0) return this.#showTail(blocks, shown)
      this.#freezeText(finished)
    }
  }

  /** The tail as blocks, without what is still undecided at its end. */
  #read(): { blocks: Blocks; shown: string } {
    const end = this.#isGrowing ? undecidedEnd(this.#tail) : this.#tail.length
    const shown = this.#tail.slice(0, end)
    const blocks = this.#blocksOf(shown)
    if (end === this.#tail.length || !isRaw(blocks.tokens.at(-1))) return { blocks, shown }
    return { blocks: this.#blocksOf(this.#tail), shown: this.#tail }
  }

  #blocksOf(text: string): Blocks {
    const rows = this.#rows
    const blocks = rows && joined(rows, readBlocks(rows.head + text.slice(rows.length), this.#isGrowing))
    if (blocks) return blocks
    this.#rows = null
    return readBlocks(text, this.#isGrowing)
  }

  #freezeText(length: number): void {
    const blocks = readBlocks(this.#tail.slice(0, length), false)
    this.#defined.add(blocks)
    if (!this.#known.isEmpty) this.#known = this.#numbered(this.#known)
    this.#builder.endsLine = true
    if (this.#rows) this.#builder.recall(this.#rows)
    this.#rows = null
    let at = 0
    let start = this.#tailStart
    for (const token of blocks.tokens) {
      const end = start + token.raw.length
      if (token.type !== 'space') {
        const { items, uses } = this.#builder.top(token, { key: String(start), inline: blocks.inline, isOpen: false })
        const isFixed = uses.labels.size === 0 && uses.notes.length === 0
        this.#frozen.push({ start, end, items, uses, again: isFixed ? null : { token, inline: blocks.inline } })
      }
      start = end
      at += token.raw.length
    }
    if (at !== length) throw new Error('Blocks are not as long as their text.')
    this.#tail = this.#tail.slice(length)
    this.#tailStart += length
  }

  #freeze(length: number, items: readonly Item[]): void {
    const start = this.#tailStart
    this.#frozen.push({ start, end: start + length, items, uses: { labels: new Set(), notes: [] }, again: null })
    this.#tail = this.#tail.slice(length)
    this.#tailStart += length
  }

  #showTail(blocks: Blocks, shown: string): void {
    const [first] = blocks.tokens
    if (
      this.#freezes &&
      blocks.tokens.length === 1 &&
      first?.type === 'code' &&
      isFence(first.raw) &&
      first.raw.includes('\n')
    ) {
      this.#define(blocks)
      const lineBreak = this.#tail.indexOf('\n')
      this.#fence = new FenceReader(this.#tail.slice(0, lineBreak))
      const text = this.#tail
      this.#tail = text.slice(0, lineBreak + 1)
      return this.#extend(text.slice(lineBreak + 1))
    }
    if (this.#define(blocks) && this.#rows) {
      // Its beginning may have another meaning now.
      this.#rows = null
      return this.#extend('')
    }
    this.#builder.isGrowing = this.#isGrowing
    this.#builder.endsLine = shown.endsWith('\n')
    let start = this.#tailStart
    const { tokens } = blocks
    // A blank line ends no comment.
    const open = tokens.length - (tokens.at(-1)?.type === 'space' && tokens.at(-2)?.type === 'html' ? 2 : 1)
    const items = tokens.flatMap((token, index) => {
      const isOpen = this.#isGrowing && index === open
      const place = { key: String(start), inline: blocks.inline, isOpen }
      start += token.raw.length
      return token.type === 'space' ? [] : this.#builder.top(token, place).items
    })
    const isAlone = this.#freezes && tokens.length === 1
    if (isAlone && definesNothing(blocks)) this.#rows = finishedRows(blocks, shown, this.#rows)
    this.#show(items)
  }

  /** What the tail defines may give frozen blocks another meaning: those that use it are built again. Has anything changed? */
  #define(blocks: Blocks): boolean {
    if (this.#defined.isEmpty && this.#known.isEmpty && definesNothing(blocks)) return false
    const before = this.#known
    const now = this.#defined.copy()
    now.add(blocks)
    this.#known = this.#numbered(now)
    const changed = this.#numbered(before).differsIn(this.#known)
    if (changed.size === 0) return false
    this.#builder.forget()
    this.#frozen.forEach((block, index) => {
      const isChanged =
        [...block.uses.labels].some((label) => changed.has(`link ${label}`)) ||
        block.uses.notes.some(({ label }) => changed.has(`note ${label}`))
      if (!isChanged || !block.again) return
      const { items, uses } = this.#builder.top(block.again.token, {
        key: String(block.start),
        inline: block.again.inline,
        isOpen: false,
      })
      block.items = items
      block.uses = uses
      this.#layout.cutAt(index)
    })
    return true
  }

  /** With the numbers that frozen blocks give to notes; the tail goes on from there. */
  #numbered(defined: Defined): Defined {
    const copy = defined.copy()
    for (const { uses } of this.#frozen) for (const { label } of uses.notes) copy.noteNumber(label)
    return copy
  }

  #show(items: readonly Item[]): void {
    const chunks = this.#layout.chunks(this.#frozen, items, this.#notes())
    if (chunks !== this.#tree.chunks) this.#tree = { chunks }
    this.#builder.turn()
  }

  /** Footnotes that are asked for, in the order of their numbers; one may ask for another. */
  #notes(): MarkdownNode[] {
    if (this.#known.isEmpty) return []
    const items: Item[] = []
    for (let i = 0; i < this.#known.numbered.length; i++)
      items.push(...this.#builder.note(this.#known.numbered[i]!, String(i)).items)
    const nodes = items.flatMap((item) => ('node' in item ? [item.node] : []))
    return nodes.length === 0 ? [] : [elementNode('hr', 'notes-line', []), elementNode('ol', 'notes', nodes)]
  }

  get #key(): string {
    return String(this.#tailStart)
  }
}

/** The tree of a text that is whole; `isGrowing`: of one that is not yet. */
export function parseMarkdown(text: string, options: MarkdownOptions & { isGrowing?: boolean } = {}): MarkdownTree {
  const { isGrowing = false, ...rest } = options
  const markdown = new GrowingMarkdown(rest, text, false)
  return isGrowing ? markdown.tree : markdown.end()
}
