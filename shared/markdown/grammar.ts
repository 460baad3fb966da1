import { Lexer, Tokenizer, type MarkedOptions, type Token, type Tokens, type TokensList } from 'marked'
import { definesOf, type Defines, type FootnoteDef, type LinkTarget } from './defines.ts'
import { Lookahead } from './lookahead.ts'
import { commentEnd, commentTold, maxTagLength, tagAt } from './tags.ts'

export type { Token, Tokens } from 'marked'

export interface MathToken {
  type: 'math'
  raw: string
  text: string
  display: boolean
  closed: boolean
}
export interface FootnoteRef {
  type: 'footnoteRef'
  raw: string
  label: string
}

/** What a text says it is made of; inline text is still to be read. */
export interface Blocks {
  tokens: Token[]
  defines: Defines | null
  /** The inline text that belongs to each empty list of tokens. */
  inline: Map<unknown, string>
  /** How far behind each of the tokens was read to tell what it is; infinite where more text is to tell. */
  beyond: readonly number[]
}

/** More than people nest. Each level reads the text of those below it once more. */
const maxDepth = 16
/** A definition that is longer than this is none. */
const maxDefLength = 4_000

class OwnTokenizer extends Tokenizer {
  /** How many quotes and lists what is read stands in. */
  depth = 0
  readonly #isGrowing: boolean
  readonly #lookahead: Lookahead

  constructor(isGrowing: boolean, lookahead: Lookahead) {
    super()
    this.#isGrowing = isGrowing
    this.#lookahead = lookahead
  }

  /** Of what stands in no quote or list: one of those is read by itself. */
  get lookahead(): Lookahead | null {
    return this.depth === 0 ? this.#lookahead : null
  }

  override blockquote(src: string): Tokens.Blockquote | undefined {
    return this.#inside(() => super.blockquote(src))
  }

  override list(src: string): Tokens.List | undefined {
    return this.#inside(() => super.list(src))
  }

  #inside<T>(read: () => T): T | undefined {
    if (this.depth === maxDepth) return undefined
    this.depth += 1
    try {
      return read()
    } finally {
      this.depth -= 1
    }
  }

  /** What begins with no element that may be, and no comment, is text. */
  override html(src: string): Tokens.HTML | undefined {
    return this.#isHtml(src) ? super.html(src) : undefined
  }

  #isHtml(src: string): boolean {
    const at = src.search(/[^ \n]/)
    if (src[at] !== '<') return false
    const told = commentTold(src, at)
    if (told === 0) this.lookahead?.lookForBlank(src, at + maxTagLength)
    else this.lookahead?.look(src, told === -1 ? Infinity : told)
    const comment = commentEnd(src, at)
    const tag = comment === 0 ? tagAt(src, at) : null
    const isHalf = comment === -1 || tag === 'half'
    // What ends in a quote or an item need not be the end of all.
    return isHalf ? this.#isGrowing && this.depth === 0 : comment > 0 || tag !== null
  }

  /** A line that only looks like HTML ends none. */
  override paragraph(src: string): Tokens.Paragraph | undefined {
    const token = super.paragraph(src)
    if (!token) return token
    let { raw } = token
    while (/^\n {0,3}</.test(src.slice(raw.length, raw.length + 5)) && !this.#isHtml(src.slice(raw.length))) {
      const more = super.paragraph(src.slice(raw.length + 1))
      if (!more) break
      raw += `\n${more.raw}`
      this.lexer.inlineQueue.length -= 1
    }
    if (raw === token.raw) return token
    token.raw = raw
    token.text = raw.replace(/\n$/, '')
    this.lexer.inlineQueue.at(-1)!.src = token.text
    return token
  }

  /** A definition has no blank line in it, whatever is quoted: what stands behind one never changes what stood before it. */
  override def(src: string): Tokens.Def | undefined {
    // A name without a colon behind it is none, whatever comes.
    if (!/^ {0,3}\[(?![^\]\\\n]*\][^:])/.test(src)) return undefined
    this.lookahead?.lookForBlank(src, maxDefLength)
    const head = src.slice(0, maxDefLength)
    const blank = head.search(/\n[ \t]*\n/)
    const part = blank === -1 ? head : head.slice(0, blank + 1)
    const token = super.def(part)
    const isCut = token?.raw.length === maxDefLength && src.length > maxDefLength && !part.endsWith('\n')
    return token && !isCut && !token.tag.startsWith('^') ? token : undefined
  }
}

