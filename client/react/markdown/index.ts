'use client'
/** Markdown for React, at the cost of what is new. */
export { BlockMarkdown, Markdown, type BlockMarkdownProps, type MarkdownProps } from './markdown.ts'
export type { MarkdownComponents } from './elements.ts'
export { TextMarks } from './marks.ts'
export type { TextMark } from './mark-nodes.ts'
