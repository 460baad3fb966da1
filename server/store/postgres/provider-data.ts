import type { ProviderData, Store } from '../store.ts'
import type { PostgresConnection, Query } from './connection.ts'

/** What providers want back of a message, by block. */
export function postgresProviderData({
  query,
  write,
}: PostgresConnection): Pick<Store, 'putProviderData' | 'getProviderData'> {
  return {
    putProviderData: (messageId, entries) =>
      write(async (query) => {
        // It does not go until this is through.
        if ((await query('SELECT 1 FROM messages WHERE id = $1 FOR KEY SHARE', [messageId])).length > 0)
          await putProviderData(query, messageId, entries)
      }),
    getProviderData: (messageId) =>
      query<ProviderData>(
        'SELECT block_id AS "blockId", data FROM provider_data WHERE message_id = $1 ORDER BY number',
        [messageId],
      ),
  }
}

/** Inside a transaction that has locked the message. */
export async function putProviderData(
  query: Query,
  messageId: string,
  entries: readonly ProviderData[],
): Promise<void> {
  for (const { blockId, data } of entries) {
    if (data === null)
      await query('DELETE FROM provider_data WHERE message_id = $1 AND block_id = $2', [messageId, blockId])
    else {
      await query(
        `INSERT INTO provider_data (message_id, block_id, data) VALUES ($1, $2, $3)
         ON CONFLICT (message_id, block_id) DO UPDATE SET data = excluded.data`,
        [messageId, blockId, JSON.stringify(data)],
      )
    }
  }
}
