import type { ElementNode, MarkdownNode, MathNode, TextNode } from '../../markdown/index.ts'

export interface Place {
  /** Offsets in the source. */
  readonly start: number
  readonly end: number
  /** Of the signs that stand behind it, such as the rest of a link. */
  endOfGap: number
  /** Of each UTF-16 unit of the text. */
  readonly offsets: readonly number[]
}

export type Places = Map<MarkdownNode, Place>

/**
 * Where the words of a block stand in its source, in their order. Between them only signs of Markdown may stand: where something else
 * does, or a word is not found, nothing is certain, and the answer is null.
 */
export function aligned(block: ElementNode, source: string, start: number, end: number): Places | null {
  const places: Places = new Map()
  let at = start
  let last: Place | null = null
  for (const leaf of leavesOf(block)) {
    let place: Place | null = null
    while (!(place = matched(leaf.text, source, at, end) ?? noteAt(leaf, source, at))) {
      const next = gapAt(source, at, end)
      if (next === null) return null
      at = next
    }
    if (last) last.endOfGap = place.start
    places.set(leaf, (last = place))
    at = place.end
  }
  for (let next: number | null = at; last && next !== null; next = gapAt(source, next, end)) last.endOfGap = next
  return places
}

function* leavesOf(node: MarkdownNode): Generator<TextNode | MathNode> {
  if (node.type === 'text' || node.type === 'math') {
    if (node.text.trim() !== '') yield node
  } else for (const child of node.children) yield* leavesOf(child)
}

const entity = /&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|[a-zA-Z][a-zA-Z\d]{1,31});/y
/** A line goes on, in a quote or a list too. */
const lineBreak = /[ \t]*\n[ \t>]*/y
const comment = /<!--(?:(?!-->)[\s\S]){0,2000}-->/y
/** Of a task. */
const box = /\[[ xX]\]/y
const isBox = (unit: string) => unit === '☐' || unit === '☑'
const escaped = /\\[!-/:-@[-`{-~]/y

/** The place of a text that begins here; null where another one does. */
function matched(text: string, source: string, start: number, end: number): Place | null {
  const offsets: number[] = []
  let at = start
  for (let i = 0; i < text.length;) {
    if (at >= end) return text.slice(i).trim() === '' && i > 0 ? placeOf(start, at, offsets) : null
    offsets.push(at)
    const unit = text[i]!
    if (source[at] === unit && !standsForAnother(text, i, source, at)) {
      at += 1
      i += 1
      // Behind a line break the signs of a quote or the indentation of a list are no words.
      if (unit === '\n') at += /^[ \t>]*/.exec(source.slice(at, at + 200))![0].length
      continue
    }
    if (lengthAt(escaped, source, at) && source[at + 1] === unit) at += 2
    else if (lengthAt(comment, source, at)) {
      // It is not shown, and what is around it is one text.
      offsets.pop()
      at += lengthAt(comment, source, at)
      continue
    } else if (isBox(unit) && lengthAt(box, source, at)) at += lengthAt(box, source, at)
    else {
      const isSpace = unit === '\n' || unit === ' '
      const length = isSpace ? lengthAt(lineBreak, source, at) : lengthAt(entity, source, at)
      if (length === 0) return null
      at += length
      // A character of two units.
      if (!isSpace && /[\uD800-\uDBFF]/.test(unit)) {
        offsets.push(at - 1)
        i += 1
      }
    }
    i += 1
  }
  return placeOf(start, at, offsets)
}

/** A backslash or an ampersand that is no word itself. In code they are. */
function standsForAnother(text: string, i: number, source: string, at: number): boolean {
  if (text[i] !== '&' && text[i] !== '\\') return false
  const length = lengthAt(escaped, source, at) || lengthAt(entity, source, at)
  return length > 0 && !text.startsWith(source.slice(at, at + length), i)
}

const note = /\[\^[^\]\s]{1,200}\]/y

/** The number of a footnote stands for its name. */
function noteAt({ text }: TextNode | MathNode, source: string, at: number): Place | null {
  const length = /^\d+$/.test(text) ? lengthAt(note, source, at) : 0
  return length === 0
    ? null
    : placeOf(
        at,
        at + length,
        Array.from(text, () => at),
      )
}

function placeOf(start: number, end: number, offsets: readonly number[]): Place {
  return { start, end, endOfGap: end, offsets }
}

/** Signs that make no words, the longest first: the rest of a link, a tag, a mark of a list, the signs of emphasis, of tables, of headings. */
const gaps = [
  /\]\(\s*(?:<[^<>\n]*>|(?:[^\s()\\]|\\.|\([^\s()]*\))*)(?:\s+(?:"[^"]*"|'[^']*'|\([^()]*\)))?\s*\)/y,
  /\]\[[^\]\n]*\]/y,
  /<\/?[a-zA-Z][a-zA-Z\d]*(?:\s[^<>]*)?\/?>/y,
  comment,
  /\[[ xX]\](?=\s)/y,
  /\d{1,9}[.)](?=\s)/y,
  /\\[()[\]\n]/y,
  /[*_~`[\]<>#|:=+!\s$-]/y,
]

function gapAt(source: string, at: number, end: number): number | null {
  if (at >= end) return null
  for (const gap of gaps) {
    const length = lengthAt(gap, source, at)
    if (length > 0) return at + length
  }
  return null
}

function lengthAt(pattern: RegExp, source: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(source) ? pattern.lastIndex - at : 0
}
