/** Reasoning of the Responses API, opened by its first character. */
import { cleanJson, type JsonObject } from '../../shared/schema.ts'
import { thoughtsOf } from './chat-reasoning.ts'
import type { ProviderEvent } from './events.ts'
import { placeOf, type Fields } from './frames.ts'

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

  /** A text that is given whole says nothing that did not come. */
  repeats(text: string): boolean {
    return this.text.includes(text.trim())
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
