import type { JsonObject } from '@runnel/client'
import { useEdit } from '@runnel/client/react'
import { useLayoutEffect, useRef, useState, type KeyboardEvent, type SubmitEvent } from 'react'
import { Button } from '../ui/button.tsx'
import { Fault } from '../ui/fault.tsx'
import { useGrowing } from '../ui/growing.ts'
import { Skeleton } from '../ui/skeleton.tsx'
import { useWords } from '../words/words.ts'
import { endEditing } from './editing.ts'
import { fileIdOf, QuestionFiles } from './question-files.tsx'
import { saidHere } from './said.ts'
import './edit-form.css'

interface EditProps {
  chatId: string
  messageId: string
  question: { text: string; files: readonly JsonObject[] }
}

/** Edits an earlier question. Null: its text is not complete yet, and its beginning alone must not replace it. */
export default function EditForm({
  question,
  ...rest
}: Omit<EditProps, 'question'> & { question: EditProps['question'] | null }) {
  return question ? <OpenForm question={question} {...rest} /> : <Skeleton lines={2} />
}

function OpenForm({ chatId, messageId, question }: EditProps) {
  const words = useWords()
  const [text, setText] = useState(question.text)
  const [edit, editing] = useEdit(messageId)
  const field = useRef<HTMLTextAreaElement>(null)
  useGrowing(field, text)
  useLayoutEffect(() => {
    const { current } = field
    current?.focus()
    current?.setSelectionRange(current.value.length, current.value.length)
  }, [])
  const send = async () => {
    if (text.trim() === '' || editing.pending) return
    const files = question.files.map(({ url }) => fileIdOf(String(url))).filter((id) => id !== null)
    const sent = await edit({ content: text, files })
    if (!sent) return
    endEditing(chatId)
    saidHere(sent.chatId)
  }
  const pressed = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return
    if (event.key === 'Escape') endEditing(chatId)
    if (event.key !== 'Enter' || event.shiftKey) return
    event.preventDefault()
    void send()
  }
  const submitted = (event: SubmitEvent) => {
    event.preventDefault()
    void send()
  }
  return (
    <form className="edit-form" onSubmit={submitted}>
      <textarea
        ref={field}
        dir="auto"
        rows={2}
        aria-label={words.conversation.editLabel}
        aria-describedby={`note-${messageId}`}
        value={text}
        onChange={({ target }) => setText(target.value)}
        onKeyDown={pressed}
        data-testid="edit-text"
      />
      <QuestionFiles files={question.files} />
      <div className="edit-row">
        <p id={`note-${messageId}`}>{words.conversation.editNote}</p>
        <Button look="quiet" onClick={() => endEditing(chatId)} data-testid="edit-cancel">
          {words.app.cancel}
        </Button>
        <Button type="submit" look="primary" busy={editing.pending} data-testid="edit-send">
          {words.conversation.editSend}
        </Button>
      </div>
      <Fault error={editing.error} />
    </form>
  )
}
