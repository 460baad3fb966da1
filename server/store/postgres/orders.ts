import type { PostgresConnection, Query } from './connection.ts'
import type { Order, Store } from '../store.ts'
import { isUnfinished } from './messages.ts'

/** What is said to runs. */
export function postgresOrders({ query, write }: PostgresConnection): Pick<Store, 'putOrder' | 'ordersOf'> {
  return {
    putOrder: ({ taskId, key, body }) =>
      write(
        async (query) =>
          (
            await query(
              // Locked: the run ends, or its message goes, before this or behind it.
              `INSERT INTO orders (task_id, key, body) SELECT task_id, $2, $3::json FROM messages
               WHERE task_id = $1 AND ${isUnfinished} FOR SHARE ON CONFLICT DO NOTHING RETURNING 1`,
              [taskId, key, JSON.stringify(body)],
            )
          ).length === 1,
      ),
    ordersOf: (taskIds, heard = []) =>
      query<Order>(
        `SELECT task_id AS "taskId", key, body FROM orders
         WHERE task_id = ANY ($1) AND (task_id, key) NOT IN (SELECT * FROM unnest($2::text[], $3::text[])) ORDER BY number`,
        [taskIds, heard.map(({ taskId }) => taskId), heard.map(({ key }) => key)],
      ),
  }
}

/** Inside a transaction: its run has ended. */
export async function forgetOrders(query: Query, taskId: string): Promise<void> {
  await query('DELETE FROM orders WHERE task_id = $1', [taskId])
}
