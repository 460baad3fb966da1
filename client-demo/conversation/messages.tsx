import type { BranchMessage, ChatMessage } from '@runnel/client'
import { useBranch } from '@runnel/client/react'
import { useEffect } from 'react'
import { Answer } from './answer.tsx'
import { nameLastQuestion } from './editing.ts'
import { PeopleOfChat, usePeople } from './people.tsx'
import { Question } from './question.tsx'
import { stretchesOf } from './stretches.ts'

/** The branch on show. */
export function Messages({ chatId, mayWrite }: { chatId: string; mayWrite: boolean }) {
  const { entries, older } = useBranch(chatId)
  return (
    <PeopleOfChat chatId={chatId}>
      <NamesLastQuestion chatId={chatId} mayWrite={mayWrite} />
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

/** `↑` edits this person's last question. */
function NamesLastQuestion({ chatId, mayWrite }: { chatId: string; mayWrite: boolean }) {
  const { entries } = useBranch(chatId)
  const { me } = usePeople()
  const isMine = ({ by }: ChatMessage) => by === undefined || by.id === me
  const last = entries.findLast(({ message }) => message.role === 'user' && isMine(message))?.message.id ?? null
  useEffect(() => {
    nameLastQuestion(chatId, mayWrite ? last : null)
    return () => nameLastQuestion(chatId, null)
  }, [chatId, last, mayWrite])
  return null
}

/** Keyed by its place, because another version takes that place and the focus should stay there. */
const placeOf = ({ message }: BranchMessage) => message.parentId ?? 'first'
