/** Markdown without its marks, for places that take plain text. */
import { parseMarkdown, type MarkdownNode } from '@runnel/client/markdown'

const apart = /^(?:p|h[1-6]|blockquote|pre|ul|ol|table|dl|details|hr)$/
const inLines = /^(?:li|tr|dt|dd|summary|caption)$/

export function plainText(markdown: string): string {
  const text = parseMarkdown(markdown)
    .chunks.map(({ children }) => textOf(children))
    .join('\n\n')
  return text.replaceAll(/\n{3,}/g, '\n\n').trim()
}

function textOf(nodes: readonly MarkdownNode[]): string {
  return nodes.map(textOfNode).join('')
}

function textOfNode(node: MarkdownNode): string {
  if (node.type === 'text') return node.text
  if (node.type === 'math') return node.display ? `\n\n${node.text}\n\n` : node.text
  if (node.type === 'code') return `\n\n${textOf(node.children).trimEnd()}\n\n`
  const { tag, children, attrs } = node
  if (tag === 'br') return '\n'
  if (tag === 'img') return attrs.alt ?? ''
  if (tag === 'ul' || tag === 'ol')
    return `\n\n${list(node.children, tag === 'ol' ? Number(attrs.start ?? 1) : null)}\n\n`
  if (tag === 'tr') return `\n${children.map((cell) => textOfNode(cell).trim()).join('\t')}`
  const text = textOf(children)
  if (apart.test(tag)) return `\n\n${text}\n\n`
  return inLines.test(tag) ? `\n${text}` : text
}

/** `first`: the number of the first item; null: bullets. */
function list(items: readonly MarkdownNode[], first: number | null): string {
  return items
    .filter((item) => item.type === 'element')
    .map((item, index) => {
      const text = textOf(item.children)
        .trim()
        .replaceAll(/\n{2,}/g, '\n')
      return `${first === null ? '•' : `${first + index}.`} ${text.replaceAll('\n', '\n  ')}`
    })
    .join('\n')
}
