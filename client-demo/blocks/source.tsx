import { useBlock } from '@runnel/client/react'
import { memo } from 'react'
import type { BlockProps } from './block-props.ts'
import { snippetOf } from './citations.ts'
import { SourceChip } from './source-chip.tsx'
import { webUrl } from './web-url.ts'

export default memo(function Source({ messageId, blockId }: BlockProps) {
  const block = useBlock(messageId, blockId)
  if (block?.type !== 'source') return null
  const { url, title, snippet = '' } = block
  const parsed = webUrl(url)
  return (
    <SourceChip source={{ title: title || (parsed?.host ?? url ?? ''), url: parsed, snippet: snippetOf(snippet) }} />
  )
})
