import { useCallback } from 'react'
import { PerChat, usePerChat } from './store.ts'

/** The question of a chat that is being changed in this tab. */
const edited = new PerChat<string>()
/** The last question that may be. */
const lastQuestions = new PerChat<string>()

export function useEditing(chatId: string): [messageId: string | null, edit: (messageId: string | null) => void] {
  const id = usePerChat(edited, chatId, (value) => value)
  return [id, useCallback((messageId) => edited.set(chatId, messageId), [chatId])]
}

/** The same of one question, which renders only when it is about that. */
export function useIsEdited(chatId: string, messageId: string): boolean {
  return usePerChat(edited, chatId, (id) => id === messageId)
}

/** What had the keyboard when it began. */
let cameFrom: Element | null = null

export function editQuestion(chatId: string, messageId: string): void {
  cameFrom = document.activeElement
  edited.set(chatId, messageId)
}

/** It has ended: who came from elsewhere, such as from the composer, is there again. False: they did not. */
export function goBackToComposer(): boolean {
  const isComposer = cameFrom instanceof HTMLTextAreaElement && cameFrom.isConnected
  if (isComposer) (cameFrom as HTMLTextAreaElement).focus()
  cameFrom = null
  return isComposer
}

export const endEditing = (chatId: string): void => edited.set(chatId, null)

/** Begins to change the last question on show; false where there is none, or this person may not. */
export function editLastQuestion(chatId: string): boolean {
  const id = lastQuestions.get(chatId)
  if (id === null) return false
  editQuestion(chatId, id)
  return true
}

/** Says which one is the last on show. */
export const nameLastQuestion = (chatId: string, messageId: string | null): void => lastQuestions.set(chatId, messageId)
