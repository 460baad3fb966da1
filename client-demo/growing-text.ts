import { element } from './dom.ts'

/** A paragraph this long ends at its next line break: what a browser lays out anew for a token stays small. */
const paragraphLength = 2_000

/**
 * Text that grows at its end at the cost of what is added. Its paragraphs end
 * with their line break, so `textContent` is the text itself.
 */
export class GrowingText {
  readonly element: HTMLElement
  #paragraphs: Text[] = []

  constructor(text: string, className = 'growing') {
    this.element = element('div', { class: className })
    this.#append(text)
  }

  /** From offset `from` on, the text now reads `text`. */
  replaceFrom(from: number, text: string): void {
    let start = this.#paragraphs.reduce((length, paragraph) => length + paragraph.length, 0)
    while (start > from) {
      const last = this.#paragraphs.at(-1)!
      start -= last.length
      if (start >= from) {
        last.parentElement!.remove()
        this.#paragraphs.pop()
      } else {
        last.deleteData(from - start, last.length)
        break
      }
    }
    this.#append(text)
  }

  #append(text: string): void {
    for (let rest = text; rest !== '';) {
      const last = this.#paragraphs.at(-1)
      const paragraph =
        last && !(last.length >= paragraphLength && last.data.endsWith('\n')) ? last : this.#newParagraph()
      const lineBreak = rest.indexOf('\n', Math.max(0, paragraphLength - paragraph.length))
      const end = lineBreak === -1 ? rest.length : lineBreak + 1
      paragraph.appendData(rest.slice(0, end))
      rest = rest.slice(end)
    }
  }

  #newParagraph(): Text {
    const paragraph = document.createTextNode('')
    this.element.append(element('div', {}, paragraph))
    this.#paragraphs.push(paragraph)
    return paragraph
  }
}
