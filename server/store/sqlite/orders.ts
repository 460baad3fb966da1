import type { SqliteConnection } from './connection.ts'
import type { Order } from '../store.ts'

/** What is said to runs. `forget` is called inside a transaction. */
export interface SqliteOrders {
  put(order: Order): boolean
  of(taskIds: readonly string[]): Order[]
  forget(taskId: string): void
}

export function sqliteOrders(connection: SqliteConnection): SqliteOrders {
  const insert = connection.prepare(
    `INSERT OR IGNORE INTO orders (task_id, key, body) SELECT task_id, ?, ? FROM messages
     WHERE task_id = ? AND status IN ('queued', 'preparing', 'streaming', 'waiting')`,
  )
  const select = connection.prepare('SELECT key, body FROM orders WHERE task_id = ? ORDER BY number')
  const remove = connection.prepare('DELETE FROM orders WHERE task_id = ?')
  return {
    put: ({ taskId, key, body }) => connection.write(() => insert.run(key, JSON.stringify(body), taskId).changes === 1),
    of: (taskIds) =>
      connection.read(() =>
        taskIds.flatMap((taskId) =>
          select.all(taskId).map((row) => ({ taskId, key: String(row['key']), body: JSON.parse(String(row['body'])) })),
        ),
      ),
    forget: (taskId) => {
      remove.run(taskId)
    },
  }
}
