/** The files that are chosen for the next question of a chat, in this tab. */
import type { Client } from '@runnel/client'
import { useSyncExternalStore } from 'react'
import { Attachment } from './attachment.ts'

const none: readonly Attachment[] = []
const chosen = new Map<string, readonly Attachment[]>()
const listeners = new Set<() => void>()

function put(chat: string, files: readonly Attachment[]): void {
  if (files.length === 0) chosen.delete(chat)
  else chosen.set(chat, files)
  for (const listener of listeners) listener()
}

export function useAttachments(chat: string): readonly Attachment[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => chosen.get(chat) ?? none,
  )
}

/** In a chat they are uploaded at once; in a new chat when it is created, with its first question. */
export function attach(client: Client, chat: string, chatId: string | null, files: readonly File[]): void {
  const more = files.map((file) => new Attachment(file))
  put(chat, [...(chosen.get(chat) ?? none), ...more])
  if (chatId !== null) for (const one of more) one.upload(client, chatId).catch(() => {})
}

export function detach(chat: string, attachment: Attachment): void {
  attachment.leave()
  put(
    chat,
    (chosen.get(chat) ?? none).filter((one) => one !== attachment),
  )
}

/** Hands the files over to a question that is being sent. */
export function takeAttachments(chat: string): readonly Attachment[] {
  const taken = chosen.get(chat) ?? none
  put(chat, none)
  return taken
}

/** Puts them back after a question was not sent. */
export function bringBack(chat: string, files: readonly Attachment[]): void {
  if (files.length > 0) put(chat, [...files, ...(chosen.get(chat) ?? none)])
}
