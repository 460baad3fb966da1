import { BlockMarkdown as Growing } from '@runnel/client/react/markdown'
import { markdownComponents, markdownOptions } from './components.tsx'
import type { BlockText } from './block-text.ts'

/** A block as Markdown, with code in colours, tables, formulas and diagrams. */
export default function BlockMarkdown({ className = '', ...block }: BlockText) {
  return (
    <Growing
      className={`md growing ${className}`}
      components={markdownComponents}
      options={markdownOptions}
      pace
      {...block}
    />
  )
}
