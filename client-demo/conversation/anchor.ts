import { stretchesIn } from './stretches.ts'

/** What a reader looks at, and where it stands: what comes above or below moves it nowhere. Browsers do so themselves, but not at the very top, and not all of them. */
export class Anchor {
  readonly #element: Element | null
  /** From the upper edge of what scrolls to that of the element. */
  readonly #offset: number

  private constructor(element: Element | null, offset: number) {
    this.#element = element
    this.#offset = offset
  }

  /** Keeps an element so many pixels below the upper edge. */
  static of(element: Element, offset: number): Anchor {
    return new Anchor(element, offset)
  }

  /** Keeps the uppermost of what is read now. */
  static at(scroller: Element, column: Element): Anchor {
    const { top } = scroller.getBoundingClientRect()
    const stretch = firstBelow(stretchesIn(column), top)
    const message = stretch && firstBelow(stretch.children, top)
    if (!message) return new Anchor(null, 0)
    const box = message.getBoundingClientRect()
    const within =
      box.top < top &&
      document.elementsFromPoint(box.left + box.width / 2, top + 1).find((element) => message.contains(element))
    const element = within || message
    return new Anchor(element, element.getBoundingClientRect().top - top)
  }

  /** Keeps the same after a move, as long as it is in view: what has come into view above it may have another height than was guessed. */
  movedIn(scroller: Element, column: Element): Anchor {
    const view = scroller.getBoundingClientRect()
    if (this.#element && column.contains(this.#element)) {
      const { top } = this.#element.getBoundingClientRect()
      if (top >= view.top && top < view.bottom) return new Anchor(this.#element, top - view.top)
    }
    return Anchor.at(scroller, column)
  }

  /** Puts it back to where it stood. */
  hold(scroller: Element, column: Element): void {
    if (!this.#element || !column.contains(this.#element)) return
    const moved = this.#element.getBoundingClientRect().top - scroller.getBoundingClientRect().top - this.#offset
    if (Math.abs(moved) >= 1) scroller.scrollTop += moved
  }
}

/** Of these, which stand one below the other, the first that is not all above `y`. */
function firstBelow(elements: ArrayLike<Element>, y: number): Element | undefined {
  let from = 0
  let to = elements.length
  while (from < to) {
    const middle = (from + to) >> 1
    if (elements[middle]!.getBoundingClientRect().bottom > y) to = middle
    else from = middle + 1
  }
  return elements[from]
}
