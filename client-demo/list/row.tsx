import type { FoundChat, ListedChat } from '@runnel/client'
import { memo } from 'react'
import { addressOf } from '../address.ts'
import { IconButton } from '../ui/button.tsx'
import { Ellipsis, Pencil, Pin, PinOff, Trash2 } from '../ui/icons.ts'
import { ChoiceMenu } from '../ui/menu.tsx'
import { useWords } from '../words/words.ts'
import type { ChatActs } from './deeds.ts'
import { Mark, markOf } from './mark.tsx'
import { RenameField } from './rename-field.tsx'

export type RowChat = ListedChat & Partial<Pick<FoundChat, 'match'>>

export interface RowProps {
  chat: RowChat
  /** The title to show. */
  title: string
  isOpen: boolean
  /** Whether it is open in a tab that is in view. */
  isRead: boolean
  /** Whether Tab stops at this row. From there the arrow keys move on. */
  isTabStop: boolean
  isRenaming: boolean
  acts: ChatActs
  rename: (chatId: string | null) => void
  chosen: () => void
}

/** One chat of the list. */
export const Row = memo(function Row(props: RowProps) {
  const { chat, title, isOpen, isRead, isTabStop, isRenaming, acts, rename, chosen } = props
  const words = useWords().list
  const name = title || words.untitled
  const mark = markOf(chat, isRead)
  if (isRenaming)
    return (
      <li className="row" data-chat-id={chat.id}>
        <RenameField
          title={title}
          done={(next) => {
            if (next !== null) acts.rename(chat, next)
            rename(null)
          }}
        />
      </li>
    )
  const mayWrite = chat.role !== 'viewer'
  return (
    <li className="row" data-chat-id={chat.id} data-unread={mark === 'unread' || undefined}>
      <a
        className="chat"
        href={addressOf(chat.id, chat.match?.messageId ?? undefined)}
        aria-current={isOpen ? 'page' : undefined}
        tabIndex={isTabStop ? 0 : -1}
        onClick={chosen}
      >
        <span className="chat-title" dir="auto">
          {name}
        </span>
        {mark && <Mark kind={mark} />}
        {chat.match && <Place match={chat.match} />}
      </a>
      <ChoiceMenu
        button={
          <IconButton
            className="row-menu"
            label={words.actsOf(name)}
            icon={Ellipsis}
            tabIndex={isTabStop ? 0 : -1}
            data-testid="chat-menu"
          />
        }
        choices={[
          mayWrite && { label: words.rename, icon: Pencil, act: () => rename(chat.id) },
          chat.pinned
            ? { label: words.unpin, icon: PinOff, act: () => acts.pin(chat, false) }
            : { label: words.pin, icon: Pin, act: () => acts.pin(chat, true) },
          chat.role === 'owner' && {
            label: words.remove,
            icon: Trash2,
            isDangerous: true,
            act: () => acts.remove(chat, isOpen),
          },
        ]}
      />
    </li>
  )
})

/** The text that matched a search. A match in the title is visible already. */
function Place({ match: { messageId, snippet } }: Pick<FoundChat, 'match'>) {
  if (messageId === null || snippet.length === 0) return null
  return (
    <span className="place" dir="auto" data-testid="place">
      {snippet.map(({ text, match }, at) => (match ? <mark key={at}>{text}</mark> : text))}
    </span>
  )
}
