import { piecesOf, wordsOf } from './search-words.ts'

/** A shorter text is one piece. */
const wholeUnits = 8_192
/** Different words of one piece: to write them, or to erase them so that no byte stays, takes some ms. */
const maxWords = 1_000
/** Bytes of different words: of a text that has more, the first ones are found. */
const maxBytes = 900_000
/** What ranks: how often a word is there, up to so many. */
const maxCount = 8

/** Words, and how often they are there. */
export type WordCounts = ReadonlyMap<string, number>

/** Whether a text is short enough to be one piece. */
export function isOnePiece(text: string): boolean {
  return text.length <= wholeUnits
}

/** The words of a text as an index takes them, in pieces that are made one at a time. A word is in the first piece that has it. */
export class IndexPieces {
  readonly #texts: Generator<string>
  readonly #seen = new Set<string>()
  #bytes = 0
  #waiting: [string, number][] = []
  #isRead = false

  constructor(text: string) {
    this.#texts = isOnePiece(text) ? ([text].values() as Generator<string>) : piecesOf(text)
  }

  /** The next piece, which may be empty; null: that was all. */
  next(): WordCounts | null {
    if (this.#waiting.length < maxWords && !this.#isRead) this.#read()
    if (this.#waiting.length === 0 && this.#isRead) return null
    return new Map(this.#waiting.splice(0, maxWords))
  }

  #read(): void {
    const { value: text } = this.#texts.next()
    this.#isRead = text === undefined
    const counts = new Map<string, number>()
    for (const word of wordsOf(text ?? '')) {
      const count = counts.get(word) ?? 0
      if (count === 0 && this.#seen.has(word)) continue
      this.#seen.add(word)
      if (count === 0) this.#bytes += Buffer.byteLength(word)
      counts.set(word, Math.min(count + 1, maxCount))
    }
    for (const entry of counts) this.#waiting.push(entry)
    this.#isRead ||= this.#bytes > maxBytes
  }
}
