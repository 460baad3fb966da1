import { useSyncExternalStore } from 'react'

/** What a screen reader says next, politely: the one place of the page for it. */
let text = ''
const listeners = new Set<() => void>()

export function announce(next: string): void {
  // The same again is said again.
  text = next === text ? `${next}\u00a0` : next
  for (const listener of listeners) listener()
}

/** Stands once on the page, from the beginning: what comes with its text already in it is not read out everywhere. */
export function Announcer() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => text,
  )
  return (
    <div className="visually-hidden" role="status" data-testid="status">
      {shown}
    </div>
  )
}
