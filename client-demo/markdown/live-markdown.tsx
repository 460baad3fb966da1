import { lazy, memo, Suspense } from 'react'
import type { BlockText } from './block-text.ts'

/** The frame of the page does not wait for the Markdown reader, which starts loading with the page. */
export const loadMarkdown = () => import('./block-markdown.tsx')

const BlockMarkdown = lazy(loadMarkdown)

/** The text of a block as it grows. */
export const LiveMarkdown = memo(function LiveMarkdown(props: BlockText) {
  return (
    <Suspense fallback={<div className="md" />}>
      <BlockMarkdown {...props} />
    </Suspense>
  )
})
