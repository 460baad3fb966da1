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
  const putTitle = connection.prepare(
    'INSERT OR REPLACE INTO chat_text (rowid, title) SELECT number, ? FROM chats WHERE id = ?',
  )
  const putMessage = connection.prepare(
    'INSERT OR REPLACE INTO message_text (rowid, text) SELECT number, ? FROM messages WHERE id = ?',
  )
  const removeChat = connection.prepare('DELETE FROM chat_text WHERE rowid = (SELECT number FROM chats WHERE id = ?)')
  const removeMessage = connection.prepare(
    'DELETE FROM message_text WHERE rowid = (SELECT number FROM messages WHERE id = ?)',
  )
  // Members inside, and by `+` after the match: what is not the user's own is stepped over, neither ranked nor joined.
  const find = connection.prepare(
    `WITH own AS MATERIALIZED (
       SELECT chats.number, chats.id FROM members JOIN chats ON chats.id = members.chat_id WHERE members.user_id = ?2 AND chats.expires_at IS NULL
     )
     SELECT number, min(rank) AS best FROM (
       SELECT rowid AS number, rank FROM chat_text
         WHERE chat_text MATCH ?1 AND +rowid IN (SELECT number FROM own)
       UNION ALL
       SELECT (SELECT chats.number FROM messages JOIN chats ON chats.id = messages.chat_id WHERE messages.number = message_text.rowid), rank FROM message_text
         WHERE message_text MATCH ?1 AND +rowid IN (SELECT messages.number FROM own JOIN messages ON messages.chat_id = own.id)
     ) GROUP BY number ORDER BY best, number DESC LIMIT ?4 OFFSET ?3`,
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
    find: (userId, query, offset, limit) =>
      connection.read(() => {
        const match = matchOf(query)
        return match === '' ? [] : find.all(match, userId, offset, limit).map((row) => Number(row['number']))
      }),
  }
}

/** All the words, each as it begins; quoted, so that nothing in them is an operator. */
function matchOf(query: string): string {
  return (query.match(/[\p{L}\p{N}]+/gu) ?? []).map((word) => `"${word}"*`).join(' AND ')
}
