/** Something was sent from this tab: a person's own message is brought into view. */
const listeners = new Set<(chatId: string) => void>()

export function saidHere(chatId: string): void {
  for (const listener of listeners) listener(chatId)
}

export function onSaidHere(listener: (chatId: string) => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
