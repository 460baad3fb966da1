import type { BranchMessage } from '@runnel/client'
import { useClient } from '@runnel/client/react'
import { useRef } from 'react'
import { Fault } from '../ui/fault.tsx'
import { Pencil, Trash2 } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'
import { Acts, type Act } from './acts.tsx'
import { useCopyActs } from './copying.ts'
import { editQuestion } from './editing.ts'
import { leaveBehind, useRemove } from './removing.ts'
import { Versions } from './versions.tsx'

/** The buttons of a question. Loaded later, like those of answers. */
export default function QuestionActs({
  chatId,
  entry,
  mayWrite,
}: {
  chatId: string
  entry: BranchMessage
  mayWrite: boolean
}) {
  const words = useWords().conversation
  const { message } = entry
  const { id } = message
  const { questions } = useClient()
  const read = () => questions.known(message)?.text ?? questions.read(message).then(({ text }) => text)
  const [copyActs, copied] = useCopyActs(chatId, id, read)
  const [remove, removeError] = useRemove(chatId, id)
  const more = useRef<HTMLButtonElement>(null)
  const acts: (Act | false)[] = [
    // A question is plain text.
    ...copyActs.filter((_, index) => index === 0 || index === copyActs.length - 1),
    mayWrite && {
      label: words.edit,
      icon: Pencil,
      act: () => editQuestion(chatId, id),
      inRow: 'wide',
      testId: 'edit',
    },
    mayWrite && {
      label: words.delete,
      icon: Trash2,
      isDangerous: true,
      act: () => {
        leaveBehind(more.current)
        remove(words.questionDeleted)
      },
    },
  ]
  return (
    <>
      <Acts first={<Versions chatId={chatId} entry={entry} />} acts={acts} more={more} />
      {copied === 'failed' && (
        <p className="fault" role="alert">
          {words.notCopied}
        </p>
      )}
      <Fault error={removeError} />
    </>
  )
}
