import type { BranchMessage } from '@runnel/client'
import { useQuestion } from '@runnel/client/react'
import { memo } from 'react'
import { Versions } from './versions.tsx'

export interface MessageProps {
  chatId: string
  entry: BranchMessage
  mayWrite: boolean
}

/** What a person asked. */
export const Question = memo(function Question({ chatId, entry, mayWrite }: MessageProps) {
  const { message } = entry
  const { text } = useQuestion(message)
  return (
    <article
      className="said"
      data-testid="message"
      data-role="user"
      data-message-id={message.id}
      data-may-write={mayWrite}
    >
      <div className="bubble" dir="auto">
        {text}
      </div>
      <Versions chatId={chatId} entry={entry} />
    </article>
  )
})
