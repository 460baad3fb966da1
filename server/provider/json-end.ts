/** Longer than any number or word of JSON that stands alone. */
const maxBareChars = 32

/**
 * Says of a JSON text that grows whether it is whole, each character being
 * looked at once. To parse all of it for every piece would cost the square.
 */
export class JsonEnd {
  #depth = 0
  #inString = false
  #escaped = false
  /** `bare`: a number, or a word such as `true`, which only a parser can judge. */
  #state: 'empty' | 'bare' | 'inside' | 'closed' | 'broken' = 'empty'
  #bare = ''
  /** It was looked at by a parser, and was good. */
  #isParsed = false

  push(text: string): void {
    for (let at = 0; at < text.length && this.#state !== 'broken'; at++) this.#take(text[at]!)
  }

  /** `text`: all that came. It is parsed once at the most where it is none. */
  isWhole(text: string): boolean {
    if (this.#state === 'bare') return isJson(this.#bare)
    return this.isClosed(text)
  }

  /** The same of an object, a list or a string: nothing but white space can follow it. */
  isClosed(text: string): boolean {
    if (this.#state !== 'closed') return false
    if (this.#isParsed || isJson(text)) return (this.#isParsed = true)
    this.#state = 'broken'
    return false
  }

  #take(character: string): void {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false
      else if (character === '\\') this.#escaped = true
      else if (character === '"') {
        this.#inString = false
        if (this.#depth === 0) this.#state = 'closed'
      }
      return
    }
    if (character === ' ' || character === '\n' || character === '\r' || character === '\t') {
      if (this.#state === 'bare') this.#bare += character
    } else if (this.#state === 'closed') this.#state = 'broken'
    else if (this.#state === 'inside') this.#inside(character)
    else if (this.#state === 'empty' && '{["'.includes(character)) {
      this.#state = 'inside'
      this.#inside(character)
    } else {
      this.#state = 'bare'
      this.#bare += character
    }
    if (this.#bare.length > maxBareChars) this.#state = 'broken'
  }

  #inside(character: string): void {
    if (character === '"') this.#inString = true
    else if (character === '{' || character === '[') this.#depth += 1
    else if (character === '}' || character === ']') {
      this.#depth -= 1
      if (this.#depth === 0) this.#state = 'closed'
    }
  }
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
