import type { MarkdownOptions } from '@runnel/client/markdown'
import type { MarkdownComponents } from '@runnel/client/react/markdown'
import { Code } from './code.tsx'
import { Item } from './item.tsx'
import { Link } from './link.tsx'
import { Mark } from './mark.tsx'
import { Math } from './math.tsx'
import { Table } from './table.tsx'
import './markdown.css'

/** What stands in answers in place of plain elements. */
export const markdownComponents: MarkdownComponents = {
  dir: 'auto',
  code: Code,
  math: Math,
  mark: Mark,
  elements: { a: Link, li: Item, table: Table },
}

/** A picture that the text itself holds is shown. One of elsewhere is a link: it would tell a stranger who reads. */
export const markdownOptions: MarkdownOptions = { image: (src) => (src.startsWith('data:') ? src : null) }
