/** Items of the Responses API that hold text: a block for each part, opened by its first character. */
import { cleanJson, type JsonObject } from '../../shared/schema.ts'
import type { ProviderEvent } from './events.ts'
import { isFields, placeOf, type Fields } from './frames.ts'
import { mediaOf } from './media.ts'
import { thoughtsOf } from './chat-reasoning.ts'

interface Part {
  key: string
  kind: 'text' | 'refusal'
  text: string
  hasAnnotations: boolean
}

/** A message: its parts are texts and refusals. */
export class MessageItem {
  readonly #events: ProviderEvent[]
  readonly #index: number
  /** By its place, whatever number that is. */
  readonly #parts = new Map<number, Part>()
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
    const part = this.#parts.get(placeOf(event.content_index)) ?? this.#open(event.content_index, kind)
    part.text += text
    this.#events.push({ type: 'delta', key: part.key, field: 'text', text })
  }

  /** The whole text of a part, for servers that send no deltas, or not all. */
  whole(index: unknown, kind: Part['kind'], text: unknown): void {
    const came = this.#parts.get(placeOf(index))?.text ?? ''
    if (typeof text !== 'string' || !text.startsWith(came)) return
    this.grow({ content_index: index, delta: text.slice(came.length) }, kind)
  }

  annotate(index: unknown, annotation: unknown): void {
    if (!isFields(annotation) || this.#closed) return
    const part = this.#parts.get(placeOf(index)) ?? this.#open(index, 'text')
    part.hasAnnotations = true
    this.#events.push({ type: 'annotation', key: part.key, annotation: cleanJson(annotation) as JsonObject })
  }

  done(item: Fields): void {
    const content = Array.isArray(item.content) ? item.content : []
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

  /** A part that has come whole. */
  wholePart(index: unknown, part: Fields): void {
    const type = String(part.type ?? '')
    if (type === 'refusal') return this.whole(index, 'refusal', part.refusal)
    if (/reason|think/.test(type)) return this.#thoughts(thoughtsOf(part))
    if (/image|file|audio/.test(type) && part.text === undefined) return this.#file(part, type)
    this.whole(index, 'text', part.text ?? part.transcript)
    if (!/text|^$/.test(type)) this.#onUnknown(`content.${type}`)
    if (!Array.isArray(part.annotations) || this.#parts.get(placeOf(index))?.hasAnnotations) return
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
    const media = mediaOf(part, /audio/.test(type) ? 'audio' : /image/.test(type) ? 'image' : 'file')
    if (typeof part.transcript === 'string') this.whole(0, 'text', part.transcript)
    if (!media) return part.transcript === undefined ? this.#onUnknown(`content.${type}`) : undefined
    // It comes with the end of the part, of the item and of the answer.
    const mark = 'url' in media ? media.url : `${media.data.byteLength}`
    if (this.#closed || this.#seen.has(mark)) return
    this.#seen.add(mark)
    const key = `item-${this.#index}-file-${this.#files++}`
    if (!('url' in media)) {
      this.#events.push({ type: 'file', key, ...media })
      return
    }
    const block = { type: 'file' as const, status: 'in_progress' as const, ...media }
    this.#events.push({ type: 'block_start', key, block }, { type: 'block_end', key, status: 'completed' })
  }

  #open(index: unknown, kind: Part['kind']): Part {
    const at = placeOf(index)
    const part: Part = { key: `item-${this.#index}.${at}`, kind, text: '', hasAnnotations: false }
    this.#parts.set(at, part)
    this.#events.push({ type: 'block_start', key: part.key, block: { type: kind, status: 'in_progress' } })
    return part
  }
}

type Origin = 'summary' | 'field'

interface Thoughts {
  key: string
  /** The part that its last character came from. */
  index: number
  text: string
}

/** A reasoning item: its summary is one block, its raw text another, the parts of each set apart by a blank line. */
export class ReasoningItem {
  readonly #events: ProviderEvent[]
  readonly #index: number
  #summary: Thoughts | undefined
  #raw: Thoughts | undefined
  isDone = false
  #closed = false

  constructor(events: ProviderEvent[], index: number) {
    this.#events = events
    this.#index = index
  }

  get isClosed(): boolean {
    return this.#closed
  }

  get text(): string {
    return (this.#summary?.text ?? '') + (this.#raw?.text ?? '')
  }

  get holdsAny(): boolean {
    return this.#summary !== undefined || this.#raw !== undefined
  }

  grow(index: unknown, text: unknown, origin: Origin): void {
    if (typeof text !== 'string' || text === '' || this.#closed) return
    const at = placeOf(index)
    const thoughts = (origin === 'summary' ? this.#summary : this.#raw) ?? this.#open(origin, at)
    if (thoughts.index !== at) {
      thoughts.index = at
      this.#events.push({ type: 'delta', key: thoughts.key, field: 'text', text: '\n\n' })
    }
    thoughts.text += text
    this.#events.push({ type: 'delta', key: thoughts.key, field: 'text', text })
  }

  /** The whole text of a part, for servers that send no deltas. What it has more than they, the item has too. */
  whole(index: unknown, text: unknown, origin: Origin): void {
    const thoughts = origin === 'summary' ? this.#summary : this.#raw
    if (!thoughts || thoughts.index < placeOf(index)) this.grow(index, text, origin)
  }

  done(item: Fields): void {
    this.#wholeParts(item.summary, 'summary')
    this.#wholeParts(item.content, 'field')
    this.isDone = true
    const key = (this.#summary ?? this.#raw)?.key ?? `item-${this.#index}`
    this.#events.push({ type: 'provider_data', key, data: { api: 'responses', item: cleanJson(item) as JsonObject } })
    this.close(item.status !== 'incomplete')
  }

  close(isWhole: boolean): void {
    if (this.#closed) return
    this.#closed = true
    for (const thoughts of [this.#summary, this.#raw]) {
      if (!thoughts) continue
      this.#events.push({
        type: 'block_end',
        key: thoughts.key,
        status: isWhole ? 'completed' : 'incomplete',
        fields: { endedAt: Date.now() },
      })
    }
  }

  #wholeParts(parts: unknown, origin: Origin): void {
    const list: unknown[] = Array.isArray(parts) ? parts : [parts]
    const texts = list.map((part) => thoughtsOf(part))
    const came = (origin === 'summary' ? this.#summary : this.#raw)?.text ?? ''
    if (!texts.join('').startsWith(came)) return
    let left = came.length
    for (const [index, text] of texts.entries()) {
      this.grow(index, text.slice(left), origin)
      left = Math.max(0, left - text.length)
    }
  }

  #open(origin: Origin, index: number): Thoughts {
    const thoughts = { key: `item-${this.#index}-${origin}`, index, text: '' }
    if (origin === 'summary') this.#summary = thoughts
    else this.#raw = thoughts
    this.#events.push({
      type: 'block_start',
      key: thoughts.key,
      block: { type: 'reasoning', status: 'in_progress', origin, startedAt: Date.now() },
    })
    return thoughts
  }
}

/** An item that writes no block, but that the provider wants back. */
export class SilentItem {
  readonly holdsAny = false
  isDone = false
  readonly #events: ProviderEvent[]
  readonly #index: number

  constructor(events: ProviderEvent[], index: number) {
    this.#events = events
    this.#index = index
  }

  done(item: Fields): void {
    this.isDone = true
    const data = { api: 'responses', item: cleanJson(item) as JsonObject }
    this.#events.push({ type: 'provider_data', key: `item-${this.#index}`, data })
  }

  close(): void {}
}
