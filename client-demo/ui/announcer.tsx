import { useSyncExternalStore } from 'react'

/** The page's one live region: screen readers read politely what is put here. */
let text = ''
const listeners = new Set<() => void>()

export function announce(next: string): void {
  // Say the same text again if it comes again.
  text = next === text ? `${next}\u00a0` : next
  for (const listener of listeners) listener()
}

/** It is on the page from the start, because not every screen reader reads a live region that appears with its text already in it. */
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
