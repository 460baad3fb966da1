import type { Message } from '../../shared/schema.ts'
import { queryWordsOf, wordsOf } from './search-words.ts'
import { searchableText } from './searchable.ts'
import type { SqliteConnection } from './sqlite-connection.ts'

/** Different words of one text that are found: of a text with more, the first ones. */
const maxWords = 20_000
/** What ranks: how often a word is there, up to so many. */
const maxCount = 8

/**
 * Words of titles and messages, by chat: a search looks into the chats of who
 * asks, and nobody else's words cost anything. Writers are called inside a
 * transaction.
 */
export interface SqliteSearch {
  putTitle(chatId: string, title: string): void
  putMessage(message: Message): void
  removeChat(chatId: string): void
  removeMessage(messageId: string): void
  /** Numbers of the chats of a user that match, best first. */
  find(userId: string, query: string, offset: number, limit: number): number[]
}

export function sqliteSearch(connection: SqliteConnection): SqliteSearch {
  // A message is known by its number, a title by that of its chat, below zero.
  const selectTitle = connection.prepare('SELECT -number AS owner, number AS chat FROM chats WHERE id = ?')
  const selectMessage = connection.prepare(
    'SELECT messages.number AS owner, chats.number AS chat FROM messages JOIN chats ON chats.id = chat_id WHERE messages.id = ?',
  )
  const selectWords = connection.prepare('SELECT chat, words FROM word_owners WHERE owner = ?')
  const deleteOwner = connection.prepare('DELETE FROM word_owners WHERE owner = ?')
  const deleteWord = connection.prepare('DELETE FROM words WHERE chat = ? AND word = ? AND owner = ?')
  const insertOwner = connection.prepare('INSERT INTO word_owners (owner, chat, words) VALUES (?, ?, ?)')
  const insertWord = connection.prepare('INSERT INTO words (chat, word, owner, weight) VALUES (?, ?, ?, ?)')
  // The first word leaves few chats; the order of the joins is this one, from the user's own chats to their words.
  const find = connection.prepare(
    `WITH own AS MATERIALIZED (
       SELECT chats.number FROM members CROSS JOIN chats ON chats.id = members.chat_id
         WHERE members.user_id = ?1 AND chats.expires_at IS NULL AND EXISTS (
           SELECT 1 FROM words WHERE chat = chats.number AND word >= ?2 AND word < ?2 || char(1114111))
     ), wanted AS MATERIALIZED (SELECT value AS word FROM json_each(?3)),
     hits AS (
       SELECT words.chat, sum(weight) AS rank
         FROM own CROSS JOIN wanted
         CROSS JOIN words ON words.chat = own.number AND words.word >= wanted.word AND words.word < wanted.word || char(1114111)
         GROUP BY words.chat, words.owner HAVING count(DISTINCT wanted.word) = json_array_length(?3)
     )
     SELECT chat, max(rank) AS best FROM hits GROUP BY chat ORDER BY best DESC, chat DESC LIMIT ?5 OFFSET ?4`,
  )

  type Owner = { owner: number; chat: number }

  function remove(owner: number): void {
    const known = selectWords.get(owner)
    if (!known) return
    for (const word of String(known['words']).split(' ')) deleteWord.run(known['chat']!, word, owner)
    deleteOwner.run(owner)
  }

  function put({ owner, chat }: Owner, text: string): void {
    remove(owner)
    const words = wordsOf(text)
    const counts = new Map<string, number>()
    for (const word of words) {
      const count = counts.get(word) ?? 0
      if (count > 0 || counts.size < maxWords) counts.set(word, Math.min(count + 1, maxCount))
    }
    if (counts.size === 0) return
    insertOwner.run(owner, chat, [...counts.keys()].join(' '))
    for (const [word, count] of counts) insertWord.run(chat, word, owner, count / (1 + Math.log(words.length)))
  }

  const titleOf = (chatId: string) => selectTitle.get(chatId) as Owner | undefined
  const messageOf = (messageId: string) => selectMessage.get(messageId) as Owner | undefined

  return {
    putTitle(chatId, title) {
      const owner = titleOf(chatId)
      if (owner) put(owner, title)
    },
    putMessage(message) {
      const owner = messageOf(message.id)
      if (owner) put(owner, searchableText(message))
    },
    removeChat(chatId) {
      const owner = titleOf(chatId)
      if (owner) remove(owner.owner)
    },
    removeMessage(messageId) {
      const owner = messageOf(messageId)
      if (owner) remove(owner.owner)
    },
    find: (userId, query, offset, limit) =>
      connection.read(() => {
        const words = queryWordsOf(query)
        if (words.length === 0) return []
        const rows = find.all(userId, words[0]!, JSON.stringify(words), offset, limit)
        return rows.map((row) => Number(row['chat']))
      }),
  }
}
