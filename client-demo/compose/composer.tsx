import { isTerminal } from '@runnel/client'
import { useBranch, useClient } from '@runnel/client/react'
import {
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  useSyncExternalStore,
  type ClipboardEvent,
  type KeyboardEvent,
} from 'react'
import { goTo } from '../address.ts'
import { editLastQuestion } from '../conversation/editing.ts'
import { saidHere } from '../conversation/said.ts'
import { IconButton } from '../ui/button.tsx'
import { Fault } from '../ui/fault.tsx'
import { ArrowUp } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'
import { AttachButton } from './attach-button.tsx'
import { AttachmentList } from './attachment-list.tsx'
import { attach, bringBack, detach, takeAttachments, useAttachments } from './attachments.ts'
import { nameChoices, useChoices } from './choices.ts'
import { useDraft } from './draft.ts'
import { drafts } from './drafts.ts'
import { useDrop } from './drop.ts'
import { useGrowing } from '../ui/growing.ts'
import { isSend, isUp } from './keys-pressed.ts'
import { ModelButton } from './model-button.tsx'
import { mostWaiting, newChat, onSent, outboxOf } from './outbox.ts'
import { OutgoingList } from './outgoing.tsx'
import { SettingsButton } from './settings-button.tsx'
import { StopButton } from './stop-button.tsx'
import { ToolsButton } from './tools-button.tsx'
import { endTyping, typedIn } from './typing.ts'
import { useWriter } from './writer.ts'
import './compose.css'

/** With a physical keyboard the field has the focus from the start. */
const hasKeyboard = matchMedia('(pointer: fine)').matches

/** The field that people write in. Null: a new chat, which is created with its first message. */
export function Composer({ chatId }: { chatId: string | null }) {
  return chatId === null ? <Field chatId={null} live={null} lastModel={null} /> : <InChat chatId={chatId} />
}

function InChat({ chatId }: { chatId: string }) {
  const { entries } = useBranch(chatId)
  const answers = entries.filter(({ message }) => message.role === 'assistant')
  const live = answers.findLast(({ message }) => !isTerminal(message.status))
  const lastModel = answers.at(-1)?.message.model ?? null
  return <Field chatId={chatId} live={live?.message.id ?? null} lastModel={lastModel} />
}

interface FieldProps {
  chatId: string | null
  /** The answer that is being written on the branch on show. */
  live: string | null
  /** The model that gave the last answer. */
  lastModel: string | null
}

function Field({ chatId, live, lastModel }: FieldProps) {
  const words = useWords().compose
  const client = useClient()
  const outbox = outboxOf(client)
  const place = chatId ?? newChat
  const writer = useWriter()
  const [text, setText] = useDraft(writer, place)
  const files = useAttachments(place)
  const [choices] = useChoices(place)
  const fault = useSyncExternalStore(outbox.subscribe, () => outbox.fault(place))
  const [isFull, setFull] = useState(false)
  const field = useRef<HTMLTextAreaElement>(null)
  useGrowing(field, text)
  useEffect(() => outbox.load(writer), [outbox, writer])
  useEffect(
    () =>
      onSent((entry, sent) => {
        // A message that waits is shown in the list of waiting messages.
        if (sent.waitingId === undefined) saidHere(sent.chatId)
        if (entry.field !== newChat) return
        nameChoices(sent.chatId)
        // Open the new chat only if the person still looks at the field it was written in. What they have begun to write since goes along.
        if (place !== newChat) return
        drafts.write(writer, sent.chatId, drafts.read(writer, newChat))
        drafts.write(writer, newChat, '')
        bringBack(sent.chatId, takeAttachments(newChat))
        goTo(sent.chatId)
      }),
    [place, writer],
  )
  // What was begun is gone on with at its end.
  useLayoutEffect(() => {
    const { current } = field
    current?.setSelectionRange(current.value.length, current.value.length)
  }, [])
  const take = useCallback((more: readonly File[]) => attach(client, place, chatId, more), [client, place, chatId])
  const isOver = useDrop(take)
  const isEmpty = text.trim() === ''
  const change = (next: string) => {
    setText(next)
    outbox.dismiss(place)
    if (chatId === null) return
    if (next === '') endTyping(chatId)
    else typedIn(chatId)
  }
  const submit = () => {
    // Read the stored text, not the rendered one: a second Enter may come before the empty field is rendered.
    const text = drafts.read(writer, place)
    if (text.trim() === '') return field.current?.focus()
    const request = choices.tools === null ? {} : { tools: [...choices.tools] }
    const written = { writer, field: place, text, files, request, models: choices.models, chatId }
    const isTaken = outbox.add(written)
    setFull(!isTaken)
    if (!isTaken) return
    takeAttachments(place)
    setText('')
    if (chatId !== null) endTyping(chatId)
    field.current?.focus()
  }
  const pressed = (event: KeyboardEvent) => {
    if (isSend(event)) {
      event.preventDefault()
      submit()
    } else if (isUp(event) && text === '' && files.length === 0 && chatId !== null && editLastQuestion(chatId)) {
      event.preventDefault()
    }
  }
  const pasted = (event: ClipboardEvent) => {
    const pictures = [...event.clipboardData.files]
    // If the clipboard also has text, such as spreadsheet cells, the person means the text.
    if (pictures.length === 0 || event.clipboardData.types.includes('text/plain')) return
    event.preventDefault()
    take(pictures)
  }
  return (
    <div className="compose">
      <OutgoingList outbox={outbox} field={place} writer={writer} />
      <div className="composer" data-over={isOver || undefined}>
        <AttachmentList
          files={files}
          remove={(file) => {
            detach(place, file)
            field.current?.focus()
          }}
          retry={chatId === null ? undefined : (file) => void file.upload(client, chatId).catch(() => {})}
        />
        <textarea
          ref={field}
          id="composer"
          data-testid="composer"
          dir="auto"
          rows={1}
          autoFocus={hasKeyboard}
          aria-label={words.placeholder}
          aria-describedby="composer-hint"
          placeholder={isOver ? words.dropHere : live ? words.placeholderBehind : words.placeholder}
          value={text}
          onChange={({ target }) => change(target.value)}
          onKeyDown={pressed}
          onPaste={pasted}
        />
        <div className="composer-row">
          <AttachButton take={take} />
          <ModelButton place={place} lastModel={lastModel} />
          <ToolsButton place={place} />
          {chatId !== null && <SettingsButton chatId={chatId} />}
          <span className="composer-end">
            {live !== null && isEmpty && files.length === 0 ? (
              <StopButton messageId={live} />
            ) : (
              <IconButton
                look="primary"
                className="send"
                label={words.send}
                icon={ArrowUp}
                aria-disabled={isEmpty || undefined}
                onClick={submit}
                data-testid="send"
              />
            )}
          </span>
        </div>
        {isFull && <p className="fault">{words.tooManyWait(mostWaiting)}</p>}
        <Fault error={fault} />
      </div>
      <p className="compose-hint" id="composer-hint">
        {words.hint}
      </p>
    </div>
  )
}
