import { isTerminal } from '@runnel/client'
import { useBranch, useSend, useStop } from '@runnel/client/react'
import { useState, type KeyboardEvent } from 'react'
import { goTo } from '../address.ts'
import { IconButton } from '../ui/button.tsx'
import { Fault } from '../ui/fault.tsx'
import { ArrowUp, Square } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'
import './compose.css'

/** Where a person writes. Null: a new chat, which is made with the first message. */
export function Composer({ chatId }: { chatId: string | null }) {
  const words = useWords().compose
  const [text, setText] = useState('')
  const [send, sending] = useSend(chatId)
  const submit = async () => {
    if (text.trim() === '') return
    const sent = await send({ content: text, whenBusy: 'queue' })
    if (!sent) return
    setText('')
    if (chatId === null) goTo(sent.chatId)
  }
  const pressed = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
    event.preventDefault()
    void submit()
  }
  return (
    <div className="composer">
      <textarea
        id="composer"
        data-testid="composer"
        dir="auto"
        rows={1}
        autoFocus
        aria-label={words.placeholder}
        placeholder={words.placeholder}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={pressed}
      />
      <div className="composer-row">
        {chatId !== null && <StopButton chatId={chatId} />}
        <IconButton
          look="primary"
          className="send"
          label={words.send}
          icon={ArrowUp}
          busy={sending.pending}
          onClick={() => void submit()}
          data-testid="send"
        />
      </div>
      <Fault error={sending.error} />
    </div>
  )
}

/** Stops the answer that is being written on the branch on show; not there where none is. */
function StopButton({ chatId }: { chatId: string }) {
  const words = useWords().compose
  const { entries } = useBranch(chatId)
  const live = entries.findLast(({ message }) => message.role === 'assistant' && !isTerminal(message.status))
  const [stop, stopping] = useStop(live?.message.id ?? '')
  if (!live) return null
  return (
    <IconButton
      label={words.stop}
      icon={Square}
      busy={stopping.pending}
      onClick={() => void stop()}
      data-testid="stop"
    />
  )
}
