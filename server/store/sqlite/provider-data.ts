import type { ProviderData } from '../store.ts'
import type { SqliteConnection } from './connection.ts'

/** What providers want back of a message, by block. */
export interface SqliteProviderData {
  /** Inside a transaction; nothing of a message that is gone. */
  put(messageId: string, entries: readonly ProviderData[]): void
  get(messageId: string): ProviderData[]
  /** Inside a transaction. */
  forget(messageId: string): void
}

export function sqliteProviderData(connection: SqliteConnection): SqliteProviderData {
  const upsertProviderData = connection.prepare(
    `INSERT INTO provider_data (message_id, block_id, data) SELECT id, ?, ? FROM messages WHERE id = ?
     ON CONFLICT (message_id, block_id) DO UPDATE SET data = excluded.data`,
  )
  const deleteProviderEntry = connection.prepare('DELETE FROM provider_data WHERE message_id = ? AND block_id = ?')
  const selectProviderData = connection.prepare(
    'SELECT block_id, data FROM provider_data WHERE message_id = ? ORDER BY number',
  )
  const deleteProviderData = connection.prepare('DELETE FROM provider_data WHERE message_id = ?')

  return {
    put(messageId, entries) {
      for (const { blockId, data } of entries) {
        if (data === null) deleteProviderEntry.run(messageId, blockId)
        else upsertProviderData.run(blockId, JSON.stringify(data), messageId)
      }
    },
    get: (messageId) =>
      connection.read(() =>
        selectProviderData.all(messageId).map((row) => ({
          blockId: String(row['block_id']),
          data: JSON.parse(String(row['data'])),
        })),
      ),
    forget(messageId) {
      deleteProviderData.run(messageId)
    },
  }
}
