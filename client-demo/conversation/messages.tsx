import type { BranchMessage } from '@runnel/client'
import { useBranch } from '@runnel/client/react'
import { useEffect } from 'react'
import { Answer } from './answer.tsx'
import { nameLastQuestion } from './editing.ts'
import { PeopleOfChat } from './people.tsx'
import { Question } from './question.tsx'
import { stretchesOf } from './stretches.ts'

/** The branch on show. */
export function Messages({ chatId, mayWrite }: { chatId: string; mayWrite: boolean }) {
  const { entries, older } = useBranch(chatId)
  const lastQuestion = entries.findLast(({ message }) => message.role === 'user')?.message.id ?? null
  useEffect(() => {
    nameLastQuestion(chatId, mayWrite ? lastQuestion : null)
    return () => nameLastQuestion(chatId, null)
  }, [chatId, lastQuestion, mayWrite])
  return (
    <PeopleOfChat chatId={chatId}>
      {stretchesOf(entries, older).map(({ number, entries }) => (
        <div key={number} className="stretch">
          {entries.map((entry) =>
            entry.message.role === 'user' ? (
              <Question key={placeOf(entry)} chatId={chatId} entry={entry} mayWrite={mayWrite} />
            ) : (
              <Answer key={placeOf(entry)} chatId={chatId} entry={entry} mayWrite={mayWrite} />
            ),
          )}
        </div>
      ))}
    </PeopleOfChat>
  )
}

/** Keyed by its place, because another version takes that place and the focus should stay there. */
const placeOf = ({ message }: BranchMessage) => message.parentId ?? 'first'
