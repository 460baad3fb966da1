/** Messages where a stream should have deltas, or beside them: what of each is news. */
import { holds } from './chat-parts.ts'
import { reasoningFields } from './chat-reasoning.ts'
import { isFields, type Fields } from './frames.ts'

const reasoning = new Set<string>(reasoningFields)
/** What a message says only once more where deltas have said any of it. */
const saidOnce = new Set(['refusal', 'audio', 'annotations', 'function_call'])

/**
 * A message is the whole answer, its next piece, or all that there is so far.
 * Beside deltas it may repeat them, and may hold what they did not.
 */
export class Messages {
  /** Of deltas. */
  #content = ''
  readonly #came = new Set<string>()
  readonly #texts = new Map<string, Growth>()
  readonly #arguments = new Map<string, string>()

  /** Remembers what a delta said. */
  delta(delta: Fields): void {
    if (typeof delta.content === 'string') this.#content += delta.content
    for (const name in delta)
      if (!this.#came.has(name) && holds(delta[name])) this.#came.add(reasoning.has(name) ? 'reasoning' : name)
  }

  /** The message as a delta. */
  news(message: Fields): Fields {
    const news: Fields = {}
    for (const [name, value] of Object.entries(message)) {
      const kind = reasoning.has(name) ? 'reasoning' : name
      const came = this.#came.has(kind)
      if (name === 'content') news.content = this.#newContent(value)
      else if (came && (kind === 'reasoning' || saidOnce.has(name))) continue
      else if (name === 'tool_calls' && Array.isArray(value)) news[name] = this.#newCalls(value, came)
      else if (kind === 'reasoning' && typeof value === 'string') news[name] = this.#growth(name).news(value)
      else news[name] = value
    }
    return news
  }

  /** Nothing more comes: a text that was held for a repetition and is none. */
  rest(): string {
    return this.#texts.get('content')?.rest() ?? ''
  }

  #newContent(content: unknown): unknown {
    if (typeof content === 'string') {
      if (this.#content === '') return this.#came.has('content') ? '' : this.#growth('content').news(content)
      return content.startsWith(this.#content) ? this.#grown(content) : ''
    }
    if (!this.#came.has('content') || !Array.isArray(content)) return this.#came.has('content') ? '' : content
    return content.filter((part) => isFields(part) && /image|audio|video|file/.test(String(part.type)))
  }

  #grown(content: string): string {
    const rest = content.slice(this.#content.length)
    this.#content = content
    return rest
  }

  /** Of calls that came in deltas the same ids say which they are. */
  #newCalls(calls: readonly unknown[], came: boolean): unknown[] {
    if (came) return calls.filter((call) => isFields(call) && typeof call.id === 'string' && call.id !== '')
    return calls.map((call, place) => {
      const called = isFields(call) ? call.function : undefined
      if (!isFields(call) || !isFields(called) || typeof called.arguments !== 'string') return call
      const key = JSON.stringify([call.index ?? place, call.id, called.name])
      const before = this.#arguments.get(key) ?? ''
      const text = called.arguments
      this.#arguments.set(key, text)
      const grows = before !== '' && text.length > before.length && text.startsWith(before)
      return grows ? { ...call, function: { ...called, arguments: text.slice(before.length) } } : call
    })
  }

  #growth(name: string): Growth {
    let growth = this.#texts.get(name)
    if (!growth) this.#texts.set(name, (growth = new Growth()))
    return growth
  }
}

/** A text that comes in pieces, or each time with all that came before: the first that differ say which. */
class Growth {
  #seen = ''
  #repeats = 0
  #comes: 'either' | 'whole' | 'in pieces' = 'either'

  news(text: string): string {
    if (text === '' || this.#comes === 'in pieces') return text
    const seen = this.#seen
    if (seen === '') return (this.#seen = text)
    if (text === seen) {
      this.#repeats += 1
      return ''
    }
    if (text.startsWith(seen)) {
      this.#comes = 'whole'
      this.#seen = text
      return text.slice(seen.length)
    }
    // The last may lack the white space at its end.
    if (this.#comes === 'whole' && seen.startsWith(text)) return ''
    const missed = this.rest(1)
    this.#comes = 'in pieces'
    return missed + text
  }

  /** Said once more it is the whole again; more often it was pieces. */
  rest(least = 2): string {
    if (this.#comes !== 'either' || this.#repeats < least) return ''
    const missed = this.#seen.repeat(this.#repeats)
    this.#repeats = 0
    return missed
  }
}
