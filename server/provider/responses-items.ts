/** Items of the Responses API that hold text: a block for each part, opened by its first character. */
import { cleanJson, type JsonObject } from '../../shared/schema.ts'
import type { ProviderEvent } from './events.ts'
import { isFields, placeOf, type Fields } from './frames.ts'

interface Part {
  key: string
  kind: 'text' | 'refusal'
  hasText: boolean
  hasAnnotations: boolean
}

/** A message: its parts are texts and refusals. */
export class MessageItem {
  readonly #events: ProviderEvent[]
  readonly #index: number
  /** By its place, whatever number that is. */
  readonly #parts = new Map<number, Part>()
  #closed = false

  constructor(events: ProviderEvent[], index: number) {
    this.#events = events
    this.#index = index
  }

  grow(event: Fields, kind: Part['kind']): void {
    const text = event.delta
    if (typeof text !== 'string' || text === '' || this.#closed) return
    const part = this.#parts.get(placeOf(event.content_index)) ?? this.#open(event.content_index, kind)
    part.hasText = true
    this.#events.push({ type: 'delta', key: part.key, field: 'text', text })
  }

  /** The whole text of a part, for servers that send no deltas. */
  whole(index: unknown, kind: Part['kind'], text: unknown): void {
    if (this.#parts.get(placeOf(index))?.hasText) return
    this.grow({ content_index: index, delta: text }, kind)
  }

  annotate(index: unknown, annotation: unknown): void {
    if (!isFields(annotation) || this.#closed) return
    const part = this.#parts.get(placeOf(index)) ?? this.#open(index, 'text')
    part.hasAnnotations = true
    this.#events.push({ type: 'annotation', key: part.key, annotation: cleanJson(annotation) as JsonObject })
  }

  done(item: Fields): void {
    const content = Array.isArray(item.content) ? item.content : []
    for (const [index, part] of content.entries()) if (isFields(part)) this.#donePart(index, part)
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

  #donePart(index: number, part: Fields): void {
    if (part.type === 'refusal') return this.whole(index, 'refusal', part.refusal)
    this.whole(index, 'text', part.text)
    if (!Array.isArray(part.annotations) || this.#parts.get(index)?.hasAnnotations) return
    for (const annotation of part.annotations) this.annotate(index, annotation)
  }

  #open(index: unknown, kind: Part['kind']): Part {
    const at = placeOf(index)
    const part: Part = { key: `item-${this.#index}.${at}`, kind, hasText: false, hasAnnotations: false }
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
}

/** A reasoning item: its summary is one block, its raw text another, the parts of each set apart by a blank line. */
export class ReasoningItem {
  readonly #events: ProviderEvent[]
  readonly #index: number
  #summary: Thoughts | undefined
  #raw: Thoughts | undefined
  #closed = false

  constructor(events: ProviderEvent[], index: number) {
    this.#events = events
    this.#index = index
  }

  grow(index: unknown, text: unknown, origin: Origin): void {
    if (typeof text !== 'string' || text === '' || this.#closed) return
    const at = placeOf(index)
    const thoughts = (origin === 'summary' ? this.#summary : this.#raw) ?? this.#open(origin, at)
    if (thoughts.index !== at) {
      thoughts.index = at
      this.#events.push({ type: 'delta', key: thoughts.key, field: 'text', text: '\n\n' })
    }
    this.#events.push({ type: 'delta', key: thoughts.key, field: 'text', text })
  }

  /** The whole text of a part, for servers that send no deltas. */
  whole(index: unknown, text: unknown, origin: Origin): void {
    const thoughts = origin === 'summary' ? this.#summary : this.#raw
    if (!thoughts || thoughts.index < placeOf(index)) this.grow(index, text, origin)
  }

  done(item: Fields): void {
    if (!this.#summary) this.#wholeParts(item.summary, 'summary')
    if (!this.#raw) this.#wholeParts(item.content, 'field')
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
    if (!Array.isArray(parts)) return
    for (const [index, part] of parts.entries()) if (isFields(part)) this.grow(index, part.text, origin)
  }

  #open(origin: Origin, index: number): Thoughts {
    const thoughts = { key: `item-${this.#index}-${origin}`, index }
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
  readonly #events: ProviderEvent[]
  readonly #index: number

  constructor(events: ProviderEvent[], index: number) {
    this.#events = events
    this.#index = index
  }

  done(item: Fields): void {
    const data = { api: 'responses', item: cleanJson(item) as JsonObject }
    this.#events.push({ type: 'provider_data', key: `item-${this.#index}`, data })
  }

  close(): void {}
}
