import type { SQLOutputValue } from 'node:sqlite'
import type { Role } from '../../../shared/protocol.ts'
import { activityMs, chatPage, maxMoved, standingOf, startOf, type MovedChat } from '../chat-pages.ts'
import type { ChatsPage, FoundChat, ListedChat, Paged, RunEnd } from '../store.ts'
import type { SqliteConnection } from './connection.ts'

type Row = Record<string, SQLOutputValue>
type Placed = Row & { id: string; activeAt: number }

/** Chats as their members see them in a list. */
export interface SqliteChatList {
  /** Inside a transaction: something has happened in it. Who did it has read it. */
  active(chatId: string, at: number, by?: string): void
  /** Inside a transaction. */
  deleteChat(chatId: string): void
  list(userId: string, page: ChatsPage): Paged<ListedChat>
  /** By the numbers of chats, and of messages (above 0) in which something was found. */
  found(userId: string, places: readonly { chat: number; owner: number }[]): FoundChat[]
  markRead(chatId: string, userId: string, at: number): number | null
  runWaits(run: RunEnd, waits: boolean): void
}

// The same words as in the partial index, or SQLite does not use it.
const unfinished = "status IN ('queued', 'preparing', 'streaming', 'waiting')"
const columns = `chats.id, owner_id AS ownerId, title, chats.created_at AS createdAt, system, role, active_at AS activeAt, read_at AS readAt,
  (SELECT group_concat(iif(waits, 'waiting', 'running'), ' ') FROM messages WHERE chat_id = chats.id AND ${unfinished}) AS live`
const ofUser =
  'members CROSS JOIN chats ON chats.id = members.chat_id LEFT JOIN systems ON systems.chat = chats.number WHERE user_id = ?1 AND expires_at IS NULL'

export function sqliteChatList(connection: SqliteConnection): SqliteChatList {
  const insertActivity = connection.prepare(
    'INSERT OR IGNORE INTO activities (chat_id, at) SELECT id, ?2 FROM chats WHERE id = ?1 AND expires_at IS NULL',
  )
  const forgetActivities = connection.prepare(
    'DELETE FROM activities WHERE chat_id = ?1 AND at < (SELECT max(at) FROM activities WHERE chat_id = ?1 AND at <= ?2)',
  )
  const deleteActivities = connection.prepare('DELETE FROM activities WHERE chat_id = ?')
  const setActive = connection.prepare(
    'UPDATE members SET active_at = (SELECT max(at) FROM activities WHERE chat_id = ?1) WHERE chat_id = ?1',
  )
  const setRead = connection.prepare(
    'UPDATE members SET read_at = max(coalesce(read_at, 0), min(?3, coalesce(active_at, 0))) WHERE chat_id = ?1 AND user_id = ?2 RETURNING read_at AS readAt',
  )
  const setWaits = connection.prepare(`UPDATE messages SET waits = ? WHERE id = ? AND task_id = ? AND ${unfinished}`)
  const order = 'ORDER BY active_at DESC, chat_id DESC LIMIT'
  const listing = (listed: string) => ({
    first: connection.prepare(`SELECT ${columns} FROM ${listed} AND active_at IS NOT NULL ${order} ?2`),
    behind: connection.prepare(`SELECT ${columns} FROM ${listed} AND (active_at, chat_id) < (?2, ?3) ${order} ?4`),
    moved: connection.prepare(
      `SELECT ${columns}, (SELECT max(at) FROM activities WHERE chat_id = chats.id AND at <= ?2) AS was
         FROM ${listed} AND active_at > ?2 ${order} ${maxMoved}`,
    ),
  })
  const all = listing(ofUser)
  const pinned = listing(`${ofUser} AND pinned = 1`)
  const selectFound = connection.prepare(`SELECT ${columns} FROM ${ofUser} AND chats.number = ?2`)
  const selectMessage = connection.prepare('SELECT id FROM messages WHERE number = ?')

  return {
    active(chatId, at, by) {
      insertActivity.run(chatId, at)
      forgetActivities.run(chatId, at - activityMs)
      setActive.run(chatId)
      if (by !== undefined) setRead.run(chatId, by, at)
    },
    deleteChat(chatId) {
      deleteActivities.run(chatId)
    },
    list: (userId, page) =>
      connection.read(() => {
        const start = startOf(page)
        const select = page.pinned ? pinned : all
        const moved = start ? (select.moved.all(userId, start.since) as MovedChat<Placed>[]) : []
        const rows = start
          ? select.behind.iterate(userId, start.at, start.id, page.limit + 1)
          : select.first.iterate(userId, page.limit + 1)
        return chatPage(start, rows as Iterable<Placed>, moved, page, toListed)
      }),
    found: (userId, places) =>
      connection.read(() =>
        places.flatMap(({ chat, owner }) => {
          const row = selectFound.get(userId, chat)
          const message = owner > 0 ? selectMessage.get(owner) : undefined
          return row ? [{ ...toListed(row), messageId: message ? String(message['id']) : null }] : []
        }),
      ),
    markRead: (chatId, userId, at) =>
      connection.write(() => (setRead.get(chatId, userId, at)?.['readAt'] as number | undefined) ?? null),
    runWaits: ({ messageId, taskId }, waits) =>
      connection.write(() => {
        setWaits.run(Number(waits), messageId, taskId)
      }),
  }
}

function toListed({ id, ownerId, title, createdAt, system, role, activeAt, readAt, live }: Row): ListedChat {
  return {
    id: String(id),
    ownerId: String(ownerId),
    title: String(title),
    createdAt: Number(createdAt),
    system: system as string | null,
    role: role as Role,
    activeAt: Number(activeAt),
    readAt: readAt as number | null,
    ...standingOf(live as string | null),
  }
}
