import type { SqliteConnection } from './connection.ts'
import type { Order, OrderKey } from '../store.ts'

/** What is said to runs. `forget` is called inside a transaction. */
export interface SqliteOrders {
  put(order: Order): boolean
  of(taskIds: readonly string[], heard?: readonly OrderKey[]): Order[]
  forget(taskId: string): void
}

export function sqliteOrders(connection: SqliteConnection): SqliteOrders {
  const insert = connection.prepare(
    `INSERT OR IGNORE INTO orders (task_id, key, body) SELECT task_id, ?, ? FROM messages
     WHERE task_id = ? AND status IN ('queued', 'preparing', 'streaming', 'waiting')`,
  )
  const selectKeys = connection.prepare('SELECT number, key FROM orders WHERE task_id = ? ORDER BY number')
  const selectBody = connection.prepare('SELECT body FROM orders WHERE number = ?')
  const remove = connection.prepare('DELETE FROM orders WHERE task_id = ?')
  return {
    put: ({ taskId, key, body }) => connection.write(() => insert.run(key, JSON.stringify(body), taskId).changes === 1),
    of: (taskIds, heard = []) =>
      connection.read(() =>
        taskIds.flatMap((taskId) => {
          const known = new Set(heard.filter((one) => one.taskId === taskId).map(({ key }) => key))
          return selectKeys.all(taskId).flatMap((row) => {
            const key = String(row['key'])
            if (known.has(key)) return []
            return [{ taskId, key, body: JSON.parse(String(selectBody.get(row['number']!)!['body'])) }]
          })
        }),
      ),
    forget: (taskId) => {
      remove.run(taskId)
    },
  }
}
