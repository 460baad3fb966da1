/** Messages of the Responses API: a block for each part, opened by its first character. */
import { cleanJson, type JsonObject } from '../../shared/schema.ts'
import type { ProviderEvent } from './events.ts'
import { isWhole } from '../../shared/wire.ts'
import { isFields, placeOf, type Fields } from './frames.ts'
import { markOf, mediaEvents, mediaOf, type Media } from './media.ts'
import { thoughtsOf } from './chat-reasoning.ts'

interface Part {
  key: string
  kind: 'text' | 'refusal'
  text: string
  hasAnnotations: boolean
  /** It said where it stands; one that did not stands at the place of the first. */
  hasPlace: boolean
}

const kinds = ['text', 'refusal'] as const

/** A message: its parts are texts and refusals. */
export class MessageItem {
  readonly #events: ProviderEvent[]
  readonly #index: number
  /** By kind and place, whatever number that is. */
  readonly #parts = new Map<string, Part>()
  /** Kinds of which all words have come. */
  readonly #said = new Set<Part['kind']>()
  readonly #onUnknown: (path: string) => void
  isDone = false
  #files = 0
  readonly #seen = new Set<string>()
  #closed = false

  constructor(events: ProviderEvent[], index: number, onUnknown: (path: string) => void) {
    this.#events = events
    this.#index = index
    this.#onUnknown = onUnknown
  }

  get isClosed(): boolean {
    return this.#closed
  }

