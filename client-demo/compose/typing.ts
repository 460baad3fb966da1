/** Whether somebody types in this tab: true from the first key until a moment after the last one. */
import { useSyncExternalStore } from 'react'

const pauseMs = 3_000
const timers = new Map<string, ReturnType<typeof setTimeout>>()
const listeners = new Set<() => void>()

function tell(): void {
  for (const listener of listeners) listener()
}

/** A key was pressed in this chat. */
export function typedIn(chatId: string): void {
  const timer = timers.get(chatId)
  clearTimeout(timer)
  timers.set(
    chatId,
    setTimeout(() => endTyping(chatId), pauseMs),
  )
  if (timer === undefined) tell()
}

/** The text was sent or cleared. */
export function endTyping(chatId: string): void {
  if (!timers.has(chatId)) return
  clearTimeout(timers.get(chatId))
  timers.delete(chatId)
  tell()
}

/** Whether something is being typed in this chat, in this tab. */
export function useTyping(chatId: string): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => timers.has(chatId),
  )
}
