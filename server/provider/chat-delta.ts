/** What stands where in a Chat Completions delta: every server has a way of its own. */
import { cleanJson, type Json, type JsonObject, type NewBlock } from '../../shared/schema.ts'
import { isFields, type Fields } from './frames.ts'

/** Where a server puts its model's thoughts. Some fill several fields with the same text: the first one counts. */
export type ReasoningField = 'reasoning_content' | 'reasoning' | 'reasoning_details' | 'content'

interface FoundReasoning {
  field: ReasoningField
  text: string
  isSummary: boolean
}

/** The thoughts in a delta; null if there are none, or none in the field that this stream uses. */
export function reasoningOf(delta: Fields, field: ReasoningField | null): FoundReasoning | null {
  if (field === null) {
    return (
      reasoningOf(delta, 'reasoning_content') ??
      reasoningOf(delta, 'reasoning') ??
      reasoningOf(delta, 'reasoning_details') ??
      reasoningOf(delta, 'content')
    )
  }
  const value = delta[field]
  if (!value) return null
  const text =
    typeof value === 'string'
      ? field === 'content'
        ? ''
        : value
      : Array.isArray(value)
        ? partsText(value, field === 'content' ? 'thinking' : 'reasoning.')
        : ''
  if (text === '') return null
  return { field, text, isSummary: isSummary(delta.reasoning_details) }
}

/** The text parts of a content that is a list of parts. */
export function textOf(parts: readonly unknown[]): string {
  return partsText(parts, 'text')
}

function partsText(parts: readonly unknown[], type: string): string {
  let text = ''
  for (const part of parts) {
    if (!isFields(part) || !String(part.type).startsWith(type)) continue
    const value = part.text ?? part.thinking ?? part.summary
    if (typeof value === 'string') text += value
    else if (Array.isArray(value)) text += textOf(value)
  }
  return text
}

function isSummary(details: unknown): boolean {
  return Array.isArray(details) && isFields(details[0]) && details[0].type === 'reasoning.summary'
}

/** An annotation in the shape of the Responses API, its offsets moved to the text block that starts at `start`. */
export function annotationOf(annotation: Fields, start: number): JsonObject {
  const type = String(annotation.type)
  const inner = annotation[type]
  const flat = cleanJson(isFields(inner) ? { type, ...inner } : annotation) as JsonObject
  for (const name of ['start_index', 'end_index']) {
    const index = flat[name]
    if (typeof index === 'number' && index > 0) flat[name] = Math.max(0, index - start)
  }
  return flat
}

/** The pages that a search model answers from, from its last list of results or links. */
export function sourceBlocks(results: unknown): Extract<NewBlock, { type: 'source' }>[] {
  if (!Array.isArray(results)) return []
  return results.flatMap((result) => {
    const { url, title, snippet } = isFields(result) ? result : { url: result, title: undefined, snippet: undefined }
    if (typeof url !== 'string') return []
    return [
      {
        type: 'source',
        status: 'in_progress',
        sourceType: 'url',
        url,
        title: typeof title === 'string' && title !== '' ? title : url,
        ...(typeof snippet === 'string' && snippet !== '' ? { snippet } : {}),
      },
    ]
  })
}

/** `reasoning_details` of a whole answer: gateways want them back as they were, signatures and all. */
export class ReasoningDetails {
  readonly #entries: JsonObject[] = []
  readonly #count: (bytes: number) => void

  /** `count` hears how much more is held until the end of the answer, and throws where that is too much. */
  constructor(count: (bytes: number) => void) {
    this.#count = count
  }

  add(details: unknown): void {
    if (!Array.isArray(details)) return
    for (const entry of details) {
      if (!isFields(entry)) continue
      this.#count(JSON.stringify(entry).length)
      this.#add(entry as JsonObject)
    }
  }

  /** The entries, if there is anything in them that only the provider can read. */
  wanted(): Json[] | null {
    return this.#entries.some((entry) => entry.data || entry.signature) ? this.#entries : null
  }

  #add(entry: JsonObject): void {
    const last = this.#entries.at(-1)
    if (!last || entry.data || last.data || last.type !== entry.type || last.index !== entry.index) {
      this.#entries.push({ ...entry })
      return
    }
    for (const [name, value] of Object.entries(entry)) {
      if (name === 'text' || name === 'summary') last[name] = String(last[name] ?? '') + String(value ?? '')
      else if (value) last[name] = value
    }
  }
}
