import type { MessageStatus } from '@runnel/client'
import type { BlockRef } from '@runnel/client/react'
import { useBlock } from '@runnel/client/react'
import { memo } from 'react'
import { BlockMarkdown } from '@runnel/client/react/markdown'
import { markdownComponents, markdownOptions } from '../markdown/components.tsx'
import './blocks.css'

export interface BlockProps {
  messageId: string
  blockId: string
  /** Of the message. */
  status: MessageStatus
  mayWrite: boolean
}

/** What an answer consists of, in its order. A block of a kind that is not known here shows nothing. */
export const Blocks = memo(function Blocks({
  messageId,
  blocks,
  status,
  mayWrite,
}: Omit<BlockProps, 'blockId'> & { blocks: readonly BlockRef[] }) {
  return blocks.map(({ id, type }) => (
    <section key={id} className={`block ${type}`} data-testid="block" data-type={type}>
      {type === 'text' ? (
        <Text messageId={messageId} blockId={id} status={status} mayWrite={mayWrite} />
      ) : (
        <Other messageId={messageId} blockId={id} status={status} mayWrite={mayWrite} />
      )}
    </section>
  ))
})

const Text = memo(function Text({ messageId, blockId }: BlockProps) {
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

const Other = memo(function Other({ messageId, blockId }: BlockProps) {
  return <pre>{JSON.stringify(useBlock(messageId, blockId), null, 2)}</pre>
})
