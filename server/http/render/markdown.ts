import type { Message } from '../../../shared/schema.ts'
import type { Shown } from '../../../shared/shown.ts'
import { escapeHtml } from './escape.ts'
import { shownParts } from './shown-parts.ts'

/** A message as Markdown: text as it is, reasoning and tool calls folded. It may hold any HTML: what shows it must make it safe. */
export function messageMarkdown(message: Message): string {
  const parts = shownParts(message).map(partMarkdown)
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

function partMarkdown(part: Shown): string {
  switch (part.kind) {
    case 'prose':
      return part.text
    case 'thoughts':
      return folded(part.title, part.text)
    case 'facts':
      return folded(part.title, part.parts.map(([name, value]) => `${name}:\n\n${fenced(value)}`).join('\n\n'))
    case 'reference': {
      const { label, url, title = url ?? '', details, quote } = part
      const named = url === undefined ? plain(title) : link(title, url)
      return `${label}: ${named}${details === undefined ? '' : ` (${plain(details)})`}${quote ? `\n\n> ${oneLine(quote)}` : ''}`
    }
    case 'passing':
      return `*${plain(part.text)} …*`
    case 'fault':
      return `> **Error:** ${plain(part.message)}`
  }
}

function folded(title: string, body: string): string {
  return `<details>\n<summary>${escapeHtml(title)}</summary>\n\n${body}\n\n</details>`
}

/** A fence that is longer than any inside. */
function fenced(text: string): string {
  let longest = 2
  for (const [run] of text.matchAll(/`+/g)) longest = Math.max(longest, run.length)
  const fence = '`'.repeat(longest + 1)
  return `${fence}\n${text}\n${fence}`
}

function link(text: string, url: string): string {
  return `[${plain(text)}](<${url.replaceAll(/[<>\r\n]/g, encodeURIComponent)}>)`
}

/** One line in which nothing is Markdown or HTML. */
export function plain(text: string): string {
  return oneLine(text).replaceAll(/[\\`*_{}[\]<>()#!|~&]/g, (mark) => `\\${mark}`)
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim()
}
