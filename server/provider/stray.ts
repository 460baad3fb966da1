import { JsonEnd } from './json-end.ts'

/**
 * Lines that stand in a stream without a frame around them: some servers write
 * an error there, or all of their answer, on one line or on many.
 */
export class StrayLines {
  #json = ''
  #end = new JsonEnd()
  readonly #maxChars: number

  /** @param maxChars a JSON text that is longer is none */
  constructor(maxChars: number) {
    this.#maxChars = maxChars
  }

  /** The JSON text that this line ends, if it ends one; `undefined` while it may go on, `null` for a line of words. */
  push(line: string): string | null | undefined {
    if (this.#json === '' && !/^\s*[[{]/.test(line)) return null
    if (this.#json.length + line.length > this.#maxChars) {
      this.clear()
      return null
    }
    const piece = this.#json === '' ? line : `\n${line}`
    this.#json += piece
    this.#end.push(piece)
    if (!this.#end.isWhole(this.#json)) return undefined
    const whole = this.#json
    this.clear()
    return whole
  }

  /** A frame came: what has begun is none. */
  clear(): void {
    if (this.#json === '') return
    this.#json = ''
    this.#end = new JsonEnd()
  }
}
