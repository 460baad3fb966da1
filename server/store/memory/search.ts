import { Breath } from '../../waiting/breath.ts'
import { decodeOffset, matchesPage } from '../cursor.ts'
import { queryWordsOf } from '../search-words.ts'
import { searchableText } from '../searchable.ts'
import type { StoredChat, SaidMessage, Store } from '../store.ts'
import { holdsWords } from '../word-index.ts'

/** Reads all texts of a user for each search, with pauses. `ownChats`: those that are listed, oldest first. */
export function memorySearch(
  ownChats: (userId: string) => readonly { row: StoredChat }[],
  messagesOf: (chatId: string) => readonly { row: SaidMessage }[],
): Store['searchChats'] {
  return async (userId, query, page) => {
    const offset = decodeOffset(page.cursor)
    const words = queryWordsOf(query)
    const breath = new Breath()
    const isFound = async ({ id, title }: StoredChat) => {
      if (await holdsWords(title, words, breath)) return true
      for (const { row } of messagesOf(id))
        if (row.json && (await holdsWords(searchableText(row.json), words, breath))) return true
      return false
    }
    const found: StoredChat[] = []
    for (const { row } of words.length > 0 ? ownChats(userId).toReversed() : []) if (await isFound(row)) found.push(row)
    // What is gone by the time that all is read is not shown.
    const own = new Set(ownChats(userId).map(({ row }) => row))
    return matchesPage(found.filter((row) => own.has(row)).slice(offset), offset, page, (row) => structuredClone(row))
  }
}
