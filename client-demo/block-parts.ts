import type { Api } from '../client/index.ts'
import { MarkdownText } from './growing-markdown.ts'
import { GrowingText, type Growing } from './growing-text.ts'

/** What a block's buttons and files call. */
export interface BlockContext {
  readonly api: Api
  readonly messageId: string
  /** What the chat's documents call whoever looks at the page. */
  readonly myself: Promise<string | undefined>
}

export interface Parts {
  readonly root: HTMLElement
  /** The texts that grow, by field. */
  readonly texts: Map<string, Growing>
  readonly context: BlockContext
}

/** The element of a text that grows. */
export function growing({ texts }: Parts, field: string, text: string): HTMLElement {
  const node = new GrowingText(text)
  texts.set(field, node)
  return node.element
}

/** The same of Markdown. */
export function growingMarkdown({ texts }: Parts, field: string, text: string): HTMLElement {
  const node = new MarkdownText(text)
  texts.set(field, node)
  return node.element
}
