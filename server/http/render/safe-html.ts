import { parseMarkdown } from '../../../shared/markdown/markdown.ts'
import { safeUrl as followable } from '../../../shared/markdown/nodes.ts'
import { markdownHtml } from '../../../shared/markdown/serialize.ts'

/** HTML of Markdown that anybody may have written, with nothing active in it and every tag closed. Images are links. */
export function safeHtml(markdown: string): string {
  return markdownHtml(parseMarkdown(markdown))
}

/** Undefined for an address that is neither of the web nor of this server. */
export function safeUrl(url: string): string | undefined {
  const safe = followable(url)
  return safe !== null && (/^https?:/i.test(safe) || /^\/(?![/\\])/.test(safe)) ? safe : undefined
}
