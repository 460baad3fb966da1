import type { Block, Message, ToolCallBlock } from '../../../shared/schema.ts'
import { escapeHtml } from './escape.ts'

/** A message as Markdown: text as it is, reasoning and tool calls folded. It may hold any HTML: what shows it must make it safe. */
export function messageMarkdown({ output, error }: Message): string {
  const parts = output.map(blockMarkdown)
  if (error && !output.some((block) => block.type === 'error')) parts.push(errorMarkdown(error.message))
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

function blockMarkdown(block: Block): string {
  switch (block.type) {
    case 'text':
    case 'refusal':
      return block.text
    case 'reasoning':
      return block.text === '' ? '' : folded('Reasoning', block.text)
    case 'tool_call':
      return folded(
        toolTitle(block),
        toolParts(block)
          .map(([name, value]) => `${name}:\n\n${fenced(value)}`)
          .join('\n\n'),
      )
    case 'source':
      return `Source: ${block.url === undefined ? plain(block.title) : link(block.title, block.url)}${block.snippet ? `\n\n> ${oneLine(block.snippet)}` : ''}`
    case 'file':
      return `File: ${link(block.name, block.url)} (${plain(fileFacts(block))})`
    case 'embed':
      return `Embedded page: ${link(block.url, block.url)}`
    case 'progress':
      return block.done ? '' : `*${plain(block.text)} …*`
    case 'error':
      return errorMarkdown(block.message)
  }
}

/** What a folded tool call shows, in reading order; what is empty is left out. */
export function toolParts({ arguments: input, output, error }: ToolCallBlock): [name: string, value: string][] {
  const parts: [string, string | undefined][] = [
    ['Arguments', input],
    ['Result', output],
    ['Error', error],
  ]
  return parts.filter((part): part is [string, string] => part[1] !== undefined && part[1] !== '')
}

export function toolTitle({ name, status }: ToolCallBlock): string {
  return `Tool ${name} (${status.replaceAll('_', ' ')})`
}

export function fileFacts({ mimeType, size }: { mimeType: string; size?: number }): string {
  return size === undefined ? mimeType : `${mimeType}, ${size} bytes`
}

function errorMarkdown(message: string): string {
  return `> **Error:** ${plain(message)}`
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
function plain(text: string): string {
  return oneLine(text).replaceAll(/[\\`*_{}[\]<>()#!|~&]/g, (mark) => `\\${mark}`)
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim()
}
