/** JSON that is read as it comes: no piece of a large body takes longer than its own bytes. */

interface ArrayFrame {
  items: unknown[]
}

interface ObjectFrame {
  fields: Record<string, unknown>
  key: string
}

type Frame = ArrayFrame | ObjectFrame
type Awaited = 'value' | 'first item' | 'first key' | 'key' | 'colon' | 'comma' | 'end'

/** Numbers and words are shorter. */
const maxBareChars = 400

/** What numbers and words are made of: all that is no white space of JSON and no sign of it. */
const bareCharacters = /[^ \n\r\t,:[\]{}"]+/y
/** What ends a string, or may not stand in it as it is. */
// eslint-disable-next-line no-control-regex
const special = /["\\\u0000-\u001f]/g

const escapes = new Map(
  Object.entries({
    '"': '"',
    '\\': '\\',
    '/': '/',
    b: '\b',
    f: '\f',
    n: '\n',
    r: '\r',
    t: '\t',
  }),
)

export class JsonFault extends Error {}

/** Takes a text in pieces; `end` gives the value. Both throw JsonFault, `NaN` and the like not being JSON. */
export class JsonStream {
  readonly #maxDepth: number
  readonly #maxValues: number
  #values = 0
  readonly #stack: Frame[] = []
  #awaits: Awaited = 'value'
  #value: unknown
  /** The string that is being read, as far as it came before this push, in pieces that a push gave each. */
  readonly #before: string[] = []
  /** What this push gave of it. */
  #string: string[] | null = null
  /** An escape whose end has not come. */
  #escape = ''
  /** A number or a word, as far as it came. */
  #bare = ''

  /** @param maxValues lists, objects and fields' values in all: the smallest costs much more memory than its text */
  constructor(maxDepth: number, maxValues: number) {
    this.#maxDepth = maxDepth
    this.#maxValues = maxValues
  }

  push(piece: string): void {
    const text = this.#escape + piece
    this.#escape = ''
    for (let at = 0; at < text.length;)
      at = this.#string ? this.#readString(this.#string, text, at) : this.#read(text, at)
    if (!this.#string?.length) return
    // Between two escapes is a piece; all of a long string would be too many to join at its end.
    this.#before.push(this.#string.join(''))
    this.#string = []
  }

  end(): unknown {
    this.#endBare()
    if (this.#awaits !== 'end' || this.#string) throw new JsonFault('ends in the middle of its JSON.')
    return this.#value
  }

  /** Reads on from `at`, outside of a string; returns where it got to. */
  #read(text: string, at: number): number {
    bareCharacters.lastIndex = at
    const bare = bareCharacters.exec(text)?.[0]
    if (bare !== undefined) {
      this.#takeBare(bare)
      return at + bare.length
    }
    if (this.#bare !== '') this.#endBare()
    const character = text[at]!
    switch (character) {
      case ' ':
      case '\n':
      case '\r':
      case '\t':
        break
      case '"':
        if (this.#awaits === 'colon' || this.#awaits === 'comma' || this.#awaits === 'end') throw unexpected(character)
        this.#string = []
        break
      case '{':
        this.#open({ fields: {}, key: '' }, 'first key')
        break
      case '[':
        this.#open({ items: [] }, 'first item')
        break
      case '}':
        this.#close(this.#awaits === 'first key' || (this.#awaits === 'comma' && 'fields' in this.#stack.at(-1)!), '}')
        break
      case ']':
        this.#close(this.#awaits === 'first item' || (this.#awaits === 'comma' && 'items' in this.#stack.at(-1)!), ']')
        break
      case ',':
        if (this.#awaits !== 'comma') throw unexpected(character)
        this.#awaits = 'fields' in this.#stack.at(-1)! ? 'key' : 'value'
        break
      case ':':
        if (this.#awaits !== 'colon') throw unexpected(character)
        this.#awaits = 'value'
        break
    }
    return at + 1
  }

  #takeBare(text: string): void {
    if (this.#awaits !== 'value' && this.#awaits !== 'first item') throw unexpected(text.slice(0, 8))
    this.#bare += text
    if (this.#bare.length > maxBareChars) throw unexpected(this.#bare.slice(0, 8))
  }

  #readString(pieces: string[], text: string, at: number): number {
    special.lastIndex = at
    const found = special.exec(text)
    const end = found?.index ?? text.length
    if (end > at) pieces.push(text.slice(at, end))
    if (!found) return end
    if (found[0] === '"') {
      this.#string = null
      const all = this.#before.length === 0 ? pieces : [...this.#before.splice(0), ...pieces]
      this.#said(all.length === 1 ? all[0]! : all.join(''))
      return end + 1
    }
    if (found[0] !== '\\') throw new JsonFault('holds a line break or another control character within a string.')
    const length = text[end + 1] === 'u' ? 6 : 2
    if (end + length > text.length) {
      this.#escape = text.slice(end)
      return text.length
    }
    pieces.push(unescaped(text.slice(end + 1, end + length)))
    return end + length
  }

  #said(text: string): void {
    if (this.#awaits === 'value' || this.#awaits === 'first item') return this.#add(text)
    ;(this.#stack.at(-1) as ObjectFrame).key = text
    this.#awaits = 'colon'
  }

  #endBare(): void {
    if (this.#bare === '') return
    let value: unknown
    try {
      value = JSON.parse(this.#bare)
    } catch {
      throw unexpected(this.#bare.slice(0, 8))
    }
    this.#bare = ''
    if (typeof value === 'number' && !Number.isFinite(value)) throw new JsonFault('holds a number that is too large.')
    this.#add(value)
  }

  #open(frame: Frame, awaits: Awaited): void {
    const value = 'items' in frame ? frame.items : frame.fields
    if (this.#awaits !== 'value' && this.#awaits !== 'first item') throw unexpected('items' in frame ? '[' : '{')
    if (this.#stack.length === this.#maxDepth) throw new JsonFault(`is nested deeper than ${this.#maxDepth} levels.`)
    this.#add(value)
    this.#stack.push(frame)
    this.#awaits = awaits
  }

  #close(isPossible: boolean, character: string): void {
    if (!isPossible) throw unexpected(character)
    this.#stack.pop()
    this.#awaits = this.#stack.length > 0 ? 'comma' : 'end'
  }

  #add(value: unknown): void {
    if (++this.#values > this.#maxValues) throw new JsonFault(`holds more than ${this.#maxValues} values.`)
    const frame = this.#stack.at(-1)
    this.#awaits = frame ? 'comma' : 'end'
    if (!frame) this.#value = value
    else if ('items' in frame) frame.items.push(value)
    // As a field of its own, as `JSON.parse` makes it.
    else if (frame.key === '__proto__')
      Object.defineProperty(frame.fields, frame.key, { value, enumerable: true, writable: true, configurable: true })
    else frame.fields[frame.key] = value
  }
}

function unescaped(escape: string): string {
  const plain = escapes.get(escape[0]!)
  if (plain !== undefined) return plain
  if (!/^u[\da-f]{4}$/i.test(escape)) throw unexpected(`\\${escape}`)
  return String.fromCharCode(Number.parseInt(escape.slice(1), 16))
}

function unexpected(text: string): JsonFault {
  return new JsonFault(`is no JSON: ${JSON.stringify(text)} is unexpected in it.`)
}
