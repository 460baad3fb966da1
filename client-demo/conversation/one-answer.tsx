import { isTerminal } from '@runnel/client'
import { useMessage } from '@runnel/client/react'
import { lazy, memo } from 'react'
import { Blocks } from '../blocks/blocks.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { useWords } from '../words/words.ts'
import { ActsLine } from './acts-line.tsx'
import { Besides } from './beside.tsx'
import { useNameOfOther } from './people.tsx'
import type { MessageProps } from './question.tsx'
import { StatusLine } from './status-line.tsx'
import './message.css'

const AnswerActs = lazy(() => import('./answer-acts.tsx'))

/** One answer, live while it is written. */
export const OneAnswer = memo(function OneAnswer({ chatId, entry, mayWrite }: MessageProps) {
  const words = useWords().conversation
  const { id, status: listed, by, role } = entry.message
  const { message, blocks } = useMessage(id)
  const status = message?.status ?? listed
  const askedAnewBy = useNameOfOther(by)
  return (
    <article
      className="answer"
      aria-label={words.answer}
      data-testid="message"
      data-role={role}
      data-message-id={id}
      data-status={status}
    >
      {askedAnewBy !== null && (
        <p className="who" data-testid="by">
          {words.askedAnewBy(askedAnewBy)}
        </p>
      )}
      <div className="blocks">
        {message ? (
          <Blocks messageId={id} blocks={blocks} status={status} mayWrite={mayWrite} />
        ) : (
          isTerminal(listed) && <Skeleton />
        )}
      </div>
      <StatusLine messageId={id} listed={listed} />
      <Besides chatId={chatId} entry={entry} mayWrite={mayWrite} />
      <ActsLine>
        <AnswerActs chatId={chatId} entry={entry} mayWrite={mayWrite} />
      </ActsLine>
    </article>
  )
})
