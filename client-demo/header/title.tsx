import { useCall, useChat } from '@runnel/client/react'
import { useLayoutEffect, useRef, useState, type KeyboardEvent } from 'react'
import { Fault } from '../ui/fault.tsx'
import { useWords } from '../words/words.ts'

/** The title of a chat. People who may write can press it to change it. */
export function Title({ chatId }: { chatId: string }) {
  const words = useWords().header
  const { chat, role } = useChat(chatId)
  /** Null: the title is not being edited. */
  const [text, setText] = useState<string | null>(null)
  const [rename, renaming] = useCall(`title ${chatId}`, (api, title: string) => api.renameChat(chatId, title))
  const button = useRef<HTMLButtonElement>(null)
  /** The keyboard goes back to where it was before. */
  const isByKey = useRef(false)
  useLayoutEffect(() => {
    if (text !== null || !isByKey.current) return
    isByKey.current = false
    button.current?.focus()
  }, [text])
  if (!chat) return <h1 className="title" />
  const mayRename = role === 'owner' || role === 'editor'
  const end = async (isWanted: boolean) => {
    const title = text?.trim() ?? ''
    if (renaming.pending) return
    // What the server has not taken stays in the field.
    if (isWanted && title !== '' && title !== chat.title && !(await rename(title))) return
    renaming.reset()
    setText(null)
  }
  const pressed = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.nativeEvent.isComposing || (event.key !== 'Enter' && event.key !== 'Escape')) return
    event.stopPropagation()
    // It would press the button that has the keyboard then.
    event.preventDefault()
    isByKey.current = true
    void end(event.key === 'Enter')
  }
  const left = () => {
    isByKey.current = false
    void end(true)
  }
  const shown = chat.title || words.untitled
  return (
    <h1 className="title">
      {text !== null && mayRename ? (
        <input
          className="title-field"
          dir="auto"
          autoFocus
          aria-label={words.titleLabel}
          maxLength={200}
          value={text}
          onFocus={({ currentTarget }) => currentTarget.select()}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={pressed}
          onBlur={left}
          data-testid="title-field"
        />
      ) : mayRename ? (
        <button
          ref={button}
          type="button"
          dir="auto"
          title={words.rename}
          onClick={() => setText(chat.title)}
          data-testid="title"
        >
          {shown}
        </button>
      ) : (
        <span dir="auto" data-testid="title">
          {shown}
        </span>
      )}
      <Fault error={renaming.error} />
    </h1>
  )
}
