import type { JsonObject } from '@runnel/client'
import { useBlock } from '@runnel/client/react'
import { BlockMarkdown } from '@runnel/client/react/markdown'
import { lazy, memo, Suspense } from 'react'
import { markdownComponents, markdownOptions } from '../markdown/components.tsx'
import type { BlockProps } from './block-props.ts'

const CitedText = lazy(() => import('./cited-text.tsx'))
const none: readonly JsonObject[] = []

/** A text, and what it cites. */
export const Text = memo(function Text(props: BlockProps) {
  const { messageId, blockId } = props
  const block = useBlock(messageId, blockId)
  const annotations = block?.type === 'text' ? block.annotations : none
  const plain = <Plain messageId={messageId} blockId={blockId} />
  if (block?.type !== 'text' || annotations.length === 0) return plain
  return (
    <Suspense fallback={plain}>
      <CitedText messageId={messageId} block={block} />
    </Suspense>
  )
})

const Plain = memo(function Plain({ messageId, blockId }: Pick<BlockProps, 'messageId' | 'blockId'>) {
  return (
    <BlockMarkdown
      className="md growing"
      messageId={messageId}
      blockId={blockId}
      components={markdownComponents}
      options={markdownOptions}
      pace
    />
  )
})
