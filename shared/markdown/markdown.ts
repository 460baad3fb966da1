import { elementNode, type Item } from './assemble.ts'
import { finishedLength, isRaw, toldLengths } from './boundary.ts'
import { Builder } from './build.ts'
import { definesOf } from './defines.ts'
import { Defined } from './definitions.ts'
import { FenceReader, isFence } from './fence.ts'
import type { Frozen } from './frozen.ts'
import { readBlocks, type Blocks } from './grammar.ts'
import { Layout } from './layout.ts'
import { finishedRows, joined, type OpenRows } from './open-rows.ts'
import type { MarkdownNode, MarkdownTree } from './nodes.ts'
import { undecidedEnd } from './repair.ts'
import type { MarkdownOptions } from './spans.ts'

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
  /** Without footnotes, what is known is the same as long as these are: nothing is compared anew at each token. */
  #knownFrom = { defined: this.#defined, frozen: 0 }
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
    // The last line may be one that is not shown yet.
    const line = this.#text.slice(0, from).lastIndexOf('\n') + 1
    const first = this.#hasReturns ? 0 : this.#frozen.findIndex(({ told }) => told > line)
    this.#thaw(first === -1 ? this.#frozen.length : first)
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
    this.#tail = ''
    this.#fence = this.#rows = null
    const first = this.#frozen[kept]
    // Nothing but blank lines stands before the first block.
    if (kept === 0) this.#tailStart = 0
    else if (first) this.#tailStart = first.start
    if (!first) return
    this.#frozen.length = kept
    this.#layout.cutAt(kept)
    if (this.#defined.isEmpty) return
    this.#defined = new Defined()
    for (const { defines } of this.#frozen) this.#defined.add(defines)
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
      // What the end of a text means tells nothing of what it meant if it went on.
      const finished = this.#freezes && this.#isGrowing ? finishedLength(blocks, shown) : 0
      if (finished === 0) return this.#showTail(blocks, shown)
      this.#freezeText(finished, blocks, shown)
    }
  }

  /** The tail as blocks, without what is still undecided at its end. */
  #read(): { blocks: Blocks; shown: string } {
    const end = this.#isGrowing ? undecidedEnd(this.#tail) : this.#tail.length
    const shown = this.#tail.slice(0, end)
    const blocks = this.#blocksOf(shown)
    if (end === this.#tail.length || !isRaw(blocks.tokens.at(-1))) return { blocks, shown }
    const rows = this.#rows
    const all = this.#blocksOf(this.#tail)
    if (all.tokens.length === blocks.tokens.length) return { blocks: all, shown: this.#tail }
    // The line tells that what goes on is another thing: not before it is known itself.
    this.#rows = rows
    return { blocks, shown }
  }

  #blocksOf(text: string): Blocks {
    const rows = this.#rows
    const blocks = rows && joined(rows, readBlocks(rows.head + text.slice(rows.length), this.#isGrowing))
    if (blocks) return blocks
    this.#rows = null
    return readBlocks(text, this.#isGrowing)
  }

  /** Freezes the beginning of what was read: by itself it may be another thing. */
  #freezeText(length: number, read: Blocks, shown: string): void {
    if (this.#rows) this.#builder.recall(this.#rows)
    const { tokens, inline, beyond } = this.#rows ? readBlocks(shown, this.#isGrowing) : read
    this.#rows = null
    if (!this.#known.isEmpty) this.#known = this.#numbered(this.#known)
    const told = toldLengths(tokens, beyond, shown)
    const tailStart = this.#tailStart
    let at = 0
    for (let i = 0; at < length; i++) {
      const token = tokens[i]!
      const start = tailStart + at
      at += token.raw.length
      if (token.type === 'space') continue
      const defines = definesOf([token])
      this.#defined.add(defines)
      const { items, uses } = this.#builder.last(token, { key: String(start), inline, isOpen: false })
      const isFixed = uses.labels.size === 0 && uses.notes.length === 0
      const again = isFixed ? null : { token, inline }
      this.#frozen.push({ start, told: tailStart + told[i]!, items, defines, uses, again })
    }
    if (at !== length) throw new Error('Blocks are not as long as their text.')
    this.#tail = this.#tail.slice(length)
    this.#tailStart += length
  }

  #freeze(length: number, items: readonly Item[]): void {
    const start = this.#tailStart
    const uses = { labels: new Set<string>(), notes: [] }
    this.#frozen.push({ start, told: start + length, items, defines: null, uses, again: null })
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
    if (isAlone && blocks.defines === null) this.#rows = finishedRows(blocks, shown, this.#rows)
    this.#show(items)
  }

  /** What the tail defines may give frozen blocks another meaning: those that use it are built again. Has anything changed? */
  #define(blocks: Blocks): boolean {
    if (this.#defined.isEmpty && this.#known.isEmpty && blocks.defines === null) return false
    const from = this.#knownFrom
    this.#knownFrom = { defined: this.#defined, frozen: blocks.defines === null ? this.#frozen.length : -1 }
    const isSame = from.defined === this.#defined && from.frozen === this.#frozen.length
    if (isSame && blocks.defines === null && !this.#known.hasNotes) return false
    const before = this.#known
    const now = this.#defined.copy()
    now.add(blocks.defines)
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
    let place = 0
    for (const note of this.#known.asked()) items.push(...this.#builder.note(note, String(place++)).items)
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
