import type { JsonObject } from '@runnel/client'
import { useBlock } from '@runnel/client/react'
import { lazy, memo, Suspense } from 'react'
import { LiveMarkdown } from '../markdown/live-markdown.tsx'
import type { BlockProps } from './block-props.ts'

const CitedText = lazy(() => import('./cited-text.tsx'))
const none: readonly JsonObject[] = []

/** A text, and what it cites. */
export const Text = memo(function Text(props: BlockProps) {
  const { messageId, blockId } = props
  const block = useBlock(messageId, blockId)
  const annotations = block?.type === 'text' ? block.annotations : none
  const plain = <LiveMarkdown messageId={messageId} blockId={blockId} />
  if (block?.type !== 'text' || annotations.length === 0) return plain
  return (
    <Suspense fallback={plain}>
      <CitedText messageId={messageId} block={block} />
    </Suspense>
  )
})