  get text(): string {
    return [...this.#parts.values()].map(({ text }) => text).join('')
  }

  get holdsAny(): boolean {
    return this.#files > 0 || [...this.#parts.values()].some(({ text }) => text !== '')
  }

  grow(event: Fields, kind: Part['kind']): void {
    const text = event.delta
    if (typeof text !== 'string' || text === '' || this.#closed) return
    const part = this.#partAt(event.content_index, kind) ?? this.#open(event.content_index, kind)
    part.text += text
    this.#events.push({ type: 'delta', key: part.key, field: 'text', text })
  }

  /** The whole text of a part, for servers that send no deltas, or not all. */
  whole(index: unknown, kind: Part['kind'], text: unknown): void {
    if (typeof text !== 'string' || this.#said.has(kind)) return
    const came = (this.#partAt(index, kind) ?? this.#placed(index, kind, text))?.text ?? ''
    if (!text.startsWith(came)) return
    this.grow({ content_index: index, delta: text.slice(came.length) }, kind)
  }

  annotate(index: unknown, annotation: unknown): void {
    if (!isFields(annotation) || this.#closed) return
    const part = this.#partAt(index, 'text') ?? this.#partAt(index, 'refusal') ?? this.#open(index, 'text')
    part.hasAnnotations = true
    this.#events.push({ type: 'annotation', key: part.key, annotation: cleanJson(annotation) as JsonObject })
  }

  done(item: Fields): void {
    const content: unknown[] = Array.isArray(item.content) ? item.content : []
    for (const kind of kinds)
      if (content.map((part) => wordsOf(part, kind)).join('') === this.#textOf(kind)) this.#said.add(kind)
    for (const [index, part] of content.entries()) {
      if (isFields(part)) this.wholePart(index, part)
      else if (typeof part === 'string') this.whole(index, 'text', part)
    }
    if (typeof item.content === 'string') this.whole(0, 'text', item.content)
    this.isDone = true
    if (typeof item.id === 'string') {
      const { type, id, phase } = item
      const data = { api: 'responses', item: cleanJson<unknown>({ type, id, phase }) as JsonObject }
      this.#events.push({
        type: 'provider_data',
        key: [...this.#parts.values()][0]?.key ?? `item-${this.#index}`,
        data,
      })
    }
    this.close(item.status !== 'incomplete')
  }

  close(isWhole: boolean): void {
    if (this.#closed) return
    this.#closed = true
    for (const { key } of this.#parts.values())
      this.#events.push({ type: 'block_end', key, status: isWhole ? 'completed' : 'incomplete' })
  }

  /** What comes behind its end: does it say nothing that did not come? */
  repeats(part: Fields): boolean {
    const media = mediaIn(part)
    if (media) return this.#seen.has(markOf(media))
    const thoughts = isThought(part) ? thoughtsOf(part) : ''
    if (thoughts !== '') return this.#seen.has(thoughts)
    return kinds.every((kind) => this.#textOf(kind).includes(wordsOf(part, kind).trim()))
  }

  hasAnnotations(index: unknown): boolean {
    return this.#partAt(index, 'text')?.hasAnnotations ?? false
  }

  /** A part that has come whole. */
  wholePart(index: unknown, part: Fields): void {
    const type = String(part.type ?? '')
    if (type === 'refusal') return this.whole(index, 'refusal', part.refusal)
    if (isThought(part)) return this.#thoughts(thoughtsOf(part))
    if (isFile(part)) return this.#file(part, type)
    this.whole(index, 'text', part.text ?? part.transcript)
    if (!/text|^$/.test(type)) this.#onUnknown(`content.${type}`)
    if (!Array.isArray(part.annotations) || this.hasAnnotations(index)) return
    for (const annotation of part.annotations) this.annotate(index, annotation)
  }

  /** Thoughts as a part of the message: they come whole. */
  #thoughts(text: string): void {
    if (text === '' || this.#closed || this.#seen.has(text)) return
    this.#seen.add(text)
    const key = `item-${this.#index}-thoughts-${this.#seen.size}`
    const startedAt = Date.now()
    this.#events.push(
      { type: 'block_start', key, block: { type: 'reasoning', status: 'in_progress', origin: 'field', startedAt } },
      { type: 'delta', key, field: 'text', text },
      { type: 'block_end', key, status: 'completed', fields: { endedAt: startedAt } },
    )
  }

  #file(part: Fields, type: string): void {
    const media = mediaIn(part)
    if (typeof part.transcript === 'string') this.whole(0, 'text', part.transcript)
    if (!media) return part.transcript === undefined ? this.#onUnknown(`content.${type}`) : undefined
    // It comes with the end of the part, of the item and of the answer.
    const mark = markOf(media)
    if (this.#closed || this.#seen.has(mark)) return
    this.#seen.add(mark)
    this.#events.push(...mediaEvents(`item-${this.#index}-file-${this.#files++}`, media))
  }

  #textOf(kind: Part['kind']): string {
    return [...this.#parts.values()].map((part) => (part.kind === kind ? part.text : '')).join('')
  }

  #partAt(index: unknown, kind: Part['kind']): Part | undefined {
    return this.#parts.get(nameOf(index, kind))
  }

  /** The part that came without a place, and of which this is the whole. */
  #placed(index: unknown, kind: Part['kind'], whole: string): Part | undefined {
    const part = this.#partAt(0, kind)
    if (!part || part.hasPlace || !whole.startsWith(part.text)) return undefined
    part.hasPlace = true
    this.#parts.delete(nameOf(0, kind))
    this.#parts.set(nameOf(index, kind), part)
    return part
  }

  #open(index: unknown, kind: Part['kind']): Part {
    const key = `item-${this.#index}.${this.#parts.size}`
    const part: Part = { key, kind, text: '', hasAnnotations: false, hasPlace: isWhole(index) }
    this.#parts.set(nameOf(index, kind), part)
    this.#events.push({ type: 'block_start', key, block: { type: kind, status: 'in_progress' } })
    return part
  }
}

function nameOf(index: unknown, kind: Part['kind']): string {
  return `${kind} ${placeOf(index)}`
}

function isThought({ type = '' }: Fields): boolean {
  return /reason|think/.test(String(type))
}

function isFile({ type = '', text }: Fields): boolean {
  return /image|file|audio/.test(String(type)) && text === undefined
}

function mediaIn(part: Fields): Media | null {
  const type = String(part.type)
  if (!isFile(part)) return null
  return mediaOf(part, /audio/.test(type) ? 'audio' : /image/.test(type) ? 'image' : 'file')
}

/** What a part that is given whole says of this kind. */
function wordsOf(part: unknown, kind: Part['kind']): string {
  if (!isFields(part)) return typeof part === 'string' && kind === 'text' ? part : ''
  if (isThought(part)) return ''
  const words = part.type === 'refusal' ? part.refusal : (part.text ?? part.transcript)
  return typeof words === 'string' && (part.type === 'refusal') === (kind === 'refusal') ? words : ''
}
