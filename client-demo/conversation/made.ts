/** Chats that this tab has made: one may write in them before the server has said so. */
const made = new Set<string>()

export const madeHere = (chatId: string): void => void made.add(chatId)

export const isMadeHere = (chatId: string): boolean => made.has(chatId)
