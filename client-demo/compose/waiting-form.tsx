import { RunnelError, type Api, type WaitingEntry } from '@runnel/client'
import { useCall, useRead } from '@runnel/client/react'
import { useLayoutEffect, useRef, useState, type KeyboardEvent } from 'react'
import { Button } from '../ui/button.tsx'
import { Fault } from '../ui/fault.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { useWords, wordsNow } from '../words/words.ts'
import { useGrowing } from '../ui/growing.ts'
import { isComposing, isSend } from './keys-pressed.ts'

interface FormProps {
  chatId: string
  entry: WaitingEntry
  close: () => void
}

/** Edits a waiting message. Long ones are listed shortened, so the whole text is read first and nothing is lost. */
export function WaitingForm({ chatId, entry, close }: FormProps) {
  return entry.shortened ? (
    <Whole chatId={chatId} entry={entry} close={close} />
  ) : (
    <Form chatId={chatId} id={entry.id} text={entry.text} close={close} />
  )
}

function Whole({ chatId, entry, close }: FormProps) {
  const { data, error, reload } = useRead(`waiting ${entry.id}`, (api) => wholeWaiting(api, chatId, entry.id))
  if (error) return <Fault error={error} retry={reload} />
  if (!data) return <Skeleton lines={2} />
  return <Form chatId={chatId} id={entry.id} text={data.text} close={close} />
}

function Form({ chatId, id, text: first, close }: { chatId: string; id: string; text: string; close: () => void }) {
  const words = useWords()
  const [text, setText] = useState(first)
  const [change, changing] = useCall(`change ${chatId}`, (api, waitingId: string, content: string) =>
    api.changeWaiting(chatId, waitingId, { content }),
  )
  const field = useRef<HTMLTextAreaElement>(null)
  useGrowing(field, text)
  useLayoutEffect(() => {
    field.current?.focus()
    field.current?.setSelectionRange(first.length, first.length)
  }, [first])
  const save = async () => {
    if (text.trim() === '') return
    if (text === first || (await change(id, text))) close()
  }
  const pressed = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && !isComposing(event)) close()
    if (!isSend(event)) return
    event.preventDefault()
    void save()
  }
  return (
    <div className="waiting-form">
      <textarea
        ref={field}
        dir="auto"
        rows={1}
        aria-label={words.compose.editWaiting}
        value={text}
        onChange={({ target }) => setText(target.value)}
        onKeyDown={pressed}
        data-testid="waiting-text"
      />
      <div className="waiting-form-row">
        <Button look="quiet" onClick={close}>
          {words.app.cancel}
        </Button>
        <Button look="primary" busy={changing.pending} onClick={() => void save()} data-testid="save-waiting">
          {words.compose.save}
        </Button>
      </div>
      <Fault error={changing.error} />
    </div>
  )
}

/** The whole text of the waiting message. Throws `not_found` if it was sent or removed. */
export async function wholeWaiting(api: Api, chatId: string, id: string): Promise<WaitingEntry> {
  for (let cursor: string | null | undefined; cursor !== null;) {
    const page: Awaited<ReturnType<Api['listWaiting']>> = await api.listWaiting(
      chatId,
      cursor === undefined ? {} : { cursor },
    )
    const found = page.items.find((entry) => entry.id === id)
    if (found) return found
    cursor = page.nextCursor
  }
  throw new RunnelError('not_found', wordsNow().compose.notWaiting)
}
