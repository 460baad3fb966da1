import { useMemo, useState, type FocusEvent, type KeyboardEvent, type ReactNode } from 'react'
import { useVisible } from '../ui/media.ts'
import { titleOf, useChatActs, useDeeds } from './deeds.ts'
import type { Group } from './groups.ts'
import { Row, type RowChat } from './row.tsx'

export interface RowsProps {
  groups: readonly Group<RowChat>[]
  label: string
  chatId: string | null
  chosen: () => void
  /** What comes before and after the rows. */
  before?: ReactNode
  after?: ReactNode
}

/** Chats in their groups. Arrow keys move through them, F2 renames, Delete deletes. */
export function Rows({ groups, label, chatId, chosen, before, after }: RowsProps) {
  const acts = useChatActs()
  const deeds = useDeeds()
  const isVisible = useVisible()
  const [focused, setFocused] = useState<string | null>(null)
  const [renaming, setRenaming] = useState<string | null>(null)
  const shown = useMemo(
    () =>
      groups.flatMap(({ name, chats }) => {
        const left = chats.filter(({ id }) => !deeds.hidden.has(id))
        return left.length === 0 ? [] : [{ name, chats: left }]
      }),
    [groups, deeds.hidden],
  )
  const all = shown.flatMap(({ chats }) => chats)
  const has = (id: string | null) => all.some((chat) => chat.id === id)
  const tabStop = has(focused) ? focused : has(chatId) ? chatId : all[0]?.id

  const came = (event: FocusEvent) => setFocused(idOf(event.target) ?? focused)
  const pressed = (event: KeyboardEvent<HTMLElement>) => {
    const { key, target, currentTarget } = event
    const chat = all.find(({ id }) => id === idOf(target as Element))
    if (!chat || !(target as Element).matches('.chat')) return
    if (key === 'F2' && chat.role !== 'viewer') setRenaming(chat.id)
    else if (key === 'Delete' && chat.role === 'owner') {
      walk(currentTarget, target as Element, 'ArrowDown')
      acts.remove(chat, chat.id === chatId)
    } else if (!walk(currentTarget, target as Element, key)) return
    event.preventDefault()
  }
  return (
    <div className="chats" role="group" aria-label={label} data-testid="chats" onFocus={came} onKeyDown={pressed}>
      {before}
      {shown.map(({ name, chats }) => (
        <section key={name} aria-label={name || label}>
          {name && <h2 className="group">{name}</h2>}
          <ul>
            {chats.map((chat) => (
              <Row
                key={chat.id}
                chat={chat}
                title={titleOf(chat, deeds)}
                isOpen={chat.id === chatId}
                isRead={chat.id === chatId && isVisible}
                isTabStop={chat.id === tabStop}
                isRenaming={chat.id === renaming}
                acts={acts}
                rename={setRenaming}
                chosen={chosen}
              />
            ))}
          </ul>
        </section>
      ))}
      {after}
    </div>
  )
}

const idOf = (element: Element) => element.closest<HTMLElement>('[data-chat-id]')?.dataset['chatId'] ?? null

/** Moves the focus from row to row. False: this key moves nothing. */
function walk(list: Element, from: Element, key: string): boolean {
  const rows = [...list.querySelectorAll<HTMLElement>('.chat')]
  const at = rows.indexOf(from as HTMLElement)
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[key]
  if (to === undefined) return false
  if (to < 0) document.querySelector<HTMLElement>('.search input')?.focus()
  else rows[to]?.focus()
  return true
}
