import type { Block, Message } from '../../../shared/schema.ts'
import { fileFacts, toolTitle } from './markdown.ts'

/** What a person reads as the answer, as plain text: no reasoning, a tool call in one line. */
export function messageText({ output, error }: Message): string {
  const parts = output.map(blockText)
  if (error && !output.some((block) => block.type === 'error')) parts.push(`Error: ${error.message}`)
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

function blockText(block: Block): string {
  switch (block.type) {
    case 'text':
    case 'refusal':
      return block.text
    case 'reasoning':
      return ''
    case 'tool_call':
      return `[${toolTitle(block)}]`
    case 'source':
      return [
        'Source: ',
        block.title,
        block.url === undefined ? '' : ` <${block.url}>`,
        block.snippet ? `\n${block.snippet}` : '',
      ].join('')
    case 'file':
      return `File: ${block.name} (${fileFacts(block)}) <${block.url}>`
    case 'embed':
      return `Embedded page: <${block.url}>`
    case 'progress':
      return block.done ? '' : `${block.text} …`
    case 'error':
      return `Error: ${block.message}`
  }
}
