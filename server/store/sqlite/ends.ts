import type { Message } from '../../../shared/schema.ts'
import type { SqliteConnection } from './connection.ts'
import type { UntoldEnd } from '../store.ts'

/** Ends that somebody is still to be told of. `add` and `forget` are called inside a transaction. */
export interface SqliteEnds {
  add(message: Message): void
  forget(messageId: string): void
  untold(): UntoldEnd[]
  told(end: UntoldEnd): void
}

export function sqliteEnds(connection: SqliteConnection): SqliteEnds {
  const insert = connection.prepare('INSERT INTO untold_ends (message_id, task_id) VALUES (?, ?)')
  const select = connection.prepare(
    'SELECT message_id AS messageId, task_id AS taskId FROM untold_ends ORDER BY number',
  )
  const deleteOne = connection.prepare('DELETE FROM untold_ends WHERE message_id = ? AND task_id = ?')
  const deleteOfMessage = connection.prepare('DELETE FROM untold_ends WHERE message_id = ?')
  return {
    add: ({ id, taskId = '' }) => {
      insert.run(id, taskId)
    },
    forget: (messageId) => {
      deleteOfMessage.run(messageId)
    },
    untold: () => connection.read(() => select.all() as unknown as UntoldEnd[]),
    told: ({ messageId, taskId }) =>
      connection.write(() => {
        deleteOne.run(messageId, taskId)
      }),
  }
}
