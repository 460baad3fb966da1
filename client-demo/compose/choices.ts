/** The models and tools that a person chose for a chat. Kept in this browser; a new chat starts with the last choice. */
import { useSyncExternalStore } from 'react'
import { keep, kept } from './kept.ts'
import { newChat } from './outbox.ts'

export interface Choices {
  /** None: the chat's or the server's default. Several: they answer side by side. */
  readonly models: readonly string[]
  /** Names of the tools that may be used; null: all. */
  readonly tools: readonly string[] | null
}

const name = 'runnel-choices'
const mostKept = 200
const nothing: Choices = { models: [], tools: null }
const listeners = new Set<() => void>()
let all = read()

function read(): Map<string, Choices> {
  try {
    return new Map(kept<[string, Choices][]>(name))
  } catch {
    return new Map()
  }
}

function put(chat: string, choices: Choices): void {
  // Another tab may have changed the choices of another chat.
  all = read()
  for (const place of [chat, newChat]) {
    all.delete(place)
    all.set(place, choices)
  }
  for (const [oldest] of all) {
    if (all.size <= mostKept) break
    all.delete(oldest)
  }
  keep(name, [...all])
  for (const listener of listeners) listener()
}

export function useChoices(chat: string): [Choices, (change: Partial<Choices>) => void] {
  const choices = useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => all.get(chat) ?? nothing,
  )
  return [choices, (change) => put(chat, { ...choices, ...change })]
}

/** Called when a new chat has been created: the choices made for it now belong to it. */
export function nameChoices(chatId: string): void {
  const choices = all.get(newChat)
  if (choices) put(chatId, choices)
}
