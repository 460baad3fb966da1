import { useCall, useChat } from '@runnel/client/react'
import { useState, type KeyboardEvent } from 'react'
import { Fault } from '../ui/fault.tsx'
import { useWords } from '../words/words.ts'

/** The title of a chat. People who may write can press it to change it. */
export function Title({ chatId }: { chatId: string }) {
  const words = useWords().header
  const { chat, role } = useChat(chatId)
  /** Null: the title is not being edited. */
  const [text, setText] = useState<string | null>(null)
  const [rename, renaming] = useCall(`title ${chatId}`, (api, title: string) => api.renameChat(chatId, title))
  if (!chat) return <h1 className="title" />
  const mayRename = role === 'owner' || role === 'editor'
  const end = (isWanted: boolean) => {
    const title = text?.trim() ?? ''
    setText(null)
    if (isWanted && title !== '' && title !== chat.title) void rename(title)
  }
  const pressed = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing || (event.key !== 'Enter' && event.key !== 'Escape')) return
    event.stopPropagation()
    end(event.key === 'Enter')
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
          onBlur={() => end(true)}
          data-testid="title-field"
        />
      ) : mayRename ? (
        <button type="button" dir="auto" title={words.rename} onClick={() => setText(chat.title)} data-testid="title">
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
