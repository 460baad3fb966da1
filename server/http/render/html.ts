import type { Message } from '../../../shared/schema.ts'
import type { Shown } from '../../../shared/shown.ts'
import { escapeHtml } from './escape.ts'
import { safeHtml, safeUrl } from './safe-html.ts'
import { shownParts } from './shown-parts.ts'
import { partsText } from './text.ts'

/** What its HTML is made of: it goes to a thread that knows no types of blocks. */
export interface ShownMessage extends Pick<Message, 'role' | 'status'> {
  parts: readonly Shown[]
}

export function shownMessage(message: Message): ShownMessage {
  return { role: message.role, status: message.status, parts: shownParts(message) }
}

export function messageHtml(message: Message): string {
  return messagePage(message, shownHtml(shownMessage(message)))
}

/**
 * A message as an `<article>`. Each part is made safe for itself, so
 * that what is left open in one ends there. May take very long for text that
 * was made for it (`rendering.ts` does not wait).
 */
export function shownHtml(message: ShownMessage): string {
  const parts = message.parts.map(partHtml)
  return article(message, parts.filter((part) => part !== '').join('\n'))
}

/** A message whose Markdown cannot be rendered: its text as it is. */
export function plainHtml(message: ShownMessage): string {
  return article(message, `<pre>${escapeHtml(partsText(message.parts))}</pre>`)
}

function article({ status }: ShownMessage, body: string): string {
  return `<article data-status="${status}">\n${body}\n</article>`
}

/** The article of one message as a small document. */
export function messagePage({ role }: Pick<Message, 'role'>, shown: string): string {
  return `${pageHead(role === 'user' ? 'Question' : 'Answer')}${shown}\n${pageFoot}`
}

export function pageHead(title: string): string {
  return `<!doctype html>
<html>
<head><meta charset="utf-8"><title>${escapeHtml(title)}</title></head>
<body>
`
}

export const pageFoot = `</body>
</html>
`

function partHtml(part: Shown): string {
  switch (part.kind) {
    case 'prose':
      return safeHtml(part.text)
    case 'thoughts':
      return folded(part.title, safeHtml(part.text))
    case 'facts':
      return folded(
        part.title,
        part.parts
          .map(([name, value]) => `<p>${escapeHtml(name)}:</p>\n<pre><code>${escapeHtml(value)}</code></pre>`)
          .join('\n'),
      )
    case 'reference': {
      const { label, url, title = url ?? '', details, quote } = part
      const after = details === undefined ? '' : ` (${escapeHtml(details)})`
      return `<p>${escapeHtml(label)}: ${link(title, url)}${after}</p>${quote ? `\n<blockquote>${escapeHtml(quote)}</blockquote>` : ''}`
    }
    case 'passing':
      return `<p><em>${escapeHtml(part.text)} …</em></p>`
    case 'fault':
      return `<p role="alert"><strong>Error:</strong> ${escapeHtml(part.message)}</p>`
  }
}

function folded(title: string, body: string): string {
  return `<details>\n<summary>${escapeHtml(title)}</summary>\n${body}\n</details>`
}

function link(text: string, url: string | undefined): string {
  const href = url === undefined ? undefined : safeUrl(url)
  return href === undefined
    ? escapeHtml(text)
    : `<a href="${escapeHtml(href)}" rel="noopener noreferrer nofollow">${escapeHtml(text)}</a>`
}
