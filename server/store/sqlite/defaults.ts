import type { Json, JsonObject } from '../../../shared/schema.ts'
import type { ChatDefaults } from '../store.ts'
import type { SqliteConnection } from './connection.ts'

/** What chats say for runs that do not say it themselves. */
export interface SqliteDefaults {
  get(chatId: string): ChatDefaults
  /** Nothing for a chat that does not exist. */
  put(chatId: string, change: Partial<ChatDefaults>): void
  /** Inside a transaction, while the chat is there. */
  delete(chatId: string): void
}

const numberOf = '(SELECT number FROM chats WHERE id = ?)'

export function sqliteDefaults(connection: SqliteConnection): SqliteDefaults {
  const selectSystem = connection.prepare(`SELECT system FROM systems WHERE chat = ${numberOf}`)
  const deleteSystem = connection.prepare(`DELETE FROM systems WHERE chat = ${numberOf}`)
  const insertSystem = connection.prepare('INSERT INTO systems (chat, system) SELECT number, ? FROM chats WHERE id = ?')
  const select = connection.prepare(`SELECT model, params FROM chat_defaults WHERE chat = ${numberOf}`)
  const upsert = connection.prepare(
    `INSERT INTO chat_defaults (chat, model, params) SELECT number, ?, ? FROM chats WHERE id = ?
     ON CONFLICT (chat) DO UPDATE SET model = excluded.model, params = excluded.params`,
  )
  const remove = connection.prepare(`DELETE FROM chat_defaults WHERE chat = ${numberOf}`)
  const read = (chatId: string): ChatDefaults => {
    const { model = null, params = null } = select.get(chatId) ?? {}
    return {
      system: (selectSystem.get(chatId)?.['system'] as string | undefined) ?? null,
      model: model as string | null,
      params: params === null ? null : (JSON.parse(params as string) as Json as JsonObject),
    }
  }
  return {
    get: (chatId) => connection.read(() => read(chatId)),
    put: (chatId, change) =>
      connection.write(() => {
        const { system } = change
        if (system !== undefined) deleteSystem.run(chatId)
        if (system) insertSystem.run(system, chatId)
        if (change.model === undefined && change.params === undefined) return
        const { model, params } = { ...read(chatId), ...change }
        upsert.run(model, params && JSON.stringify(params), chatId)
      }),
    delete: (chatId) => void remove.run(chatId),
  }
}
