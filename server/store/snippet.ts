import { inSlices } from '../waiting/slices.ts'
import { queryWordsOf, wordsOf } from './search-words.ts'

/** A piece of a text that was found; `match`: a word that was looked for. Plain text. */
export interface SnippetPart {
  text: string
  match: boolean
}

/** The words that were looked for stand together in a window of so many units, if they do. */
const windowUnits = 160
/** Shown before the first of them. */
const beforeUnits = 40
/** Words that are looked at in one step. */
const wordsAStep = 200

const word = /[\p{L}\p{N}\p{M}]+/gu
/** What shows nothing, or turns what follows: a snippet is one line in its own direction. */
const unseen = /[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu

interface Hit {
  start: number
  end: number
  /** Which of the words it is. */
  index: number
}

/** The place of a text that has the most of the words of a query, the first of several; empty where there is none. */
export async function snippetOf(text: string, query: string): Promise<SnippetPart[]> {
  return await inSlices(snippetSteps(text, queryWordsOf(query)))
}

function* snippetSteps(text: string, words: readonly string[]): Generator<void, SnippetPart[]> {
  let best: Hit[] = []
  let bestCount = 0
  let near: Hit[] = []
  let seen = 0
  for (const match of text.matchAll(word)) {
    if (++seen % wordsAStep === 0) yield
    const index = indexOf(match[0], words)
    if (index < 0) continue
    const end = match.index + match[0].length
    near = near.filter(({ start }) => start >= end - windowUnits)
    near.push({ start: match.index, end, index })
    const count = new Set(near.map((hit) => hit.index)).size
    if (count <= bestCount) continue
    best = near.slice()
    bestCount = count
    if (count === words.length) break
  }
  return best.length === 0 ? [] : partsOf(text, best, words)
}

function partsOf(text: string, hits: readonly Hit[], words: readonly string[]): SnippetPart[] {
  const from = edge(text, Math.max(0, hits[0]!.start - beforeUnits), hits[0]!.start)
  const to = Math.min(text.length, from + windowUnits + beforeUnits)
  const end = to === text.length ? to : lastEdge(text, Math.min(to, hits.at(-1)!.end), to)
  const parts: SnippetPart[] = []
  let at = from
  const put = (upTo: number, match: boolean) => {
    const shown = clean(text.slice(at, upTo))
    if (shown !== '') parts.push({ text: shown, match })
    at = upTo
  }
  for (const { 0: found, index } of text.slice(0, end).matchAll(wordFrom(from))) {
    if (indexOf(found, words) < 0) continue
    put(index, false)
    put(index + found.length, true)
  }
  put(end, false)
  if (from > 0) parts.unshift({ text: '…', match: false })
  if (end < text.length) parts.push({ text: '…', match: false })
  return parts
}

function wordFrom(index: number): RegExp {
  const pattern = new RegExp(word)
  pattern.lastIndex = index
  return pattern
}

/** A long word that was found is shown as far as it fits. */
const maxWordUnits = 1_000

function indexOf(found: string, words: readonly string[]): number {
  const first = wordsOf(found.slice(0, maxWordUnits))[0] ?? ''
  return words.findIndex((word) => first.startsWith(word))
}

/** Where the next word begins, from here on. */
function edge(text: string, from: number, to: number): number {
  if (from === 0) return 0
  const space = text.slice(from, to).search(/\s\S/u)
  return space < 0 ? wholeAt(text, from) : from + space + 1
}

/** Where the last word ends, up to here. */
function lastEdge(text: string, from: number, to: number): number {
  const space = text.slice(from, to).search(/\s\S*$/u)
  return space <= 0 ? wholeAt(text, to) : from + space
}

/** Not in the middle of a surrogate pair. */
function wholeAt(text: string, index: number): number {
  return /[\ud800-\udbff]$/.test(text.slice(index - 1, index)) ? index + 1 : index
}

function clean(text: string): string {
  return text.replaceAll(unseen, ' ').replaceAll(/\s+/gu, ' ').toWellFormed()
}
