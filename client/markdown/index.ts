/** Markdown that grows: a tree at the cost of what is new, and elements of it. Loaded by whoever shows Markdown. */
export { GrowingMarkdown, parseMarkdown } from '../../shared/markdown/markdown.ts'
export type { MarkdownOptions } from '../../shared/markdown/spans.ts'
export type {
  CodeNode,
  ElementNode,
  MarkdownChunk,
  MarkdownNode,
  MarkdownTree,
  MathNode,
  TextNode,
} from '../../shared/markdown/nodes.ts'
export { markdownHtml } from '../../shared/markdown/serialize.ts'
export { MarkdownView, type MarkdownParts } from './dom.ts'
export { renderMarkdown, type RenderedMarkdown } from './render.ts'
