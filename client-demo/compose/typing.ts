/** Who types in this tab, for those who may know: true while keys come, until so long after the last one. */
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

/** It was sent, or wiped. */
export function endTyping(chatId: string): void {
  if (!timers.has(chatId)) return
  clearTimeout(timers.get(chatId))
  timers.delete(chatId)
  tell()
}

/** Is something being written in this chat, in this tab? */
export function useTyping(chatId: string): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => timers.has(chatId),
  )
}
