import { GrowingMarkdown, MarkdownView } from '../client/markdown/index.ts'
import { element } from './dom.ts'
import type { Growing } from './growing-text.ts'

/** Markdown on the page, at the cost of what is added. */
export class MarkdownText implements Growing {
  readonly element = element('div', { class: 'growing markdown' })
  readonly #markdown: GrowingMarkdown
  readonly #view = new MarkdownView(this.element)

  constructor(text: string) {
    this.#markdown = new GrowingMarkdown({}, text)
    this.#view.update(this.#markdown.tree)
  }

  replaceFrom(from: number, text: string): void {
    this.#view.update(this.#markdown.replaceFrom(from, text))
  }

  end(): void {
    this.#view.update(this.#markdown.end())
  }
}
