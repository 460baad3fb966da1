import type { Message } from '../../../shared/schema.ts'
import type { Shown } from '../../../shared/shown.ts'
import { shownParts } from './shown-parts.ts'

/** What a person reads as the answer, as plain text: no reasoning, a tool call in one line. */
export function messageText(message: Message): string {
  return partsText(shownParts(message))
}

export function partsText(shown: readonly Shown[]): string {
  const parts = shown.map(partText)
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

function partText(part: Shown): string {
  switch (part.kind) {
    case 'prose':
      return part.text
    case 'thoughts':
      return ''
    case 'facts':
      return `[${part.title}]`
    case 'reference': {
      const { label, title, details, url, quote } = part
      const words = [
        `${label}:`,
        ...(title === undefined ? [] : [title]),
        ...(details === undefined ? [] : [`(${details})`]),
        ...(url === undefined ? [] : [`<${url}>`]),
      ]
      return `${words.join(' ')}${quote ? `\n${quote}` : ''}`
    }
    case 'passing':
      return `${part.text} …`
    case 'fault':
      return `Error: ${part.message}`
  }
}
