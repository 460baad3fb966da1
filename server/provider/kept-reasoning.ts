/**
 * Reasoning that a provider wants back with the calls it led to. How it goes
 * back is decided by how it came: in the fields and the shapes of that stream.
 *
 * What a signature covers is kept as it came, and goes back as it came. Of all
 * else only the shape is kept, with null where the text stands: that is in the
 * block, as filters have left it.
 */
import { cleanJson, type Json, type JsonObject } from '../../shared/schema.ts'
import { reasoningFields } from './chat-reasoning.ts'
import { isFields, type Fields } from './frames.ts'

const thoughtPart = /^(?:redacted_)?(?:thinking|thought|reasoning)/
const textMembers = ['text', 'thinking', 'summary', 'content', 'reasoning']

/** Of a content with tags, this much is looked at on both sides of the thoughts. */
const edgeChars = 2_048
const openingTag = /^\s*[<[][^<>[\]\s]{1,40}[>\]]\s*/
const closingTag = /\s*[<[]\/?[^<>[\]\s]{1,40}[>\]]\s*$/

/** What is kept beside the block: `signed` as it came, `shape` to be filled with the text. */
export interface ReasoningShape {
  signed?: JsonObject
  shape?: JsonObject
}

/** Follows one answer. */
export class KeptReasoning {
  /** All of it, for the case that a filter leaves its block out. */
  text = ''
  readonly #maxChars: number
  readonly #count: (bytes: number) => void
  readonly #strings = new Set<string>()
  readonly #lists = new Map<string, Entries>()
  #inTags = false
  #head = ''
  #tail = ''

  /** `count` hears how much more is held until the end of the answer, and throws where that is too much. */
  constructor(count: (bytes: number) => void, maxChars = Infinity) {
    this.#count = count
    this.#maxChars = maxChars
  }

  /** A delta, whatever is in it. */
  delta(delta: Fields): void {
    for (const field of reasoningFields) {
      const value = delta[field]
      if (typeof value === 'string') {
        if (value !== '') this.#strings.add(field)
      } else if (value) this.#entries(field, value)
    }
    if (Array.isArray(delta.content))
      this.#entries(
        'content',
        delta.content.filter((part) => isFields(part) && thoughtPart.test(String(part.type))),
      )
  }

  /** Text of which a tag may begin or end the thoughts. `answer`: what of it, at its end, is none. */
  content(raw: string, answer: string): void {
    if (this.#head.length < edgeChars) this.#head = (this.#head + raw).slice(0, edgeChars)
    this.#tail = (this.#tail + raw).slice(-edgeChars - answer.length)
    if (answer !== '') this.#tail = this.#tail.slice(0, -answer.length)
  }

  /** Thoughts that are shown. */
  shown(text: string, origin: string): void {
    if (origin === 'tag') this.#inTags = true
    if (this.text.length <= this.#maxChars) this.text += text
  }

  /** Null: there was none. */
  wanted(): ReasoningShape | null {
    const signed: JsonObject = {}
    const shape: JsonObject = {}
    for (const field of this.#strings) shape[field] = null
    for (const [field, entries] of this.#lists) {
      if (entries.isSigned) signed[field] = entries.whole
      else if (entries.shape !== undefined) shape[field] = entries.shape
    }
    if (this.#inTags) shape.tags = this.#tags()
    const any = { ...(hasFields(signed) && { signed }), ...(hasFields(shape) && { shape }) }
    return hasFields(any) ? any : null
  }

  /** What stood before the thoughts, null in their place, and what stood behind them. */
  #tags(): Json[] {
    const opening = openingTag.exec(this.#head)?.[0] ?? ''
    const closing = closingTag.exec(this.#tail)?.[0] ?? '\n</think>\n\n'
    // Thoughts that nothing has opened were shown as text, with the white space at their end.
    return [opening, null, opening === '' ? closing.trimStart() : closing]
  }

  #entries(field: string, value: unknown): void {
    let entries = this.#lists.get(field)
    if (!entries) this.#lists.set(field, (entries = new Entries(!Array.isArray(value))))
    for (const entry of Array.isArray(value) ? value : [value]) {
      if (!isFields(entry)) continue
      this.#count(JSON.stringify(entry).length)
      entries.add(cleanJson(entry) as JsonObject)
    }
  }
}

/** Structured thoughts of a whole answer, their fragments put together. */
class Entries {
  readonly #isOne: boolean
  readonly #entries: JsonObject[] = []

  constructor(isOne: boolean) {
    this.#isOne = isOne
  }

  add(entry: JsonObject): void {
    const last = this.#entries.at(-1)
    if (!last || entry.data || last.data || last.type !== entry.type || last.index !== entry.index || isOver(last)) {
      this.#entries.push({ ...entry })
      return
    }
    for (const [name, value] of Object.entries(entry)) {
      if (textMembers.includes(name) && typeof value === 'string')
        last[name] = (typeof last[name] === 'string' ? last[name] : '') + value
      else if (Array.isArray(value) && Array.isArray(last[name])) for (const part of value) last[name].push(part)
      else if (value) last[name] = value
    }
  }

  /** There is something in it that only the provider can read. */
  get isSigned(): boolean {
    return this.#entries.some((entry) => entry.data || entry.signature)
  }

  get whole(): Json {
    return this.#isOne ? (this.#entries[0] ?? null) : this.#entries
  }

  /** Its first entry that has a text, with null in the place of that. */
  get shape(): Json | undefined {
    for (const entry of this.#entries) {
      const emptied = withoutText(entry)
      if (emptied) return this.#isOne ? emptied : [emptied]
    }
    return undefined
  }
}

/** A signature comes last. */
function isOver({ type, signature }: JsonObject): boolean {
  return type === 'thinking' && Boolean(signature)
}

function withoutText(entry: JsonObject): JsonObject | undefined {
  const name = textMembers.find((member) => textOf(entry[member]) !== '')
  if (name === undefined) return undefined
  const rest = Object.entries(entry).filter(
    ([member, value]) => value !== null && !(member !== name && textMembers.includes(member)),
  )
  return {
    ...Object.fromEntries(rest),
    [name]: Array.isArray(entry[name]) ? [{ ...(entry[name][0] as JsonObject), text: null }] : null,
  }
}

function textOf(value: Json | undefined): string {
  if (typeof value === 'string') return value
  if (!Array.isArray(value)) return ''
  return value.map((part) => (isFields(part) && typeof part.text === 'string' ? part.text : '')).join('')
}

/** A shape with the text in its place. */
export function filled(shape: Json, text: string): Json {
  if (shape === null) return text
  if (Array.isArray(shape)) return shape.map((item) => filled(item, text))
  if (!isFields(shape)) return shape
  return Object.fromEntries(Object.entries(shape as JsonObject).map(([name, value]) => [name, filled(value, text)]))
}

function hasFields(object: object): boolean {
  return Object.keys(object).length > 0
}
