import { stretchesIn } from './stretches.ts'

/** Keeps what a reader looks at in its place when something above or below changes. Browsers do this themselves, but not all of them, and not at the very top. */
export class Anchor {
  readonly #element: Element | null
  /** From the upper edge of the scroller to that of the element. */
  readonly #offset: number

  private constructor(element: Element | null, offset: number) {
    this.#element = element
    this.#offset = offset
  }

  /** Keeps an element this many pixels below the upper edge. */
  static of(element: Element, offset: number): Anchor {
    return new Anchor(element, offset)
  }

  /** Keeps the topmost element in view. */
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

  /** Keeps the same element after a move while it is in view, because elements that came into view above it may be higher or lower than was guessed. */
  movedIn(scroller: Element, column: Element): Anchor {
    const view = scroller.getBoundingClientRect()
    if (this.#element && column.contains(this.#element)) {
      const { top } = this.#element.getBoundingClientRect()
      if (top >= view.top && top < view.bottom) return new Anchor(this.#element, top - view.top)
    }
    return Anchor.at(scroller, column)
  }

  /** Moves it back to its place. */
  hold(scroller: Element, column: Element): void {
    if (!this.#element || !column.contains(this.#element)) return
    const moved = this.#element.getBoundingClientRect().top - scroller.getBoundingClientRect().top - this.#offset
    if (Math.abs(moved) >= 1) scroller.scrollTop += moved
  }
}

/** The first of these elements, from top to bottom, that is not entirely above `y`. */
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
