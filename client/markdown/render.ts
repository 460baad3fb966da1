import { GrowingMarkdown } from '../../shared/markdown/markdown.ts'
import type { MarkdownOptions } from '../../shared/markdown/spans.ts'
import { MarkdownView, type MarkdownParts } from './dom.ts'

/** A text on the page. What changes within one frame is read and shown once, at its end. */
export interface RenderedMarkdown {
  append(text: string): void
  /** From offset `from` (UTF-16) on, the text now reads `text`: takes a client's `TextChange`. */
  replaceFrom(from: number, text: string): void
  /** The whole text. What it has in common with the one before, from its beginning, is not read again. */
  set(text: string): void
  /** The text is whole: shown at once, its marks mean what they say. It may still change. */
  end(): void
  /** Takes what is shown off the page. Nothing is shown afterwards. */
  destroy(): void
}

/** Shows Markdown that grows in an element that is empty. */
export function renderMarkdown(
  element: HTMLElement,
  options: MarkdownOptions & MarkdownParts & { text?: string } = {},
): RenderedMarkdown {
  const markdown = new GrowingMarkdown(options)
  const view = new MarkdownView(element, options)
  const page = element.ownerDocument.defaultView
  let text = ''
  let changedFrom = 0
  let frame: number | undefined
  let isOver = false

  const show = () => {
    if (frame !== undefined) page?.cancelAnimationFrame(frame)
    frame = undefined
    if (changedFrom < text.length || changedFrom < markdown.text.length)
      view.update(markdown.replaceFrom(changedFrom, text.slice(changedFrom)))
    changedFrom = text.length
  }
  const replaceFrom = (from: number, more: string) => {
    if (isOver) return
    const at = Math.min(from, text.length)
    changedFrom = Math.min(changedFrom, at)
    text = at === text.length ? text + more : text.slice(0, at) + more
    // A document without a window has no frames.
    if (page === null) show()
    else frame ??= page.requestAnimationFrame(show)
  }

  replaceFrom(0, options.text ?? '')
  show()
  return {
    append: (more) => replaceFrom(text.length, more),
    replaceFrom,
    set: (whole) => {
      const from = commonLength(text, whole)
      if (from < text.length || from < whole.length) replaceFrom(from, whole.slice(from))
    },
    end: () => {
      if (isOver) return
      show()
      view.update(markdown.end())
    },
    destroy: () => {
      if (isOver) return
      isOver = true
      if (frame !== undefined) page?.cancelAnimationFrame(frame)
      element.replaceChildren()
    },
  }
}

function commonLength(one: string, other: string): number {
  if (other.startsWith(one)) return one.length
  let length = 0
  while (length < other.length && one[length] === other[length]) length += 1
  return length
}
