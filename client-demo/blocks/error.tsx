import { useBlock } from '@runnel/client/react'
import { memo } from 'react'
import { CircleAlert } from '../ui/icons.ts'
import { Fault } from '../ui/fault.tsx'
import type { BlockProps } from './block-props.ts'

/** Something in the middle of an answer did not work; the answer goes on, or says itself what became of it. */
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
