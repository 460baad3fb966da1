import { useSyncExternalStore } from 'react'

/** The sheets that may cover the page, one at a time. */
export type Sheet = 'settings' | 'keys'

let sheet: Sheet | null = null
const listeners = new Set<() => void>()

/** Null shuts it. */
export function showSheet(next: Sheet | null): void {
  sheet = next
  for (const listener of listeners) listener()
}

export function useSheet(): Sheet | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => sheet,
  )
}
