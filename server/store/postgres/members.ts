import type { PostgresConnection, Query } from './connection.ts'
import type { InviteRow, MemberRow, Store } from '../store.ts'
import { unknownChat } from '../unknown-chat.ts'

type MemberMethods = Pick<
  Store,
  | 'memberRole'
  | 'pinChat'
  | 'pinnedChats'
  | 'listMembers'
  | 'putMember'
  | 'removeMember'
  | 'putInvite'
  | 'getInvite'
  | 'findInvite'
  | 'listInvites'
  | 'revokeInvite'
>

const inviteColumns =
  'id, chat_id AS "chatId", role, token_hash AS "tokenHash", created_at AS "createdAt", expires_at AS "expiresAt"'

/** Members and invites of chats. */
export function postgresMembers({ query, write }: PostgresConnection): MemberMethods {
  const one = async (sql: string, key: string) => (await query<InviteRow>(sql, [key]))[0] ?? null
  return {
    memberRole: async (chatId, userId) =>
      (await query<MemberRow>('SELECT role FROM members WHERE chat_id = $1 AND user_id = $2', [chatId, userId]))[0]
        ?.role ?? null,
    pinChat: async (chatId, userId, pinned) => {
      await write((query) =>
        query('UPDATE members SET pinned = $3 WHERE chat_id = $1 AND user_id = $2', [chatId, userId, pinned]),
      )
    },
    pinnedChats: async (userId) =>
      (await query<{ id: string }>('SELECT chat_id AS id FROM members WHERE user_id = $1 AND pinned', [userId])).map(
        ({ id }) => id,
      ),
    listMembers: async (chatId) => {
      const rows = await query<Omit<MemberRow, 'inviteId'> & { inviteId: string | null }>(
        `SELECT user_id AS "userId", name, role, joined_at AS "joinedAt", invite_id AS "inviteId" FROM members WHERE chat_id = $1
       ORDER BY role <> 'owner', joined_at, user_id`,
        [chatId],
      )
      return rows.map(({ inviteId, ...row }) => ({ ...row, ...(inviteId !== null && { inviteId }) }))
    },
    putMember: (chatId, member) =>
      write(async (query) => {
        await keepChat(query, chatId)
        await insertMember(query, chatId, member)
      }),
    removeMember: (chatId, userId) =>
      write(
        async (query) =>
          (await query('DELETE FROM members WHERE chat_id = $1 AND user_id = $2 RETURNING 1', [chatId, userId]))
            .length === 1,
      ),
    putInvite: ({ id, chatId, role, tokenHash, createdAt, expiresAt }) =>
      write(async (query) => {
        await keepChat(query, chatId)
        await query(
          'INSERT INTO invites (id, chat_id, role, token_hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)',
          [id, chatId, role, tokenHash, createdAt, expiresAt],
        )
      }),
    getInvite: (id) => one(`SELECT ${inviteColumns} FROM invites WHERE id = $1`, id),
    findInvite: (tokenHash) => one(`SELECT ${inviteColumns} FROM invites WHERE token_hash = $1`, tokenHash),
    listInvites: (chatId) =>
      query(`SELECT ${inviteColumns} FROM invites WHERE chat_id = $1 ORDER BY created_at, id`, [chatId]),
    revokeInvite: (chatId, id) =>
      write(
        async (query) =>
          (await query('DELETE FROM invites WHERE chat_id = $1 AND id = $2 RETURNING 1', [chatId, id])).length === 1,
      ),
  }
}

/** Inside a transaction: the chat stays until its end. Throws `not_found`. */
export async function keepChat(query: Query, chatId: string): Promise<void> {
  const found = await query('SELECT 1 FROM chats WHERE id = $1 FOR KEY SHARE', [chatId])
  if (found.length === 0) throw unknownChat()
}

/** Inside a transaction. One who is a member already keeps the time of joining. */
export async function insertMember(
  query: Query,
  chatId: string,
  { userId, name, role, joinedAt, inviteId }: MemberRow,
): Promise<void> {
  await query(
    `INSERT INTO members (chat_id, user_id, name, role, joined_at, invite_id, active_at)
     VALUES ($1, $2, $3, $4, $5, $6, (SELECT max(at) FROM activities WHERE chat_id = $1))
     ON CONFLICT (chat_id, user_id) DO UPDATE SET name = excluded.name, role = excluded.role,
       invite_id = coalesce(excluded.invite_id, members.invite_id)`,
    [chatId, userId, name, role, joinedAt, inviteId ?? null],
  )
}
