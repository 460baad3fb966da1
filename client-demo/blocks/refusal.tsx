import { memo } from 'react'
import { useBlockText } from '@runnel/client/react'
import { CircleSlash } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'
import type { BlockProps } from './block-props.ts'

/** A model's refusal: its own words, and what the person can do next. */
export const Refusal = memo(function Refusal({ messageId, blockId }: BlockProps) {
  const { finished, open } = useBlockText(messageId, blockId)
  const words = useWords().blocks
  return (
    <div className="notice">
      <CircleSlash aria-hidden className="icon" />
      <div>
        <p className="refused" dir="auto">
          {finished.map(({ text }) => text)}
          {open.text}
        </p>
        <p className="notice-next">{words.refusal}</p>
      </div>
    </div>
  )
})
