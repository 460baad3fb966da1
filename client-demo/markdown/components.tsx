import type { MarkdownOptions } from '@runnel/client/markdown'
import type { MarkdownComponents } from '@runnel/client/react/markdown'
import { Code } from './code.tsx'
import { Item } from './item.tsx'
import { Link } from './link.tsx'
import { Mark } from './mark.tsx'
import { Math } from './math.tsx'
import { Table } from './table.tsx'
import './markdown.css'

/** Components that replace plain elements in answers. */
export const markdownComponents: MarkdownComponents = {
  dir: 'auto',
  code: Code,
  math: Math,
  mark: Mark,
  elements: { a: Link, li: Item, table: Table },
}

/** A picture inside the text is shown. One on another server is a link, because loading it would tell that server who reads. */
export const markdownOptions: MarkdownOptions = { image: (src) => (src.startsWith('data:') ? src : null) }
