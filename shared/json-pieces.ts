/** A piece has about so many characters: small beside what one turn of an event loop may take. */
import { isHigh } from './surrogates.ts'
const pieceLength = 16_384

/**
 * The JSON text of a value, as `JSON.stringify` writes it, in pieces: what is
 * large is written, hashed or sent without ever being one string. `canonical`:
 * its form of RFC 8785, keys in order; a lone surrogate has none, it throws.
 *
 * The value must be plain JSON and not change meanwhile: what Yjs hands out by `toJSON` does not.
 */
export function* jsonPieces(value: unknown, form: 'canonical' | 'as it is' = 'as it is'): Generator<string, void> {
  const writer = new PieceWriter(form === 'canonical')
  yield* writer.write(value)
  yield writer.text
}

class PieceWriter {
  text = ''
  readonly #canonical: boolean

  constructor(canonical: boolean) {
    this.#canonical = canonical
  }

  *write(value: unknown): Generator<string, void> {
    if (typeof value === 'string') yield* this.#string(value)
    else if (Array.isArray(value)) yield* this.#array(value)
    else if (typeof value === 'object' && value !== null) yield* this.#object(value as Record<string, unknown>)
    else this.text += JSON.stringify(value) ?? 'null'
  }

  *#array(items: readonly unknown[]): Generator<string, void> {
    this.text += '['
    for (let i = 0; i < items.length; i++) {
      if (i > 0) this.text += ','
      yield* this.write(items[i])
      if (this.text.length >= pieceLength) yield this.#take()
    }
    this.text += ']'
  }

  *#object(object: Record<string, unknown>): Generator<string, void> {
    let before = '{'
    for (const key of this.#canonical ? Object.keys(object).sort() : Object.keys(object)) {
      const value = object[key]
      if (value === undefined) continue
      this.text += before
      before = ','
      yield* this.#string(key)
      this.text += ':'
      // Most fields are short: they need no generator of their own.
      if (typeof value === 'string' && value.length < pieceLength) this.#short(value)
      else yield* this.write(value)
      if (this.text.length >= pieceLength) yield this.#take()
    }
    this.text += before === '{' ? '{}' : '}'
  }

  *#string(text: string): Generator<string, void> {
    if (text.length < pieceLength) return this.#short(text)
    this.text += '"'
    for (let start = 0, end; start < text.length; start = end) {
      end = Math.min(start + pieceLength, text.length)
      // A surrogate pair stays together.
      if (end < text.length && isHigh(text.charCodeAt(end - 1))) end -= 1
      this.text += this.#quoted(text.slice(start, end)).slice(1, -1)
      yield this.#take()
    }
    this.text += '"'
  }

  #short(text: string): void {
    this.text += this.#quoted(text)
  }

  #quoted(text: string): string {
    if (this.#canonical && !text.isWellFormed()) throw new Error('A lone surrogate has no canonical form.')
    return JSON.stringify(text)
  }

  #take(): string {
    const { text } = this
    this.text = ''
    return text
  }
}