/** `[^1]: text`, and lines behind it that are indented or go on with its paragraph. */
function footnoteDef(src: string): FootnoteDef | undefined {
  const first = /^ {0,3}\[\^([^\]\s]{1,200})\]:[ \t]*/.exec(src)
  if (!first) return undefined
  const lines: string[] = []
  let at = first[0].length
  let end = at
  let blank = 0
  for (let isFirst = true; at < src.length; isFirst = false) {
    const lineBreak = src.indexOf('\n', at)
    const next = lineBreak === -1 ? src.length : lineBreak + 1
    const line = src.slice(at, lineBreak === -1 ? next : lineBreak)
    if (line.trim() === '') {
      if (!isFirst) blank += 1
      else lines.push('')
    } else if (/^(?: {2,}|\t)/.test(line)) {
      for (; blank > 0; blank--) lines.push('')
      lines.push(line.replace(/^(?: {1,4}|\t)/, ''))
      end = next
    } else if (isFirst) {
      lines.push(line)
      end = next
    } else if (blank > 0 || /^ {0,3}(?:\[\^|#{1,6}\s|>|```|~~~|[-*+]\s|\d{1,9}[.)]\s|\|)/.test(line)) break
    else {
      lines.push(line)
      end = next
    }
    at = next
  }
  return { type: 'footnoteDef', raw: src.slice(0, end), label: first[1]!, text: lines.join('\n') }
}

/** `$$` or `\[` that begins a line, to the same that ends one, without a blank line between. `isGrowing`: its end may be to come. */
function displayMath(src: string, isGrowing: boolean, lookahead: Lookahead | null): MathToken | undefined {
  const open = /^ {0,3}(?:\$\$|\\\[(?=[ \t]*(?:\n|$)))/.exec(src)
  if (!open) return undefined
  const isDollars = open[0].endsWith('$$')
  const stop = isDollars ? /\$\$[ \t]*(?:\n|$)|\n[ \t]*\n/g : /\\\][ \t]*(?:\n|$)|\n[ \t]*\n/g
  stop.lastIndex = open[0].length
  const end = stop.exec(src)
  lookahead?.look(src, end ? end.index + end[0].length : Infinity)
  const text = src.slice(open[0].length, end?.index).trim()
  if (end && !end[0].startsWith('\n'))
    return { type: 'math', raw: src.slice(0, end.index + end[0].length), text, display: true, closed: true }
  // Half of its end is no part of it.
  return isGrowing && !end
    ? { type: 'math', raw: src, text: text.replace(/[$\\]$/, '').trim(), display: true, closed: false }
    : undefined
}

/** `$x$` and `$$x$$`: no space inside the marks and no digit behind them, so that prices are none. */
function inlineMath(src: string): MathToken | undefined {
  if (src.charCodeAt(0) !== 36) return undefined
  const found =
    /^\$\$((?:[^$\\]|\\[^])+?)\$\$/.exec(src) ??
    /^\$((?:[^$\s\\]|\\[^])|(?:[^$\s\\]|\\[^])(?:[^$\\]|\\[^])*?(?:[^$\s\\]|\\\S))\$(?!\d)/.exec(src)
  if (!found) return undefined
  return { type: 'math', raw: found[0], text: found[1]!.trim(), display: found[0].startsWith('$$'), closed: true }
}

function footnoteRef(src: string): FootnoteRef | undefined {
  const found = /^\[\^([^\]\s]{1,200})\]/.exec(src)
  return found ? { type: 'footnoteRef', raw: found[0], label: found[1]! } : undefined
}

function optionsOf(isGrowing: boolean, lookahead: Lookahead): MarkedOptions {
  const tokenizer = new OwnTokenizer(isGrowing, lookahead)
  return {
    gfm: true,
    tokenizer,
    extensions: {
      block: [
        footnoteDef,
        // What ends in a quote or an item need not be the end of all.
        (src: string) => displayMath(src, isGrowing && tokenizer.depth === 0, tokenizer.lookahead),
      ],
      inline: [inlineMath, footnoteRef],
      startInline: [(src: string) => src.indexOf('$')],
      renderers: {},
      childTokens: {},
    },
  } as unknown as MarkedOptions
}

/**
 * A line of very many marks of lists would be read once for each of them. Of such a line, which is no rule, the
 * space behind one of them becomes another kind, so that the marks end there. Lengths stay.
 */
function withoutMarkRuns(text: string): string {
  if (text.length < 400) return text
  return text.replace(/^(?:[ \t]*(?:[-+*]|\d{1,9}[.)])[ \t]){100}/gm, (marks, at: number) => {
    const end = text.indexOf('\n', at)
    return /^[-* \t]+$/.test(text.slice(at, end === -1 ? undefined : end)) ? marks : `${marks.slice(0, -1)}\u00a0`
  })
}

/** Reads text as blocks: cost grows with its length. */
export function readBlocks(original: string, isGrowing: boolean): Blocks {
  const text = withoutMarkRuns(original)
  const lookahead = new Lookahead(text.length)
  const lexer = new Lexer(optionsOf(isGrowing, lookahead))
  const tokens = lexer.blockTokens(text, lexer.tokens)
  if (text !== original) {
    let at = 0
    for (const token of tokens) {
      // Code is shown as it is.
      if (token.type === 'code') token.raw = original.slice(at, at + token.raw.length)
      at += token.raw.length
    }
  }
  const inline = new Map<unknown, string>()
  for (const { src, tokens: list } of lexer.inlineQueue) inline.set(list, src)
  return { tokens, defines: definesOf(tokens), inline, beyond: lookahead.beyond(tokens) }
}

/** Reads inline text with the definitions that `links` has. */
export class InlineReader {
  readonly #lexer: Lexer

  constructor(links: Record<string, LinkTarget>) {
    this.#lexer = new Lexer(optionsOf(false, new Lookahead(0)))
    ;(this.#lexer.tokens as TokensList).links = links as TokensList['links']
  }

  /** A section of a text. */
  read(section: string): Token[] {
    this.#lexer.state.inRawBlock = this.#lexer.state.inLink = false
    return this.#lexer.inlineTokens(section)
  }
}
