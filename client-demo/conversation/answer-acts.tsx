import { isTerminal, type BranchMessage, type RunRequest } from '@runnel/client'
import { useContinue, useMessage, useRegenerate } from '@runnel/client/react'
import { lazy, Suspense, useRef, useState } from 'react'
import { Fault } from '../ui/fault.tsx'
import { Columns2, RotateCcw, Trash2 } from '../ui/icons.ts'
import { Popover } from '../ui/popover.tsx'
import { useWords } from '../words/words.ts'
import { ActButton, Acts, type Act } from './acts.tsx'
import { useAnswerText, useCopyActs } from './copying.ts'
import { Details } from './details.tsx'
import { leaveBehind, useRemove } from './removing.ts'
import { saidHere } from './said.ts'
import { showSideBySide, useIsSideBySide } from './side-by-side.ts'
import { mayGoOn } from './status-line.tsx'
import { Versions } from './versions.tsx'

const ModelPicker = lazy(() => import('../compose/model-picker.tsx'))

/** The buttons of an answer. Loaded after the first paint; their line is reserved. */
export default function AnswerActs({
  chatId,
  entry,
  mayWrite,
}: {
  chatId: string
  entry: BranchMessage
  mayWrite: boolean
}) {
  const words = useWords().conversation
  const { id, parentId, status: listed } = entry.message
  const { message, blocks } = useMessage(id)
  const isOver = isTerminal(message?.status ?? listed)
  const [copyActs, copied] = useCopyActs(chatId, id, useAnswerText(id))
  const [regenerate, regenerating] = useRegenerate(id)
  const [goOn, goingOn] = useContinue(id)
  const [remove, removeError] = useRemove(chatId, id)
  const more = useRef<HTMLButtonElement>(null)
  const [picker, setPicker] = useState<HTMLElement | null>(null)
  const isBeside = useIsSideBySide(chatId, parentId)
  const isEmpty = blocks.length === 0
  const canGoOn = mayWrite && mayGoOn(message)
  const mayTry = mayWrite && isOver
  const again = (request?: RunRequest) => void regenerate(request).then((sent) => sent && saidHere(sent.chatId))
  const acts: (Act | false)[] = [
    ...(isEmpty ? copyActs.slice(-1) : copyActs),
    mayTry && {
      label: words.regenerate,
      icon: RotateCcw,
      act: () => again(),
      busy: regenerating.pending,
      inRow: 'wide',
      testId: 'regenerate',
    },
    mayTry && { label: words.regenerateWith, icon: RotateCcw, act: () => setPicker(more.current) },
    !isBeside &&
      parentId !== null &&
      entry.siblings.length > 1 && {
        label: words.sideBySide,
        icon: Columns2,
        act: () => showSideBySide(chatId, parentId, id),
      },
    mayWrite && {
      label: words.delete,
      icon: Trash2,
      isDangerous: true,
      act: () => {
        leaveBehind(more.current)
        remove(words.answerDeleted)
      },
    },
  ]
  const error = isOver ? (regenerating.error ?? goingOn.error ?? removeError) : removeError
  return (
    <>
      {canGoOn && (
        <ActButton
          look="plain"
          className="go-on"
          busy={goingOn.pending}
          onClick={() => void goOn()}
          data-testid="continue"
        >
          {isEmpty ? words.regenerate : words.continue}
        </ActButton>
      )}
      <Acts
        first={!isBeside && <Versions chatId={chatId} entry={entry} />}
        acts={acts}
        last={message && <Details message={message} />}
        more={more}
      />
      <Popover anchor={picker} label={words.models} close={() => setPicker(null)}>
        <Suspense>
          <ModelPicker
            value={message?.model ?? null}
            onChoose={(model) => {
              setPicker(null)
              again({ model })
            }}
          />
        </Suspense>
      </Popover>
      {copied === 'failed' && (
        <p className="fault" role="alert">
          {words.notCopied}
        </p>
      )}
      <Fault error={error} />
    </>
  )
}
