/** Something was said here, in this tab: what one has sent oneself is brought into view. */
const listeners = new Set<(chatId: string) => void>()

export function saidHere(chatId: string): void {
  for (const listener of listeners) listener(chatId)
}

export function onSaidHere(listener: (chatId: string) => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
