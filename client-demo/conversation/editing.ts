import { useCallback } from 'react'
import { PerChat, usePerChat } from './store.ts'

/** The question of a chat that is being changed in this tab. */
const edited = new PerChat<string>()
/** This person's last question that may be changed. */
const lastQuestions = new PerChat<string>()

export function useEditing(chatId: string): [messageId: string | null, edit: (messageId: string | null) => void] {
  const id = usePerChat(edited, chatId, (value) => value)
  return [id, useCallback((messageId) => edited.set(chatId, messageId), [chatId])]
}

/** The same for one question, which renders only when it is concerned. */
export function useIsEdited(chatId: string, messageId: string): boolean {
  return usePerChat(edited, chatId, (id) => id === messageId)
}

/** What had the focus when editing began. */
let cameFrom: Element | null = null

export function editQuestion(chatId: string, messageId: string): void {
  cameFrom = document.activeElement
  edited.set(chatId, messageId)
}

/** Editing has ended: if it began from a text field, such as the composer, the focus goes back there. False: it did not. */
export function goBackToComposer(): boolean {
  const isComposer = cameFrom instanceof HTMLTextAreaElement && cameFrom.isConnected
  if (isComposer) (cameFrom as HTMLTextAreaElement).focus()
  cameFrom = null
  return isComposer
}

export const endEditing = (chatId: string): void => edited.set(chatId, null)

/** Begins to edit this person's last question on show. False: there is none, or they may not. */
export function editLastQuestion(chatId: string): boolean {
  const id = lastQuestions.get(chatId)
  if (id === null) return false
  editQuestion(chatId, id)
  return true
}

/** Tells which question is the last one on show. */
export const nameLastQuestion = (chatId: string, messageId: string | null): void => lastQuestions.set(chatId, messageId)
