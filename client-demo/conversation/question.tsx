import type { BranchMessage } from '@runnel/client'
import { useQuestion } from '@runnel/client/react'
import { lazy, memo, Suspense, useEffect, useRef } from 'react'
import { Fault } from '../ui/fault.tsx'
import { useWords } from '../words/words.ts'
import { ActsLine } from './acts-line.tsx'
import { Besides } from './beside.tsx'
import { goBackToComposer, useIsEdited } from './editing.ts'
import { useNameOfOther, usePeople } from './people.tsx'
import { QuestionFiles } from './question-files.tsx'
import './message.css'

const QuestionActs = lazy(() => import('./question-acts.tsx'))
const EditForm = lazy(() => import('./edit-form.tsx'))

export interface MessageProps {
  chatId: string
  entry: BranchMessage
  mayWrite: boolean
}

/** A question. A long one shows its beginning until it is complete. */
export const Question = memo(function Question({ chatId, entry, mayWrite }: MessageProps) {
  const words = useWords().conversation
  const { message } = entry
  const { text, files, pending, error } = useQuestion(message)
  const isEdited = useIsEdited(chatId, message.id) && mayWrite
  const editedBy = useNameOfOther(message.editedBy)
  const isWhole = !pending && !error
  const root = useFocusAfter(isEdited)
  return (
    <article
      ref={root}
      className="said"
      aria-label={words.question}
      data-testid="message"
      data-role="user"
      data-message-id={message.id}
      data-may-write={mayWrite}
      data-edited={isEdited || undefined}
    >
      <Who entry={entry} />
      {isEdited ? (
        <Suspense>
          <EditForm
            key={message.id}
            chatId={chatId}
            messageId={message.id}
            question={isWhole ? { text, files } : null}
          />
        </Suspense>
      ) : (
        <>
          <div className="bubble" dir="auto">
            {isWhole ? text : `${text} …`}
          </div>
          <QuestionFiles files={files} />
          {editedBy !== null && <p className="who">{words.editedBy(editedBy)}</p>}
        </>
      )}
      <Fault error={error} />
      <Besides chatId={chatId} entry={entry} mayWrite={mayWrite} />
      {!isEdited && (
        <ActsLine>
          <QuestionActs chatId={chatId} entry={entry} mayWrite={mayWrite} />
        </ActsLine>
      )}
    </article>
  )
})

/** In a shared chat: who asked, and when. */
function Who({ entry: { message } }: { entry: BranchMessage }) {
  const words = useWords()
  const { me, isShared } = usePeople()
  const { by, createdAt } = message
  if (!isShared || !by) return null
  return (
    <p className="who" data-testid="by">
      <bdi>{by.id === me ? words.app.you : by.name}</bdi>
      {' · '}
      <time dateTime={new Date(createdAt).toISOString()} title={words.conversation.moment(createdAt)}>
        {words.conversation.clock(createdAt)}
      </time>
    </p>
  )
}

/** When editing has ended, the focus goes back to where it was. */
function useFocusAfter(isEdited: boolean) {
  const root = useRef<HTMLElement>(null)
  const wasEdited = useRef(false)
  useEffect(() => {
    if (wasEdited.current && !isEdited && !goBackToComposer()) {
      const buttons = root.current?.querySelectorAll<HTMLElement>('[data-testid=edit], [data-testid=more]') ?? []
      // On a phone the button is in the menu.
      Array.from(buttons)
        .find((button) => button.offsetParent !== null)
        ?.focus()
    }
    wasEdited.current = isEdited
  }, [isEdited])
  return root
}
