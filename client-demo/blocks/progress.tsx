import { isTerminal } from '@runnel/client'
import { useBlock } from '@runnel/client/react'
import { memo } from 'react'
import type { BlockProps } from './block-props.ts'

/** What a run does now. What it left open when it ended goes on no more. */
export const Progress = memo(function Progress({ messageId, blockId, status }: BlockProps) {
  const block = useBlock(messageId, blockId)
  if (block?.type !== 'progress' || block.done || block.status !== 'in_progress' || isTerminal(status)) return null
  return (
    <p className="progress" dir="auto">
      <i className="live-dot" />
      {block.text}
    </p>
  )
})
