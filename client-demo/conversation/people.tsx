import type { By } from '@runnel/client'
import { useChat, useRead } from '@runnel/client/react'
import { createContext, useContext, useMemo, type ReactNode } from 'react'

interface People {
  /** The id that this chat's documents use for the person at this page; null: not known yet. */
  me: string | null
  /** Whether others may ask here, or have asked. */
  isShared: boolean
}

const Context = createContext<People>({ me: null, isShared: false })

/** Tells the messages below it who is who. */
export function PeopleOfChat({ chatId, children }: { chatId: string; children: ReactNode }) {
  const { messages } = useChat(chatId)
  const { data } = useRead(`people of ${chatId}`, (api, signal) => api.listMembers(chatId, { limit: 2 }, { signal }))
  const me = data?.you.id ?? null
  const isShared =
    me !== null && (data!.items.length > 1 || messages.some(({ by }) => by !== undefined && by.id !== me))
  const people = useMemo(() => ({ me, isShared }), [me, isShared])
  return <Context value={people}>{children}</Context>
}

export const usePeople = (): People => useContext(Context)

/** The name of another person; null for this one, and for nobody. */
export function useNameOfOther(by: By | undefined): string | null {
  const { me } = usePeople()
  return by === undefined || me === null || by.id === me ? null : by.name
}
