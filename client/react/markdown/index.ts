'use client'
/** Markdown for React. An update costs only what is new. */
export { BlockMarkdown, Markdown, type BlockMarkdownProps, type MarkdownProps } from './markdown.ts'
export type { MarkdownComponents } from './elements.ts'
export { TextMarks } from './marks.ts'
export type { TextMark } from './mark-nodes.ts'
