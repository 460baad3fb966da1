/**
 * Texts that were written but not sent: one for each person, chat and tab, kept over reloads. A tab that opens a chat takes over the newest
 * text that any tab has for it. From its first key press it has a text of its own. So no tab overwrites the words of another, and
 * what is sent in one tab disappears from tabs that only took it over.
 */
import { forget, keep, kept, keptNames } from './kept.ts'
import { newKey } from './keys.ts'

/** The newest ones are kept, up to this many, in storage that all tabs share. */
const mostKept = 50
/** Drafts that are older are forgotten, ms. */
const longestKeptMs = 30 * 24 * 3_600_000
/** Longer texts are not kept. */
const longestKept = 200_000
const prefix = 'runnel-draft/'
const tabName = 'runnel-tab'

interface Slot {
  text: string
  at: number
  /** The text that was taken over, as it was then. */
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
  const known = slots.get(place)
  if (known) return known
  dropOldest()
  const slot = kept<Slot>(place + tab) ?? takeUp(place)
  slots.set(place, slot)
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
      // It is not known yet who writes: nobody else may find it.
      if (writer !== '' && text.length <= longestKept) keep(place + tab, slot)
      if (isNew) dropOldest()
      return put(place, slot)
    }
    forget(place + tab)
    // Also clear the text that this one was taken from, unless it has changed since.
    if (from && kept<Slot>(from.name)?.at === from.at) forget(from.name)
    put(place, { text, at: slot.at })
  },

  /** Text that was written before the server told who writes. */
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

function dropOldest(): void {
  const before = Date.now() - longestKeptMs
  const aged = keptNames(prefix)
    .map((name) => ({ name, at: kept<Slot>(name)?.at ?? 0 }))
    .sort((a, b) => b.at - a.at)
  aged.forEach(({ name, at }, index) => (index >= mostKept || at < before) && forget(name))
}

/** Another tab has sent or cleared the text that this one took over and did not change. */
addEventListener('storage', ({ key, newValue }) => {
  if (newValue !== null || key === null) return
  for (const [place, { from }] of slots)
    if (from?.name === key && kept(place + tab) === null) put(place, { text: '', at: Date.now() })
})
