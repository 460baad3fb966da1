import type { SqliteConnection } from './connection.ts'
import type { RunEnd, UntoldEnd } from '../store.ts'

/** Ends about which something is still to be done: somebody is to be told, the chat is to list it. `add` and `forget` are called inside a transaction. */
export interface SqliteEnds {
  add(end: RunEnd, tell: boolean): void
  forget(messageId: string): void
  untold(): UntoldEnd[]
  told(end: UntoldEnd): void
  unlisted(): RunEnd[]
  isUnlisted(messageId: string): boolean
  /** Inside a transaction. */
  listed(end: RunEnd): void
}

export function sqliteEnds(connection: SqliteConnection): SqliteEnds {
  const statements = (table: string) => ({
    insert: connection.prepare(`INSERT INTO ${table} (message_id, task_id) VALUES (?, ?)`),
    select: connection.prepare(`SELECT message_id AS messageId, task_id AS taskId FROM ${table} ORDER BY number`),
    deleteOne: connection.prepare(`DELETE FROM ${table} WHERE message_id = ? AND task_id = ?`),
    deleteOfMessage: connection.prepare(`DELETE FROM ${table} WHERE message_id = ?`),
  })
  const untold = statements('untold_ends')
  const unlisted = statements('unlisted_ends')
  const selectUnlisted = connection.prepare('SELECT 1 FROM unlisted_ends WHERE message_id = ?')
  return {
    add({ messageId, taskId }, tell) {
      if (tell) untold.insert.run(messageId, taskId)
      unlisted.insert.run(messageId, taskId)
    },
    forget(messageId) {
      for (const { deleteOfMessage } of [untold, unlisted]) deleteOfMessage.run(messageId)
    },
    untold: () => connection.read(() => untold.select.all() as unknown as UntoldEnd[]),
    told: ({ messageId, taskId }) =>
      connection.write(() => {
        untold.deleteOne.run(messageId, taskId)
      }),
    unlisted: () => connection.read(() => unlisted.select.all() as unknown as RunEnd[]),
    isUnlisted: (messageId) => selectUnlisted.get(messageId) !== undefined,
    listed({ messageId, taskId }) {
      unlisted.deleteOne.run(messageId, taskId)
    },
  }
}
