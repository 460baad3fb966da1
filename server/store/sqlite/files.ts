import { RunnelError } from '../../../shared/errors.ts'
import type { SqliteConnection } from './connection.ts'
import { refuseFile, type FileUsage } from '../quotas.ts'
import type { FileQuotas, FileRow, Upload } from '../store.ts'

/** What is known of files. All but `get` and `unattached` are called inside a transaction. */
export interface SqliteFiles {
  /** Throws `not_found` where the chat does not exist; `too_large`, `rate_limited`. */
  put(file: FileRow, quotas?: FileQuotas): void
  get(id: string): FileRow | null
  /** Of a user, those that no message has had. */
  unattached(userId: string): number
  /** Those of them that were sent before this moment, epoch ms, of all users. Returns their ids. */
  deleteUnattached(before: number): string[]
  /** Throws `not_found` for a file that is not of this chat. The message is in it. */
  attach(fileId: string, chatId: string, messageId: string): void
  /** Those that no message has any more. Returns their ids. */
  deleteOfMessages(messageIds: readonly string[]): string[]
  /** Those that no message ever had, too. */
  deleteOfChat(chatId: string): string[]
  /** Throws as `put`. */
  doom(id: string, upload?: Upload): void
  /** Inside a transaction or not, as those below. */
  doomed(): string[]
  gone(ids: readonly string[]): void
}

export function sqliteFiles(connection: SqliteConnection): SqliteFiles {
  const selectChat = connection.prepare('SELECT 1 FROM chats WHERE id = ?')
  const insert = connection.prepare(
    'INSERT INTO files (id, chat_id, user_id, name, mime_type, size, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
  const select = connection.prepare(
    'SELECT id, chat_id AS chatId, user_id AS userId, name, mime_type AS mimeType, size, created_at AS createdAt FROM files WHERE id = ?',
  )
  const insertUse = connection.prepare('INSERT OR IGNORE INTO message_files (message_id, file_id) VALUES (?, ?)')
  const selectUses = connection.prepare('SELECT file_id AS id FROM message_files WHERE message_id = ?')
  const deleteUses = connection.prepare('DELETE FROM message_files WHERE message_id = ?')
  const deleteUsesOf = connection.prepare('DELETE FROM message_files WHERE file_id = ?')
  const deleteFile = connection.prepare('DELETE FROM files WHERE id = ?')
  const deleteUnused = connection.prepare(
    'DELETE FROM files WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM message_files WHERE file_id = ?1)',
  )
  const markAttached = connection.prepare('UPDATE files SET attached = 1 WHERE id = ?')
  const countUnattached = connection.prepare('SELECT count(*) AS count FROM files WHERE attached = 0 AND user_id = ?')
  const deleteUnattached = connection.prepare('DELETE FROM files WHERE attached = 0 AND created_at < ? RETURNING id')
  const deleteOfChat = connection.prepare('DELETE FROM files WHERE chat_id = ? RETURNING id')

  const usageBy = (column: 'user_id' | 'chat_id', tables: readonly string[]) => {
    const sizes = tables.map((table) => `SELECT size FROM ${table} WHERE ${column} = ?1`).join(' UNION ALL ')
    const select = connection.prepare(`SELECT coalesce(sum(size), 0) AS bytes, count(*) AS files FROM (${sizes})`)
    return (key: string) => select.get(key) as unknown as FileUsage
  }
  const usageIn = (tables: readonly string[]) => ({
    ofUser: usageBy('user_id', tables),
    ofChat: usageBy('chat_id', tables),
  })
  const stored = usageIn(['files'])
  const withUploads = usageIn(['files', 'doomed_files'])

  const insertDoomed = connection.prepare('INSERT OR IGNORE INTO doomed_files (id) VALUES (?)')
  const insertUpload = connection.prepare('INSERT INTO doomed_files (id, user_id, chat_id, size) VALUES (?, ?, ?, ?)')
  const deleteDoomed = connection.prepare('DELETE FROM doomed_files WHERE id = ?')
  const selectDoomed = connection.prepare('SELECT id FROM doomed_files')

  const get = (id: string) => (select.get(id) as FileRow | undefined) ?? null

  const admit = (
    { chatId, userId, size }: Pick<FileRow, 'chatId' | 'userId' | 'size'>,
    usage: typeof stored,
    quotas?: FileQuotas,
  ) => {
    if (!selectChat.get(chatId)) throw new RunnelError('not_found', 'There is no such chat.')
    if (quotas) refuseFile(size, usage.ofUser(userId), usage.ofChat(chatId), quotas)
  }

  const doomAll = (rows: readonly Record<string, unknown>[]): string[] => {
    const ids = rows.map(({ id }) => String(id))
    for (const id of ids) insertDoomed.run(id)
    return ids
  }

  return {
    put({ id, chatId, userId, name, mimeType, size, createdAt }, quotas) {
      deleteDoomed.run(id)
      admit({ chatId, userId, size }, stored, quotas)
      insert.run(id, chatId, userId, name, mimeType, size, createdAt)
    },
    get: (id) =>
      connection.read(() => {
        const row = get(id)
        return row && { ...row }
      }),
    unattached: (userId) => connection.read(() => Number(countUnattached.get(userId)?.['count'])),
    deleteUnattached: (before) => doomAll(deleteUnattached.all(before)),
    attach(fileId, chatId, messageId) {
      if (get(fileId)?.chatId !== chatId)
        throw new RunnelError('not_found', 'files: there is no such file in this chat.')
      insertUse.run(messageId, fileId)
      markAttached.run(fileId)
    },
    deleteOfMessages(messageIds) {
      const used = new Set<string>()
      for (const id of messageIds) {
        for (const use of selectUses.all(id)) used.add(String(use['id']))
        deleteUses.run(id)
      }
      const deleted = [...used].filter((id) => deleteUnused.run(id).changes === 1)
      for (const id of deleted) insertDoomed.run(id)
      return deleted
    },
    deleteOfChat: (chatId) => doomAll(deleteOfChat.all(chatId)),
    doom(id, upload) {
      if (!upload) {
        deleteUsesOf.run(id)
        deleteFile.run(id)
        return void insertDoomed.run(id)
      }
      admit(upload, withUploads, upload.quotas)
      insertUpload.run(id, upload.userId, upload.chatId, upload.size)
    },
    doomed: () => connection.read(() => selectDoomed.all().map(({ id }) => String(id))),
    gone: (ids) => connection.read(() => ids.forEach((id) => deleteDoomed.run(id))),
  }
}
