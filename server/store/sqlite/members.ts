import type { Role } from '../../../shared/protocol.ts'
import type { SqliteConnection } from './connection.ts'
import type { InviteRow, MemberRow } from '../store.ts'

/** Members and invites of chats. */
export interface SqliteMembers {
  role(chatId: string, userId: string): Role | null
  list(chatId: string): MemberRow[]
  pin(chatId: string, userId: string, pinned: boolean): void
  pinned(userId: string): string[]
  /** Inside a transaction or not. */
  put(chatId: string, member: MemberRow): void
  remove(chatId: string, userId: string): boolean
  putInvite(invite: InviteRow): void
  getInvite(id: string): InviteRow | null
  findInvite(tokenHash: string): InviteRow | null
  listInvites(chatId: string): InviteRow[]
  revokeInvite(chatId: string, id: string): boolean
  /** Inside a transaction. */
  deleteChat(chatId: string): void
}

const inviteColumns =
  'id, chat_id AS chatId, role, token_hash AS tokenHash, created_at AS createdAt, expires_at AS expiresAt'

export function sqliteMembers(connection: SqliteConnection): SqliteMembers {
  const selectRole = connection.prepare('SELECT role FROM members WHERE chat_id = ? AND user_id = ?')
  const selectMembers = connection.prepare(
    `SELECT user_id AS userId, name, role, joined_at AS joinedAt, invite_id AS inviteId FROM members WHERE chat_id = ?
     ORDER BY role <> 'owner', joined_at, user_id`,
  )
  const upsertMember = connection.prepare(
    `INSERT INTO members (chat_id, user_id, name, role, joined_at, invite_id, active_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, (SELECT max(at) FROM activities WHERE chat_id = ?1))
     ON CONFLICT (chat_id, user_id) DO UPDATE SET name = excluded.name, role = excluded.role,
       invite_id = coalesce(excluded.invite_id, invite_id)`,
  )
  const updatePin = connection.prepare('UPDATE members SET pinned = ? WHERE chat_id = ? AND user_id = ?')
  const selectPinned = connection.prepare('SELECT chat_id FROM members WHERE user_id = ? AND pinned = 1')
  const deleteMember = connection.prepare('DELETE FROM members WHERE chat_id = ? AND user_id = ?')
  const deleteMembers = connection.prepare('DELETE FROM members WHERE chat_id = ?')
  const insertInvite = connection.prepare(
    'INSERT INTO invites (id, chat_id, role, token_hash, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const selectInvite = connection.prepare(`SELECT ${inviteColumns} FROM invites WHERE id = ?`)
  const selectInviteByHash = connection.prepare(`SELECT ${inviteColumns} FROM invites WHERE token_hash = ?`)
  const selectInvites = connection.prepare(
    `SELECT ${inviteColumns} FROM invites WHERE chat_id = ? ORDER BY created_at, id`,
  )
  const deleteInvite = connection.prepare('DELETE FROM invites WHERE chat_id = ? AND id = ?')
  const deleteInvites = connection.prepare('DELETE FROM invites WHERE chat_id = ?')

  return {
    role: (chatId, userId) =>
      connection.read(() => (selectRole.get(chatId, userId)?.['role'] as Role | undefined) ?? null),
    list: (chatId) =>
      connection.read(() =>
        selectMembers
          .all(chatId)
          .map(({ inviteId, ...row }) => ({ ...row, ...(inviteId !== null && { inviteId }) }) as unknown as MemberRow),
      ),
    pin: (chatId, userId, pinned) => connection.write(() => void updatePin.run(pinned ? 1 : 0, chatId, userId)),
    pinned: (userId) => connection.read(() => selectPinned.all(userId).map((row) => String(row['chat_id']))),
    put(chatId, { userId, name, role, joinedAt, inviteId = null }) {
      connection.read(() => upsertMember.run(chatId, userId, name, role, joinedAt, inviteId))
    },
    remove: (chatId, userId) => connection.write(() => deleteMember.run(chatId, userId).changes === 1),
    putInvite({ id, chatId, role, tokenHash, createdAt, expiresAt }) {
      connection.write(() => insertInvite.run(id, chatId, role, tokenHash, createdAt, expiresAt))
    },
    getInvite: (id) => connection.read(() => (selectInvite.get(id) as InviteRow | undefined) ?? null),
    findInvite: (tokenHash) =>
      connection.read(() => (selectInviteByHash.get(tokenHash) as InviteRow | undefined) ?? null),
    listInvites: (chatId) =>
      connection.read(() => selectInvites.all(chatId).map((row) => ({ ...row }) as unknown as InviteRow)),
    revokeInvite: (chatId, id) => connection.write(() => deleteInvite.run(chatId, id).changes === 1),
    deleteChat(chatId) {
      deleteMembers.run(chatId)
      deleteInvites.run(chatId)
    },
  }
}
