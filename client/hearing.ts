/** On which channel of which line each document is heard. While one line takes the place of another, there are two. */
export class Hearing<Document> {
  readonly #lines = new Map<number, Map<number, Document>>()
  readonly #places = new Map<Document, { line: number; channel: number }>()

  at(line: number, channel: number): Document | undefined {
    return this.#lines.get(line)?.get(channel)
  }

  hear(document: Document, line: number, channel: number): void {
    this.unhear(document)
    const channels = this.#lines.get(line) ?? new Map<number, Document>()
    this.#lines.set(line, channels.set(channel, document))
    this.#places.set(document, { line, channel })
  }

  /** Until it is heard again its frames are nobody's. */
  unhear(document: Document): void {
    const place = this.#places.get(document)
    if (place) this.#lines.get(place.line)?.delete(place.channel)
    this.#places.delete(document)
  }

  /** No other line is heard any more. */
  only(line: number): void {
    for (const number of this.#lines.keys()) if (number !== line) this.#lines.delete(number)
  }

  clear(): void {
    this.#lines.clear()
    this.#places.clear()
  }
}
