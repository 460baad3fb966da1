import type { JsonObject } from '@runnel/client'
import type { TextMark } from '@runnel/client/react/markdown'
import { chipOf, type SourceBlock } from './listed.ts'
import { referencesIn } from './references.ts'
import { webUrl } from './web-url.ts'

/** A web page or a file that a text cites. */
export interface Source {
  /** From 1, in the order of the text. */
  readonly place: number
  readonly title: string
  readonly url: URL | null
  readonly snippet: string
  /** Its chip on the page, where it stands elsewhere than under the text. */
  readonly chip?: string
}

export interface Citations {
  /** Those that stand under the text, each once. */
  readonly sources: readonly Source[]
  readonly marks: readonly TextMark[]
  /** The sources by the key of their mark. */
  readonly cited: ReadonlyMap<string, Source>
}

/**
 * The sources of a text, and where the text cites them: by the ranges of annotations, in the shapes of the OpenAI Responses API, or, where
 * no annotation has one, by numbers in the text: those of the annotations, or of the sources that are `listed` beside it.
 */
export function citationsOf(
  annotations: readonly JsonObject[],
  text: string,
  listed: readonly SourceBlock[] = [],
): Citations {
  const byKey = new Map<string, Source>()
  /** Each as often as it is cited. */
  const numbered: Source[] = []
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
    numbered.push(source)
    const range = rangeOf(annotation, text)
    if (!range) continue
    const key = `${source.place} ${range.at}`
    const from = isLinkTo(said('url'), text.slice(range.from, range.at)) ? withSpaceBefore(range.from, text) : undefined
    if (marks.has(key)) continue
    marks.set(key, { key, at: range.at, ...(from !== undefined && { from }) })
    cited.set(key, source)
  }
  if (marks.size === 0) {
    const known = numbered.length > 0 ? numbered : listed.map((block, index) => sourceOf(block, index + 1))
    for (const { from, at, numbers } of referencesIn(text, known.length))
      for (const number of numbers) {
        const source = known[number - 1]!
        const key = `${source.place} ${at}`
        marks.set(key, { key, at, from: withSpaceBefore(from, text) })
        cited.set(key, source)
      }
  }
  return { sources: [...byKey.values()], marks: [...marks.values()], cited }
}

/** Does more of the text tell more? Not where each annotation has its range, and all of them lie in what is there. */
export function dependsOnText(annotations: readonly JsonObject[], text: string): boolean {
  if (annotations.length === 0) return true
  const ends = annotations.map((annotation) => Number(annotation['end_index'] ?? annotation['index'] ?? 0))
  return ends.every((end) => end === 0) || ends.some((end) => end > text.length)
}

export function sourceOf({ id, title, url, snippet = '' }: SourceBlock, place: number): Source {
  const parsed = webUrl(url)
  return {
    place,
    title: title || (parsed?.host ?? url ?? ''),
    url: parsed,
    snippet: snippetOf(snippet),
    chip: chipOf(id),
  }
}

/** A search finds so many files where nothing else is asked for, and at the most. */
const usualFiles = 20
const mostFiles = 50

/** Offsets count UTF-16 units. Many providers send zeros if they do not know them. */
function rangeOf(annotation: JsonObject, text: string): { from: number; at: number } | null {
  const { start_index: from, end_index: end, index } = annotation
  const fits = (at: unknown): at is number =>
    Number.isInteger(at) && (at as number) > 0 && (at as number) <= text.length
  if (fits(end))
    return Number.isInteger(from) && (from as number) >= 0 && (from as number) < end
      ? { from: from as number, at: end }
      : null
  return fits(index) && isOffset(index, text) ? { from: index, at: index } : null
}

/** Some give an offset of the text there, some the place of the file in a list. What may be either is taken for neither. */
function isOffset(index: number, text: string): boolean {
  if (index < usualFiles) return false
  const [before, after] = [text.slice(0, index), text.slice(index)]
  if (index < mostFiles)
    return /^(?:[.!?。！？](?:\s|$)|[ \t]*(?:\n|$))/.test(after) || (/[.!?。！？]$/.test(before) && /^\s/.test(after))
  return !/[\p{L}\p{N}]$/u.test(before) || !/^[\p{L}\p{N}]/u.test(after)
}

/** Whether this is only a link to the source. The number says the same, so the link is left out. */
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

/** At most this much of a source's text is shown. */
const snippetLength = 280

export function snippetOf(text: string): string {
  const plain = text.slice(0, 2 * snippetLength).replaceAll(/\s+/g, ' ')
  return plain.length > snippetLength ? `${plain.slice(0, snippetLength)} …` : plain
}
