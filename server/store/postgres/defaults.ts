import type { ChatDefaults, Store } from '../store.ts'
import type { PostgresConnection } from './connection.ts'

/** What chats say for runs that do not say it themselves: columns of their rows, which go with them. */
export function postgresDefaults({ query, write }: PostgresConnection): Pick<Store, 'getDefaults' | 'putDefaults'> {
  return {
    getDefaults: async (chatId) => {
      const [row] = await query<ChatDefaults>('SELECT system, model, params FROM chats WHERE id = $1', [chatId])
      return row ? { ...row } : { system: null, model: null, params: null }
    },
    putDefaults: async (chatId, { system, model, params }) => {
      await write((query) =>
        query(
          `UPDATE chats SET system = CASE WHEN $2 THEN $3 ELSE system END, model = CASE WHEN $4 THEN $5 ELSE model END,
             params = CASE WHEN $6 THEN $7::json ELSE params END WHERE id = $1`,
          [
            chatId,
            system !== undefined,
            system ?? null,
            model !== undefined,
            model ?? null,
            params !== undefined,
            params ? JSON.stringify(params) : null,
          ],
        ),
      )
    },
  }
}
