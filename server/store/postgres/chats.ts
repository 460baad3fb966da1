import { refuseChat } from '../quotas.ts'
import type { ChatRow, Store, StoredChat } from '../store.ts'
import type { PostgresConnection, Query } from './connection.ts'
import { quotaLocks } from './files.ts'
import type { Numbered } from './messages.ts'
import { vectorOf } from './search.ts'

type ChatMethods = Pick<Store, 'getChatRow' | 'getChat' | 'renameChat' | 'titleChat' | 'expiredChats'>

const chatColumns =
  'chats.number, chats.id, owner_id AS "ownerId", title, created_at AS "createdAt", expires_at AS "expiresAt", untitled'
const storedChatColumns = `${chatColumns}, system`

export function postgresChats({ query, write }: Pick<PostgresConnection, 'query' | 'write'>): ChatMethods {
  return {
    getChatRow: async (id) => {
      const [row] = await query<Numbered<ChatRow>>(`SELECT ${chatColumns} FROM chats WHERE id = $1`, [id])
      return row ? toChat(row) : null
    },
    getChat: async (id) => {
      const [row] = await query<Numbered<StoredChat>>(`SELECT ${storedChatColumns} FROM chats WHERE id = $1`, [id])
      return row ? toChat(row) : null
    },
    renameChat: async (id, title) =>
      void (await query('UPDATE chats SET title = $2, search = $3, untitled = FALSE WHERE id = $1', [
        id,
        title,
        await vectorOf(title),
      ])),
    titleChat: async (id, title) => {
      const vector = await vectorOf(title)
      return await write(
        async (query) =>
          (
            await query(
              'UPDATE chats SET title = $2, search = $3, untitled = FALSE WHERE id = $1 AND untitled RETURNING 1',
              [id, title, vector],
            )
          ).length === 1,
      )
    },
    expiredChats: async (now) =>
      (
        await query<Numbered<ChatRow>>(`SELECT ${chatColumns} FROM chats WHERE expires_at <= $1 ORDER BY expires_at`, [
          now,
        ])
      ).map((row) => toChat(row)),
  }
}

/** Inside a transaction. */
export async function insertChat(query: Query, chat: StoredChat, vector: string): Promise<void> {
  await query(
    'INSERT INTO chats (id, owner_id, title, system, created_at, expires_at, search, untitled) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)',
    [
      chat.id,
      chat.ownerId,
      chat.title,
      chat.system,
      chat.createdAt,
      chat.expiresAt ?? null,
      vector,
      chat.untitled ?? false,
    ],
  )
}

/** Inside a transaction: who makes another chat for the same owner waits for its end. Throws `rate_limited`. */
export async function refuseOwned(
  query: Query,
  { ownerId, expiresAt, createdAt }: ChatRow,
  max: number,
): Promise<void> {
  await query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [quotaLocks.userChats, ownerId])
  const [row] = await query<{ count: number }>(
    `SELECT count(*) FROM (
       SELECT 1 FROM chats WHERE owner_id = $1 AND ${expiresAt === undefined ? 'expires_at IS NULL AND $2::bigint > 0' : 'expires_at > $2'} LIMIT $3
     ) AS own`,
    [ownerId, createdAt, max],
  )
  refuseChat(row!.count, max, expiresAt !== undefined)
}

function toChat<Chat extends ChatRow>({ number: _number, expiresAt, untitled, ...row }: Numbered<Chat>): Chat {
  return { ...row, ...(expiresAt !== null && { expiresAt }), ...(untitled && { untitled }) } as unknown as Chat
}
