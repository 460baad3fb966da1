import type { MarkdownComponents } from '@runnel/client/react/markdown'
import './markdown.css'

/** What stands in answers in place of plain elements. */
export const markdownComponents: MarkdownComponents = {}
