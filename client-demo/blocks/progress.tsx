import { isTerminal } from '@runnel/client'
import { useBlock } from '@runnel/client/react'
import { memo } from 'react'
import type { BlockProps } from './block-props.ts'

/** What a run does now. It is not shown once the run has ended, nor while it waits for a person: the call says that, in the reader's language. */
export const Progress = memo(function Progress({ messageId, blockId, status }: BlockProps) {
  const block = useBlock(messageId, blockId)
  if (
    block?.type !== 'progress' ||
    block.done ||
    block.status !== 'in_progress' ||
    status === 'waiting' ||
    isTerminal(status)
  )
    return null
  return (
    <p className="progress" dir="auto">
      <i className="live-dot" />
      {block.text}
    </p>
  )
})
