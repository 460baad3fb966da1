import { allowedAttrs, isAllowed, isVoid, type MarkdownNode, type MarkdownTree } from './nodes.ts'

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

const escaped = (text: string) => text.replaceAll(/[&<>"']/g, (mark) => entities[mark]!)

/** A tree as HTML. Whatever made the tree: what may not be is not written. */
export function markdownHtml(tree: MarkdownTree): string {
  return tree.chunks.flatMap(({ children }) => children.map(nodeHtml)).join('\n')
}

function nodeHtml(node: MarkdownNode): string {
  switch (node.type) {
    case 'text':
      return escaped(node.text)
    case 'code':
      return `<pre><code>${node.children.map(nodeHtml).join('')}</code></pre>`
    case 'math':
      return `<code>${escaped(node.text)}</code>`
    case 'element': {
      const { tag, children } = node
      if (!isAllowed(tag)) return children.map(nodeHtml).join('')
      const attrs = Object.entries(allowedAttrs(tag, node.attrs))
      const start = `<${tag}${attrs.map(([name, value]) => ` ${name}="${escaped(value)}"`).join('')}>`
      return isVoid(tag) ? start : `${start}${children.map(nodeHtml).join('')}</${tag}>`
    }
  }
}
