/**
 * What was written and not sent: a text a person, chat and tab, kept over reloads. A tab that opens a chat takes up the newest
 * text that any tab has of it; from its first key on it has one of its own. So no tab writes over the words of another, and
 * what is sent in one is gone in those that have only taken it up.
 */
import { forget, keep, kept, keptNames } from './kept.ts'
import { newKey } from './keys.ts'

/** In a storage that all tabs share, so many are kept, the newest ones. */
const mostKept = 50
/** A longer text is not kept. */
const longestKept = 200_000
const prefix = 'runnel-draft/'
const tabName = 'runnel-tab'

interface Slot {
  text: string
  at: number
  /** Taken up from there, as it was then. */
  from?: { name: string; at: number } | undefined
}

// A tab that is duplicated copies this storage: it holds the name only while the page is reloaded.
const tab = kept<string>(tabName, sessionStorage) ?? newKey()
forget(tabName, sessionStorage)
addEventListener('pagehide', () => keep(tabName, tab, sessionStorage))
addEventListener('pageshow', () => forget(tabName, sessionStorage))

const slots = new Map<string, Slot>()
const listeners = new Set<() => void>()

const placeOf = (writer: string, chat: string) => `${prefix}${encodeURIComponent(writer)}/${chat}/`

function slotOf(place: string): Slot {
  let slot = slots.get(place)
  if (!slot) slots.set(place, (slot = kept<Slot>(place + tab) ?? takeUp(place)))
  return slot
}

/** The newest that any tab has. */
function takeUp(place: string): Slot {
  const found = keptNames(place)
    .map((name) => ({ name, slot: kept<Slot>(name) }))
    .filter((one): one is { name: string; slot: Slot } => typeof one.slot?.text === 'string')
    .sort((a, b) => b.slot.at - a.slot.at)[0]
  return found
    ? { text: found.slot.text, at: found.slot.at, from: { name: found.name, at: found.slot.at } }
    : { text: '', at: 0 }
}

function put(place: string, slot: Slot): void {
  slots.set(place, slot)
  for (const listener of listeners) listener()
}

export const drafts = {
  read: (writer: string, chat: string): string => slotOf(placeOf(writer, chat)).text,

  write(writer: string, chat: string, text: string): void {
    const place = placeOf(writer, chat)
    const { from } = slotOf(place)
    const slot: Slot = { text, at: Date.now(), from }
    if (text !== '') {
      const isNew = kept(place + tab) === null
      // Whoever it is, is not known yet: nobody else may find it.
      if (writer !== '' && text.length <= longestKept) keep(place + tab, slot)
      if (isNew) dropOldest()
      return put(place, slot)
    }
    forget(place + tab)
    // What this text came from is done with, too, unless it has been changed over there.
    if (from && kept<Slot>(from.name)?.at === from.at) forget(from.name)
    put(place, { text, at: slot.at })
  },

  /** What was written before it was known by whom. */
  name(writer: string, chat: string): void {
    const nameless = placeOf('', chat)
    const { text } = slots.get(nameless) ?? { text: '' }
    slots.delete(nameless)
    if (text !== '') drafts.write(writer, chat, text)
  },

  subscribe: (listener: () => void): (() => void) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  },
}

/** Forgets all that anybody has written here and not sent: they have signed out. */
export function forgetDrafts(): void {
  for (const name of keptNames(prefix)) forget(name)
  slots.clear()
  for (const listener of listeners) listener()
}

function dropOldest(): void {
  const names = keptNames(prefix)
  if (names.length <= mostKept) return
  const aged = names.map((name) => ({ name, at: kept<Slot>(name)?.at ?? 0 })).sort((a, b) => a.at - b.at)
  for (const { name } of aged.slice(0, names.length - mostKept)) forget(name)
}

/** Another tab has sent, or wiped, what this one has taken up and not touched. */
addEventListener('storage', ({ key, newValue }) => {
  if (newValue !== null || key === null) return
  for (const [place, { from }] of slots)
    if (from?.name === key && kept(place + tab) === null) put(place, { text: '', at: Date.now() })
})
