import { isTerminal } from '@runnel/client'
import { useContinue, useMessage, useRegenerate } from '@runnel/client/react'
import { memo } from 'react'
import { Blocks } from '../blocks/blocks.tsx'
import { Button } from '../ui/button.tsx'
import { Fault } from '../ui/fault.tsx'
import { useWords } from '../words/words.ts'
import type { MessageProps } from './question.tsx'
import { Versions } from './versions.tsx'

/** An answer, live while it is written. */
export const Answer = memo(function Answer({ chatId, entry, mayWrite }: MessageProps) {
  const words = useWords().conversation
  const { id, status: listed } = entry.message
  const { message, blocks } = useMessage(id)
  const status = message?.status ?? listed
  const [regenerate, regenerating] = useRegenerate(id)
  const [goOn, goingOn] = useContinue(id)
  const isOver = isTerminal(status)
  return (
    <article className="answer" data-testid="message" data-role="assistant" data-message-id={id} data-status={status}>
      <Blocks messageId={id} blocks={blocks} status={status} mayWrite={mayWrite} />
      {message?.error && <Fault error={message.error} />}
      <div className="acts">
        <Versions chatId={chatId} entry={entry} />
        {mayWrite && isOver && (
          <>
            <Button look="quiet" busy={regenerating.pending} onClick={() => void regenerate()} data-testid="regenerate">
              {words.regenerate}
            </Button>
            {status !== 'completed' && (
              <Button look="quiet" busy={goingOn.pending} onClick={() => void goOn()} data-testid="continue">
                {words.continue}
              </Button>
            )}
          </>
        )}
      </div>
      <Fault error={regenerating.error ?? goingOn.error} />
    </article>
  )
})
