import { lazy, memo, Suspense } from 'react'
import type { BlockText } from './block-text.ts'

/** What reads Markdown is not waited for by the frame of the page: it is on its way when the page begins. */
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
