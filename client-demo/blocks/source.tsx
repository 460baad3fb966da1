import { useBlock } from '@runnel/client/react'
import { memo } from 'react'
import type { BlockProps } from './block-props.ts'
import { sourceOf } from './citations.ts'
import { chipOf, useListed } from './listed.ts'
import { SourceChip } from './source-chip.tsx'

/** A source of an answer. Its number is the one that the text cites it by. */
export default memo(function Source({ messageId, blockId }: BlockProps) {
  const block = useBlock(messageId, blockId)
  const place = useListed(messageId).findIndex(({ id }) => id === blockId) + 1
  if (block?.type !== 'source') return null
  const { title, url, snippet } = sourceOf(block, place)
  return <SourceChip source={{ title, url, snippet, ...(place > 0 && { place }) }} id={chipOf(blockId)} />
})
