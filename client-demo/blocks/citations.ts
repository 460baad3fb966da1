import type { JsonObject } from '@runnel/client'
import type { TextMark } from '@runnel/client/react/markdown'
import { webUrl } from './web-url.ts'

/** A web page or a file that a text cites. */
export interface Source {
  /** From 1, in the order of the text. */
  readonly place: number
  readonly title: string
  readonly url: URL | null
  readonly snippet: string
}

export interface Citations {
  readonly sources: readonly Source[]
  readonly marks: readonly TextMark[]
  /** By the key of a mark. */
  readonly cited: ReadonlyMap<string, Source>
}

/** The sources of a text, each once, and where the text cites them: the shapes of the OpenAI Responses API. */
export function citationsOf(annotations: readonly JsonObject[], text: string): Citations {
  const byKey = new Map<string, Source>()
  const marks = new Map<string, TextMark>()
  const cited = new Map<string, Source>()
  for (const annotation of annotations) {
    const said = (field: string) => {
      const value = annotation[field]
      return typeof value === 'string' ? value.trim() : ''
    }
    const name = said('url') || said('filename') || said('file_id')
    if (name === '') continue
    const url = webUrl(said('url') || undefined)
    const title = said('title') || (url ? url.host + url.pathname.replace(/\/$/, '') : name)
    const source = byKey.get(name) ?? { place: byKey.size + 1, title, url, snippet: snippetOf(said('content')) }
    byKey.set(name, source)
    const range = rangeOf(annotation, text)
    if (!range) continue
    const key = `${source.place} ${range.at}`
    const from = isLinkTo(said('url'), text.slice(range.from, range.at)) ? withSpaceBefore(range.from, text) : undefined
    if (marks.has(key)) continue
    marks.set(key, { key, at: range.at, ...(from !== undefined && { from }) })
    cited.set(key, source)
  }
  return { sources: [...byKey.values()], marks: [...marks.values()], cited }
}

/** Offsets count UTF-16 units. Many providers send zeros where they know none. */
function rangeOf(annotation: JsonObject, text: string): { from: number; at: number } | null {
  const { start_index: from, end_index: end, index } = annotation
  const fits = (at: unknown): at is number =>
    Number.isInteger(at) && (at as number) > 0 && (at as number) <= text.length
  if (fits(end))
    return Number.isInteger(from) && (from as number) >= 0 && (from as number) < end
      ? { from: from as number, at: end }
      : null
  // Some give the place of the file in a list there: within a word it is none of the text.
  if (fits(index) && !/^[\p{L}\p{N}]{2}$/u.test(text.slice(index - 1, index + 1))) return { from: index, at: index }
  return null
}

/** Is this a link to the source, and nothing else? The number says the same. */
function isLinkTo(url: string, text: string): boolean {
  return (
    url !== '' &&
    text.includes(`](${url}`) &&
    /^\(?\s*\[[^\]]*\]\]?\([^\s()]*(?:\([^\s()]*\)[^\s()]*)*\)\s*\)?$/.test(text)
  )
}

function withSpaceBefore(from: number, text: string): number {
  let start = from
  while (text[start - 1] === ' ') start -= 1
  return start
}

/** So much of what a source says is shown. */
const snippetLength = 280

export function snippetOf(text: string): string {
  const plain = text.slice(0, 2 * snippetLength).replaceAll(/\s+/g, ' ')
  return plain.length > snippetLength ? `${plain.slice(0, snippetLength)} …` : plain
}
