import type { Message } from '../../shared/schema.ts'
import { searchableText } from './searchable.ts'
import type { SqliteConnection } from './sqlite-connection.ts'

/** Full-text search (FTS5) over titles and canonical text; rows have the numbers of those they speak of. Writers are called inside a transaction. */
export interface SqliteSearch {
  putTitle(chatId: string, title: string): void
  putMessage(message: Message): void
  removeChat(chatId: string): void
  removeMessage(messageId: string): void
  /** Numbers of the chats of a user that match, best first. */
  find(userId: string, query: string, offset: number, limit: number): number[]
}

export function sqliteSearch(connection: SqliteConnection): SqliteSearch {
  const putTitle = connection.prepare('INSERT OR REPLACE INTO chat_text (rowid, title) SELECT number, ? FROM chats WHERE id = ?')
  const putMessage = connection.prepare('INSERT OR REPLACE INTO message_text (rowid, text) SELECT number, ? FROM messages WHERE id = ?')
  const removeChat = connection.prepare('DELETE FROM chat_text WHERE rowid = (SELECT number FROM chats WHERE id = ?)')
  const removeMessage = connection.prepare('DELETE FROM message_text WHERE rowid = (SELECT number FROM messages WHERE id = ?)')
  const find = connection.prepare(
    `SELECT chats.number AS number, min(rank) AS best FROM (
       SELECT rowid AS chat, rank FROM chat_text WHERE chat_text MATCH ?1
       UNION ALL
       SELECT chats.number, rank FROM message_text
         JOIN messages ON messages.number = message_text.rowid
         JOIN chats ON chats.id = messages.chat_id
         WHERE message_text MATCH ?1
     ) AS hits
     JOIN chats ON chats.number = hits.chat
     JOIN members ON members.chat_id = chats.id AND members.user_id = ?2
     GROUP BY chats.number ORDER BY best, chats.number DESC LIMIT ?4 OFFSET ?3`,
  )

  return {
    putTitle(chatId, title) {
      putTitle.run(title, chatId)
    },
    putMessage(message) {
      putMessage.run(searchableText(message), message.id)
    },
    removeChat(chatId) {
      removeChat.run(chatId)
    },
    removeMessage(messageId) {
      removeMessage.run(messageId)
    },
    find: (userId, query, offset, limit) => connection.read(() => {
      const match = matchOf(query)
      return match === '' ? [] : find.all(match, userId, offset, limit).map(row => Number(row['number']))
    }),
  }
}

/** All the words, each as it begins; quoted, so that nothing in them is an operator. */
function matchOf(query: string): string {
  return (query.match(/[\p{L}\p{N}]+/gu) ?? []).map(word => `"${word}"*`).join(' AND ')
}
