import type { Role } from '../../../shared/protocol.ts'
import type { SqliteConnection } from './connection.ts'
import type { InviteRow, MemberRow } from '../store.ts'

/** Members and invites of chats. */
export interface SqliteMembers {
  role(chatId: string, userId: string): Role | null
  list(chatId: string): MemberRow[]
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
    `SELECT user_id AS userId, name, role, joined_at AS joinedAt FROM members WHERE chat_id = ?
     ORDER BY role <> 'owner', joined_at, user_id`,
  )
  const upsertMember = connection.prepare(
    `INSERT INTO members (chat_id, user_id, name, role, joined_at, active_at)
     VALUES (?1, ?2, ?3, ?4, ?5, (SELECT max(at) FROM activities WHERE chat_id = ?1))
     ON CONFLICT (chat_id, user_id) DO UPDATE SET name = excluded.name, role = excluded.role`,
  )
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
      connection.read(() => selectMembers.all(chatId).map((row) => ({ ...row }) as unknown as MemberRow)),
    put(chatId, { userId, name, role, joinedAt }) {
      connection.read(() => upsertMember.run(chatId, userId, name, role, joinedAt))
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
