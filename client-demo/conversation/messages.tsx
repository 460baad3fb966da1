import { useBranch, useLoadOlder } from '@runnel/client/react'
import { Button } from '../ui/button.tsx'
import { useWords } from '../words/words.ts'
import { Answer } from './answer.tsx'
import { Question } from './question.tsx'

/** The branch on show. */
export function Messages({ chatId, mayWrite }: { chatId: string; mayWrite: boolean }) {
  const words = useWords().conversation
  const { entries, hasOlder } = useBranch(chatId)
  const [loadOlder, older] = useLoadOlder(chatId)
  return (
    <>
      {hasOlder && (
        <Button busy={older.pending} onClick={() => void loadOlder()} data-testid="older">
          {words.older}
        </Button>
      )}
      {entries.map((entry) =>
        entry.message.role === 'user' ? (
          <Question key={entry.message.id} chatId={chatId} entry={entry} mayWrite={mayWrite} />
        ) : (
          <Answer key={entry.message.id} chatId={chatId} entry={entry} mayWrite={mayWrite} />
        ),
      )}
    </>
  )
}
