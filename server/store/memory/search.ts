import { Breath } from '../../waiting/breath.ts'
import { decodeOffset, matchesPage } from '../cursor.ts'
import { queryWordsOf } from '../search-words.ts'
import { searchableText } from '../searchable.ts'
import type { FoundChat, ListedChat, SaidMessage, Store, StoredChat } from '../store.ts'
import { holdsWords } from '../word-index.ts'

/** Reads all texts of a user for each search, with pauses. `ownChats`: those that are listed, oldest first. */
export function memorySearch(
  ownChats: (userId: string) => readonly { row: StoredChat }[],
  messagesOf: (chatId: string) => readonly { row: SaidMessage }[],
  listed: (userId: string, row: StoredChat) => ListedChat,
): Store['searchChats'] {
  return async (userId, query, page) => {
    const offset = decodeOffset(page.cursor)
    const words = queryWordsOf(query)
    const breath = new Breath()
    /** A message that matches, the newest; null: only the title does; undefined: nothing. */
    const placeIn = async ({ id, title }: StoredChat) => {
      for (const { row } of messagesOf(id).toReversed())
        if (row.json && (await holdsWords(searchableText(row.json), words, breath))) return row.id
      return (await holdsWords(title, words, breath)) ? null : undefined
    }
    const found: { row: StoredChat; messageId: string | null }[] = []
    for (const { row } of words.length > 0 ? ownChats(userId).toReversed() : []) {
      const messageId = await placeIn(row)
      if (messageId !== undefined) found.push({ row, messageId })
    }
    // What is gone by the time that all is read is not shown.
    const own = new Set(ownChats(userId).map(({ row }) => row))
    return matchesPage(
      found.filter(({ row }) => own.has(row)).slice(offset),
      offset,
      page,
      ({ row, messageId }): FoundChat => ({ ...listed(userId, row), messageId }),
    )
  }
}
