import { useSyncExternalStore } from 'react'

let isOpen = false
const listeners = new Set<() => void>()

export function setWireOpen(next: boolean): void {
  isOpen = next
  for (const listener of listeners) listener()
}

/** Whether the panel is open. It is closed each time the page loads. */
export function useWireOpen(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => isOpen,
  )
}
