import type { JsonObject } from '@runnel/client'
import { useBlock } from '@runnel/client/react'
import { memo } from 'react'
import { KeepsSelection } from '../markdown/keeps-selection.ts'
import { LiveMarkdown } from '../markdown/live-markdown.tsx'
import { MarkContext } from '../markdown/mark.tsx'
import type { BlockProps } from './block-props.ts'
import { useCited } from './cited.ts'
import { useListed } from './listed.ts'

const none: readonly JsonObject[] = []

/** A text, and what it cites. */
export const Text = memo(function Text({ messageId, blockId }: BlockProps) {
  const block = useBlock(messageId, blockId)
  const { annotations, text } = block?.type === 'text' ? block : { annotations: none, text: '' }
  const cited = useCited(annotations, useListed(messageId), text)
  return (
    <MarkContext value={cited?.show ?? null}>
      <KeepsSelection marks={cited?.marks}>
        <LiveMarkdown messageId={messageId} blockId={blockId} {...(cited && { marks: cited.marks, text })} />
      </KeepsSelection>
      {cited?.sources}
    </MarkContext>
  )
})
