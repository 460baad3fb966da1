import type { TextChange } from '../client/index.ts'
import { TextPieces } from '../client/pieces.ts'
import { element } from './dom.ts'

/** A text on the page that follows its changes. */
export interface Growing {
  readonly element: HTMLElement
  replaceFrom: (from: TextChange['from'], text: TextChange['text']) => void
  /** It is whole. */
  end?: () => void
}

/**
 * Plain text that grows at its end at the cost of what is added: each piece has an element, and what is out of view
 * is not laid out. `textContent` is the text itself.
 */
export class GrowingText implements Growing {
  readonly element: HTMLElement
  readonly #pieces: TextPieces
  /** What stands in the children of the element. */
  readonly #shown: string[] = []

  constructor(text: string, className = 'growing') {
    this.element = element('div', { class: className })
    this.#pieces = new TextPieces(text)
    this.#show(0)
  }

  /** From offset `from` on, the text now reads `text`. */
  replaceFrom(from: number, text: string): void {
    const before = this.#pieces.finished
    this.#pieces.replaceFrom(from, text)
    const { finished } = this.#pieces
    // What is the same object is on the page.
    let same = Math.min(before.length, finished.length)
    while (same > 0 && before[same - 1] !== finished[same - 1]) same -= 1
    this.#show(same)
  }

  #show(from: number): void {
    const { finished, open } = this.#pieces
    const count = finished.length + (open.text === '' ? 0 : 1)
    for (let i = from; i < count; i++) this.#showPiece(i, (finished[i] ?? open).text)
    for (; this.#shown.length > count; this.#shown.pop()) this.element.lastElementChild!.remove()
  }

  #showPiece(index: number, text: string): void {
    const old = this.#shown[index]
    this.#shown[index] = text
    if (old === undefined) return this.element.append(element('div', { class: 'piece' }, text))
    if (old === text) return
    const node = this.element.children[index]!.firstChild as Text
    // A selection in it survives.
    if (text.startsWith(old)) node.appendData(text.slice(old.length))
    else node.data = text
  }
}
