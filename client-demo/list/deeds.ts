import type { RunnelError } from '@runnel/client'
import { useClient } from '@runnel/client/react'
import { useMemo, useSyncExternalStore } from 'react'
import { goTo } from '../address.ts'
import { doUnlessUndone } from '../ui/undo.tsx'
import { wordsNow } from '../words/words.ts'

/** Changes that were made to chats here and that the list from the server does not show yet. */
interface Deeds {
  /** Chats that are hidden because they are deleted, or about to be. */
  readonly hidden: ReadonlySet<string>
  /** The new title, with the old one that it replaces. */
  readonly titles: ReadonlyMap<string, { from: string; to: string }>
  /** Why the last change failed. */
  readonly error: RunnelError | null
}

let deeds: Deeds = { hidden: new Set(), titles: new Map(), error: null }
const listeners = new Set<() => void>()

function change(next: Partial<Deeds>): void {
  deeds = { ...deeds, ...next }
  for (const listener of listeners) listener()
}

/** Kept outside the list, because a drawer may close before a change is done. */
export function useDeeds(): Deeds {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => deeds,
  )
}

export interface ListChat {
  readonly id: string
  readonly title: string
}

/** The title to show. */
export function titleOf({ id, title }: ListChat, { titles }: Deeds): string {
  const changed = titles.get(id)
  return changed?.from === title ? changed.to : title
}

const hide = (id: string) => change({ hidden: new Set(deeds.hidden).add(id), error: null })

function showAgain(id: string, error: RunnelError | null): void {
  const hidden = new Set(deeds.hidden)
  hidden.delete(id)
  change({ hidden, error })
}

/** What a person can do with a chat in the list. */
export interface ChatActs {
  rename: (chat: ListChat, title: string) => void
  pin: (chat: ListChat, isPinned: boolean) => void
  /** Hides it at once, and deletes it after a moment unless that is undone. */
  remove: (chat: ListChat, isOpen: boolean) => void
}

export function useChatActs(): ChatActs {
  const { api } = useClient()
  return useMemo(
    () => ({
      rename: (chat, title) => {
        const { id, title: from } = chat
        const to = title.trim()
        if (to === '' || to === titleOf(chat, deeds)) return
        change({ titles: new Map(deeds.titles).set(id, { from, to }), error: null })
        api.renameChat(id, to).catch((error: RunnelError) => {
          const titles = new Map(deeds.titles)
          titles.delete(id)
          change({ titles, error })
        })
      },
      pin: ({ id }, pinned) => {
        change({ error: null })
        api.changeChat(id, { pinned }).catch((error: RunnelError) => change({ error }))
      },
      remove: (chat, isOpen) => {
        const { id } = chat
        hide(id)
        if (isOpen) goTo(null)
        doUnlessUndone({
          text: wordsNow().list.removed(titleOf(chat, deeds)),
          takeBack: () => {
            showAgain(id, null)
            if (isOpen) goTo(id)
          },
          perform: () =>
            void api.deleteChat(id).catch((error: RunnelError) => {
              // Somebody else deleted it first.
              if (error.code !== 'not_found') showAgain(id, error)
            }),
        })
      },
    }),
    [api],
  )
}
