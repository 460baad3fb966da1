import { useBlock } from '@runnel/client/react'
import { memo } from 'react'
import type { BlockProps } from './block-props.ts'
import { FileView } from './file-view.tsx'

export default memo(function File({ messageId, blockId }: BlockProps) {
  const block = useBlock(messageId, blockId)
  return block?.type === 'file' && <FileView file={block} />
})
