import { isObject } from './json.ts'
import { RunnelError } from './errors.ts'
import { isWhole } from './wire.ts'

/** The fields of a JSON object that somebody else sent. Every reader throws `bad_request` with the field that is wrong. */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>

  private constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values
  }

  static parse(text: string): Fields {
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (error) {
      throw new RunnelError('bad_request', 'A text frame is no JSON.', { cause: error })
    }
    if (!isObject(value)) throw wrong('message', 'must be a JSON object')
    return new Fields(value)
  }

  /** `field`: where the value stands. */
  static of(value: unknown, field: string): Fields {
    if (!isObject(value)) throw wrong(field, 'must hold objects')
    return new Fields(value)
  }

  value(field: string): unknown {
    return this.#values[field]
  }

  isAbsent(field: string): boolean {
    return this.#values[field] === undefined
  }

  text(field: string): string {
    const value = this.#values[field]
    if (typeof value !== 'string') throw wrong(field, 'must be a string')
    return value
  }

  optionalText<Field extends string>(field: Field): { [K in Field]?: string } {
    return (this.isAbsent(field) ? {} : { [field]: this.text(field) }) as { [K in Field]?: string }
  }

  whole(field: string, min?: number, max?: number): number {
    const value = this.#values[field]
    if (!isWhole(value, min, max)) throw wrong(field, 'must be a number: whole, and within its bounds')
    return value
  }

  flag(field: string): boolean {
    const value = this.#values[field]
    if (typeof value !== 'boolean') throw wrong(field, 'must be true or false')
    return value
  }

  list(field: string): unknown[] {
    const value = this.#values[field]
    if (!Array.isArray(value)) throw wrong(field, 'must be an array')
    return value
  }

  /** An array of strings. */
  texts(field: string): string[] {
    return this.list(field).map((text) => {
      if (typeof text !== 'string') throw wrong(field, 'must hold strings')
      return text
    })
  }

  fields(field: string): Fields {
    return Fields.of(this.#values[field], field)
  }

  /** Null for a word that this side does not know: of a newer one. */
  known<Word extends string>(field: string, words: readonly Word[]): Word | null {
    const value = this.text(field)
    return words.find((word) => word === value) ?? null
  }

  oneOf<Word extends string>(field: string, words: readonly Word[]): Word {
    const word = this.known(field, words)
    if (word === null) throw wrong(field, `is none of ${words.join(', ')}`)
    return word
  }
}

export function wrong(field: string, what: string): RunnelError {
  return new RunnelError('bad_request', `A message is wrong: ${field} ${what}.`, { details: { field } })
}
