import type { Words } from '../words/words.ts'
import type { Json, Present, User } from '@runnel/client'

/** Somebody who is here, in one tab or several. */
export interface Somebody {
  /** Their user id. Guests share one id, so theirs has the name of their browser added. */
  readonly key: string
  readonly id: string
  readonly name: string
  readonly isGuest: boolean
  readonly tabs: number
  readonly isTyping: boolean
  /** The message that they read, if they are not at the end. */
  readonly at: string | null
}

/** What this tab tells the others about itself. */
export interface Said {
  typing?: true
  at?: string
  /** All guests of a link have one id: this tells their browsers apart. */
  browser?: string
}

/** The server gives such ids to people who come by a link. */
export const isGuestId = (id: string): boolean => id.startsWith('guest:')

/** The other people here, each once, and the number of this person's other tabs. */
export function peopleIn(
  others: readonly Present[],
  me: User | null,
  browser: string,
): { people: Somebody[]; ownTabs: number } {
  const people = new Map<string, Somebody>()
  let ownTabs = 0
  for (const present of others) {
    const { user } = present
    const isGuest = isGuestId(user.id)
    const theirs = text(present['browser'])
    if (user.id === me?.id && (!isGuest || theirs === browser)) {
      ownTabs++
      continue
    }
    const key = isGuest && theirs !== null ? `${user.id} ${theirs}` : user.id
    const known = people.get(key)
    people.set(key, {
      key,
      id: user.id,
      name: user.name,
      isGuest,
      tabs: (known?.tabs ?? 0) + 1,
      isTyping: known?.isTyping === true || present['typing'] === true,
      at: known?.at ?? text(present['at']),
    })
  }
  return { people: [...people.values()], ownTabs }
}

const text = (value: Json | undefined): string | null => (typeof value === 'string' ? value : null)

/** Oneself in a list of people. Where nobody signs in there is one user, who has no name. */
export function oneself(userId: string, name: string, words: Words): string {
  return userId === 'local' ? words.app.you : words.header.you(name)
}
