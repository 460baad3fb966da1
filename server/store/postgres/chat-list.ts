import { activityMs, chatPage, maxMoved, standingOf, startOf, type MovedChat } from '../chat-pages.ts'
import type { FoundChat, ListedChat, Store } from '../store.ts'
import type { PostgresConnection, Query } from './connection.ts'
import { isUnfinished } from './messages.ts'
import { searchChats } from './search.ts'
import { decodeOffset, matchesPage } from '../cursor.ts'

type ChatListMethods = Pick<Store, 'listChats' | 'searchChats' | 'markRead' | 'runWaits'>

type Row = Omit<ListedChat, 'running' | 'waiting'> & { live: string | null }

const columns = `chats.id, owner_id AS "ownerId", title, chats.created_at AS "createdAt", system, role, active_at AS "activeAt", read_at AS "readAt",
  (SELECT string_agg(CASE WHEN waits THEN 'waiting' ELSE 'running' END, ' ') FROM messages WHERE chat_id = chats.id AND ${isUnfinished}) AS live`
const ofUser =
  'members JOIN chats ON chats.id = members.chat_id WHERE user_id = $1 AND expires_at IS NULL AND active_at IS NOT NULL'
const order = 'ORDER BY active_at DESC, chat_id DESC LIMIT'

/** Chats as their members see them in a list. */
export function postgresChatList({ query, write }: Pick<PostgresConnection, 'query' | 'write'>): ChatListMethods {
  return {
    listChats: async (userId, page) => {
      const start = startOf(page)
      const listed = page.pinned ? `${ofUser} AND pinned` : ofUser
      if (!start) {
        const rows = await query<Row>(`SELECT ${columns} FROM ${listed} ${order} $2`, [userId, page.limit + 1])
        return chatPage(null, rows, [], page, toListed)
      }
      // What moves between the two stands where it stood in one of them, or in both.
      const rows = await query<Row>(
        `SELECT ${columns} FROM ${listed} AND (active_at, chat_id) < ($2::bigint, $3) ${order} $4`,
        [userId, start.at, start.id, page.limit + 1],
      )
      const moved = await query<MovedChat<Row>>(
        `SELECT ${columns}, (SELECT max(at) FROM activities WHERE chat_id = chats.id AND at <= $2) AS was
           FROM ${listed} AND active_at > $2 ${order} ${maxMoved}`,
        [userId, start.since],
      )
      const seen = new Set(rows.map(({ id }) => id))
      return chatPage(
        start,
        rows,
        moved.filter(({ id }) => !seen.has(id)),
        page,
        toListed,
      )
    },
    searchChats: async (userId, words, page) => {
      const offset = decodeOffset(page.cursor)
      const rows = await searchChats<Row & { messageId: string | null }>(
        query,
        columns,
        userId,
        words,
        offset,
        page.limit + 1,
      )
      return matchesPage(rows, offset, page, (row): FoundChat => ({ ...toListed(row), messageId: row.messageId }))
    },
    markRead: async (chatId, userId, at) => await write((query) => setRead(query, chatId, userId, at)),
    runWaits: async ({ messageId, taskId }, waits) =>
      void (await query(`UPDATE messages SET waits = $3 WHERE id = $1 AND task_id = $2 AND ${isUnfinished}`, [
        messageId,
        taskId,
        waits,
      ])),
  }
}

/**
 * Inside a transaction, as the last that it does: something has happened in a
 * chat, and who did it has read it. Members are taken in one order, so that
 * no two of these wait for each other.
 */
export async function chatActive(query: Query, chatId: string, at: number, by?: string): Promise<void> {
  await query(
    `INSERT INTO activities (chat_id, at) SELECT id, $2 FROM chats WHERE id = $1 AND expires_at IS NULL ON CONFLICT DO NOTHING`,
    [chatId, at],
  )
  await query(
    'DELETE FROM activities WHERE chat_id = $1 AND at < (SELECT max(at) FROM activities WHERE chat_id = $1 AND at <= $2)',
    [chatId, at - activityMs],
  )
  await query('SELECT 1 FROM members WHERE chat_id = $1 ORDER BY user_id FOR NO KEY UPDATE', [chatId])
  await query(
    `UPDATE members SET active_at = greatest(active_at, $2::bigint) FROM chats
       WHERE chat_id = $1 AND chats.id = chat_id AND expires_at IS NULL`,
    [chatId, at],
  )
  if (by !== undefined) await setRead(query, chatId, by, at)
}

async function setRead(query: Query, chatId: string, userId: string, at: number): Promise<number | null> {
  const [row] = await query<{ readAt: number }>(
    'UPDATE members SET read_at = greatest(read_at, least($3::bigint, coalesce(active_at, 0))) WHERE chat_id = $1 AND user_id = $2 RETURNING read_at AS "readAt"',
    [chatId, userId, at],
  )
  return row?.readAt ?? null
}

function toListed({ live, ...row }: Row): ListedChat {
  const { id, ownerId, title, createdAt, system, role, activeAt, readAt } = row
  return { id, ownerId, title, createdAt, system, role, activeAt, readAt, ...standingOf(live) }
}
