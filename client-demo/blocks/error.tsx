import { useBlock } from '@runnel/client/react'
import { memo } from 'react'
import { CircleAlert } from '../ui/icons.ts'
import { Fault } from '../ui/fault.tsx'
import type { BlockProps } from './block-props.ts'

/** An error in the middle of an answer. The answer goes on, or says itself how it ended. */
export const ErrorNotice = memo(function ErrorNotice({ messageId, blockId }: BlockProps) {
  const block = useBlock(messageId, blockId)
  if (block?.type !== 'error') return null
  return (
    <div className="notice bad">
      <CircleAlert aria-hidden className="icon" />
      <Fault error={block} />
    </div>
  )
})
