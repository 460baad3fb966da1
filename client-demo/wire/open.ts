import { useSyncExternalStore } from 'react'

let isOpen = false
const listeners = new Set<() => void>()

export function setWireOpen(next: boolean): void {
  isOpen = next
  for (const listener of listeners) listener()
}

/** Is the wire panel on show? Off until somebody asks for it, each time. */
export function useWireOpen(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => isOpen,
  )
}
