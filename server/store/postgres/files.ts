import { RunnelError } from '../../../shared/errors.ts'
import type { PostgresConnection, Query } from './connection.ts'
import { keepChat } from './members.ts'
import { isIn } from './messages.ts'
import { refuseFile, type FileUsage } from '../quotas.ts'
import { unknownMessage } from '../run-rows.ts'
import type { FileQuotas, FileRow, Store } from '../store.ts'

/** Of advisory locks with two numbers: what is counted, and for whom. */
export const quotaLocks = { userFiles: 1, chatFiles: 2, userChats: 3, userWaiting: 4 } as const

type FileMethods = Pick<
  Store,
  | 'doomFile'
  | 'putFile'
  | 'getFile'
  | 'attachFile'
  | 'unattachedFiles'
  | 'dropUnattachedFiles'
  | 'doomedFiles'
  | 'filesGone'
>

/** What is known of files. */
export function postgresFiles({ query, write }: PostgresConnection): FileMethods {
  return {
    putFile: ({ id, chatId, userId, name, mimeType, size, createdAt }, quotas) =>
      write(async (query) => {
        await keepChat(query, chatId)
        await query('DELETE FROM doomed_files WHERE id = $1', [id])
        if (quotas) await admit(query, { chatId, userId, size }, ['files'], quotas)
        await query(
          'INSERT INTO files (id, chat_id, user_id, name, mime_type, size, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)',
          [id, chatId, userId, name, mimeType, size, createdAt],
        )
      }),
    getFile: async (id) => {
      const [file] = await query<FileRow>(
        `SELECT id, chat_id AS "chatId", user_id AS "userId", name, mime_type AS "mimeType", size, created_at AS "createdAt" FROM files WHERE id = $1`,
        [id],
      )
      return file ?? null
    },
    attachFile: (id, chatId, messageId) =>
      write(async (query) => {
        await keepChat(query, chatId)
        if (!(await isIn(query, chatId, messageId))) throw unknownMessage()
        await attachFiles(query, [id], chatId, messageId)
      }),
    unattachedFiles: async (userId) =>
      (await query<{ count: number }>('SELECT count(*) FROM files WHERE NOT attached AND user_id = $1', [userId]))[0]!
        .count,
    dropUnattachedFiles: (before) =>
      write((query) => doom(query, 'DELETE FROM files WHERE NOT attached AND created_at < $1 RETURNING id', before)),
    doomFile: async (id, upload) => {
      if (!upload) {
        return await write(async (query) => {
          await query('DELETE FROM files WHERE id = $1', [id])
          await query('DELETE FROM message_files WHERE file_id = $1', [id])
          await query('INSERT INTO doomed_files (id) VALUES ($1) ON CONFLICT DO NOTHING', [id])
        })
      }
      const { chatId, userId, size, quotas } = upload
      await write(async (query) => {
        await keepChat(query, chatId)
        await admit(query, upload, ['files', 'doomed_files'], quotas)
        await query('INSERT INTO doomed_files (id, user_id, chat_id, size) VALUES ($1, $2, $3, $4)', [
          id,
          userId,
          chatId,
          size,
        ])
      })
    },
    doomedFiles: async () => idsOf(await query('SELECT id FROM doomed_files')),
    filesGone: async (ids) => void (await query('DELETE FROM doomed_files WHERE id = ANY ($1)', [ids])),
  }
}

/** Inside a transaction, behind `keepChat`: who counts for the same user or chat waits for its end. Throws `too_large`, `rate_limited`. */
async function admit(
  query: Query,
  { chatId, userId, size }: Pick<FileRow, 'chatId' | 'userId' | 'size'>,
  tables: readonly string[],
  quotas: FileQuotas,
): Promise<void> {
  await query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [quotaLocks.userFiles, userId])
  await query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [quotaLocks.chatFiles, chatId])
  const usage = async (column: 'user_id' | 'chat_id', key: string) =>
    (
      await query<FileUsage>(
        `SELECT coalesce(sum(size), 0)::bigint AS bytes, count(*) AS files FROM (
           ${tables.map((table) => `SELECT size FROM ${table} WHERE ${column} = $1`).join(' UNION ALL ')}) AS own`,
        [key],
      )
    )[0]!
  refuseFile(size, await usage('user_id', userId), await usage('chat_id', chatId), quotas)
}

/** Inside a transaction. Throws `not_found` for a file that is not of this chat. */
export async function attachFiles(
  query: Query,
  ids: readonly string[],
  chatId: string,
  messageId: string,
): Promise<void> {
  const wanted = [...new Set(ids)]
  if (wanted.length === 0) return
  const attached = await query('UPDATE files SET attached = TRUE WHERE id = ANY ($1) AND chat_id = $2 RETURNING 1', [
    wanted,
    chatId,
  ])
  if (attached.length < wanted.length) throw new RunnelError('not_found', 'files: there is no such file in this chat.')
  await query('INSERT INTO message_files (message_id, file_id) SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING', [
    messageId,
    wanted,
  ])
}

/** Inside a transaction: those that no message has any more. Returns their ids. */
export async function deleteFilesOfMessages(query: Query, messageIds: readonly string[]): Promise<string[]> {
  const used = await query<{ id: string }>(
    'DELETE FROM message_files WHERE message_id = ANY ($1) RETURNING file_id AS id',
    [messageIds],
  )
  if (used.length === 0) return []
  return await doom(
    query,
    'DELETE FROM files WHERE id = ANY ($1) AND NOT EXISTS (SELECT 1 FROM message_files WHERE file_id = files.id) RETURNING id',
    idsOf(used),
  )
}

/** Inside a transaction: those that no message ever had, too. */
export async function deleteFilesOfChat(query: Query, chatId: string): Promise<string[]> {
  return await doom(query, 'DELETE FROM files WHERE chat_id = $1 RETURNING id', chatId)
}

async function doom(query: Query, deletion: string, value: unknown): Promise<string[]> {
  return idsOf(
    await query(
      `WITH gone AS (${deletion}), doomed AS (INSERT INTO doomed_files SELECT id FROM gone ON CONFLICT DO NOTHING) SELECT id FROM gone`,
      [value],
    ),
  )
}

function idsOf(rows: readonly { id?: unknown }[]): string[] {
  return rows.map(({ id }) => String(id))
}
