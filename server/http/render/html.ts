import type { Block, Message } from '../../../shared/schema.ts'
import { escapeHtml } from './escape.ts'
import { fileFacts, toolParts, toolTitle } from './markdown.ts'
import { safeHtml, safeUrl } from './safe-html.ts'
import { messageText } from './text.ts'

/**
 * A message as a small HTML document. Each block is made safe for itself, so
 * that what is left open in one ends there. May take very long for text that
 * was made for it (`rendering.ts` does not wait).
 */
export function messageHtml(message: Message): string {
  const { output, error } = message
  const parts = output.map(blockHtml)
  if (error && !output.some((block) => block.type === 'error')) parts.push(errorHtml(error.message))
  return htmlDocument(message, parts.filter((part) => part !== '').join('\n'))
}

/** A message whose Markdown cannot be rendered: its text as it is. */
export function plainHtml(message: Message): string {
  return htmlDocument(message, `<pre>${escapeHtml(messageText(message))}</pre>`)
}

function htmlDocument({ role, status }: Message, body: string): string {
  return `<!doctype html>
<html>
<head><meta charset="utf-8"><title>${role === 'user' ? 'Question' : 'Answer'}</title></head>
<body>
<article data-status="${status}">
${body}
</article>
</body>
</html>
`
}

function blockHtml(block: Block): string {
  switch (block.type) {
    case 'text':
    case 'refusal':
      return safeHtml(block.text)
    case 'reasoning':
      return block.text === '' ? '' : folded('Reasoning', safeHtml(block.text))
    case 'tool_call':
      return folded(
        toolTitle(block),
        toolParts(block)
          .map(([name, value]) => `<p>${name}:</p>\n<pre><code>${escapeHtml(value)}</code></pre>`)
          .join('\n'),
      )
    case 'source':
      return `<p>Source: ${link(block.title, block.url)}</p>${block.snippet ? `\n<blockquote>${escapeHtml(block.snippet)}</blockquote>` : ''}`
    case 'file':
      return `<p>File: ${link(block.name, block.url)} (${escapeHtml(fileFacts(block))})</p>`
    case 'embed':
      return `<p>Embedded page: ${link(block.url, block.url)}</p>`
    case 'progress':
      return block.done ? '' : `<p><em>${escapeHtml(block.text)} …</em></p>`
    case 'error':
      return errorHtml(block.message)
  }
}

function errorHtml(message: string): string {
  return `<p role="alert"><strong>Error:</strong> ${escapeHtml(message)}</p>`
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
