import type { Message } from '../../../shared/schema.ts'
import type { Query } from './connection.ts'
import { searchableText } from '../searchable.ts'
import { queryWordsOf } from '../search-words.ts'
import { wordPlaces } from '../word-index.ts'

/** A `tsvector` takes no more than 1 MiB. */
const bounds = { maxBytes: 900_000, maxPlaces: 8 }
/** Postgres knows no later place. */
const lastPlace = 16_383

/** The words of a title or a message as a `tsvector`. */
export async function vectorOf(text: string): Promise<string> {
  const places = await wordPlaces(text, bounds)
  let vector = ''
  for (const [word, at] of places) vector += `'${word}':${at.map((place) => Math.min(place, lastPlace)).join(',')} `
  return vector
}

export async function vectorOfMessage(message: Message): Promise<string> {
  return await vectorOf(searchableText(message))
}

/** Chats of a user in which a title or a message has all the words, each as it begins; best first, each with `messageId`, the best message, or null. `columns`: of chats and members. */
export async function searchChats<Row>(
  query: Query,
  columns: string,
  userId: string,
  words: string,
  offset: number,
  limit: number,
): Promise<Row[]> {
  const match = queryWordsOf(words)
    .map((word) => `'${word}':*`)
    .join(' & ')
  if (match === '') return []
  // OFFSET 0: messages are read by chat, those of the user's own only. An index over all words would find everybody's first.
  return await query(
    `WITH own AS MATERIALIZED (
       SELECT chats.number, chats.id FROM members JOIN chats ON chats.id = members.chat_id WHERE members.user_id = $2 AND chats.expires_at IS NULL
     ), found AS (
       SELECT number, NULL AS message, ts_rank(chats.search, $1::tsquery, 1) AS rank
         FROM own CROSS JOIN LATERAL (SELECT search FROM chats WHERE number = own.number OFFSET 0) AS chats
         WHERE chats.search @@ $1::tsquery
       UNION ALL
       SELECT own.number, messages.id, ts_rank(messages.search, $1::tsquery, 1)
         FROM own CROSS JOIN LATERAL (SELECT id, search FROM messages WHERE chat_id = own.id OFFSET 0) AS messages
         WHERE messages.search @@ $1::tsquery
     ), best AS (
       SELECT DISTINCT ON (number) number, message, max(rank) OVER (PARTITION BY number) AS rank
         FROM found ORDER BY number, message IS NULL, found.rank DESC
     )
     SELECT ${columns}, message AS "messageId" FROM best JOIN chats USING (number)
       JOIN members ON members.chat_id = chats.id AND members.user_id = $2
       ORDER BY rank DESC, number DESC LIMIT $4 OFFSET $3`,
    [match, userId, offset, limit],
  )
}
