import type { Json, Message } from '../../../shared/schema.ts'
import { branchOf } from '../branch.ts'
import { encodeCursor, positionBefore, takePage, type ListPosition } from '../cursor.ts'
import type { PostgresConnection, Query } from './connection.ts'
import { chatIsBusy, refuseContinuation } from '../run-rows.ts'
import type { Continuation, Direction, MessageRow, Page, Paged, SaidMessage, Store, StoredMessage } from '../store.ts'

type MessageMethods = Pick<
  Store,
  | 'getRow'
  | 'getMessage'
  | 'getRequest'
  | 'getJson'
  | 'findTask'
  | 'newestMessage'
  | 'listMessages'
  | 'ancestors'
  | 'getSaid'
  | 'branch'
  | 'descendants'
  | 'unfinished'
  | 'unfinishedOf'
  | 'takeOver'
>

export type Numbered<Row> = Row & { number: number }

const messageColumns = `messages.number, messages.id, chat_id AS "chatId", messages.parent_id AS "parentId", role, created_at AS "createdAt",
  task_id AS "taskId", user_id AS "userId", node, status`
const saidColumns = `${messageColumns}, json`
const storedColumns = `${saidColumns}, request`
const bytesOfJson = 'coalesce(octet_length(json::text), 0)::bigint'
/** The same words as in the partial index, or Postgres does not use it. */
export const isUnfinished = "status IN ('queued', 'preparing', 'streaming', 'waiting')"

/** Messages, and the runs that write them. */
export function postgresMessages({ query, write }: PostgresConnection): MessageMethods {
  const getRow = (id: string) => readRow(query, 'id = $1', id)
  return {
    getRow,
    getMessage: (id) => readRow<StoredMessage>(query, 'id = $1', id, storedColumns),
    getRequest: async (id) =>
      (await query<{ request: Json }>('SELECT request FROM messages WHERE id = $1', [id]))[0]?.request ?? null,
    getJson: async (id) =>
      (await query<{ json: Message | null }>('SELECT json FROM messages WHERE id = $1', [id]))[0]?.json ?? null,
    findTask: async (taskId) => {
      const [past] = await query<{ id: string }>('SELECT message_id AS id FROM past_tasks WHERE task_id = $1', [taskId])
      return past ? await getRow(past.id) : await readRow(query, 'task_id = $1', taskId)
    },
    newestMessage: (chatId) => readRow(query, 'chat_id = $1 ORDER BY created_at DESC, number DESC LIMIT 1', chatId),
    listMessages: (chatId, page, direction = 'asc') => listMessages(query, chatId, page, direction),
    ancestors: async (messageId, limit) => {
      const rows = await query<{ id: string }>(
        `WITH RECURSIVE up (id, parent_id, place) AS (
           SELECT id, parent_id, 1 FROM messages WHERE id = $1
           UNION ALL SELECT messages.id, messages.parent_id, place + 1 FROM messages JOIN up ON messages.id = up.parent_id WHERE place < $2
         ) SELECT id FROM up ORDER BY place`,
        [messageId, limit],
      )
      // A circle goes round until the limit.
      return [...new Set(rows.map(({ id }) => id))]
    },
    getSaid: async (ids, maxBytes) =>
      (
        await query<Numbered<SaidMessage>>(
          `WITH wanted AS (
             SELECT number, place, ${bytesOfJson} AS bytes FROM unnest($1::text[]) WITH ORDINALITY AS given (id, place) JOIN messages USING (id)
           ), summed AS (
             SELECT number, place, sum(bytes) OVER (ORDER BY place) AS total, row_number() OVER (ORDER BY place) AS nth FROM wanted
           ) SELECT ${saidColumns} FROM summed JOIN messages USING (number) WHERE nth = 1 OR total <= $2 ORDER BY place`,
          [ids, maxBytes],
        )
      ).map(unnumbered),
    branch: async (messageId) => {
      const rows = await query<Numbered<SaidMessage>>(
        `WITH RECURSIVE up (id, parent_id) AS (
           SELECT id, parent_id FROM messages WHERE id = $1
           UNION SELECT messages.id, messages.parent_id FROM messages JOIN up ON messages.id = up.parent_id
         ) SELECT ${saidColumns} FROM messages JOIN up ON up.id = messages.id`,
        [messageId],
      )
      const byId = new Map(rows.map((row) => [row.id, unnumbered(row)]))
      return branchOf(messageId, (id) => byId.get(id) ?? null)
    },
    descendants: (messageId) => readDescendants(query, messageId),
    unfinished: async () =>
      (
        await query<Numbered<MessageRow>>(
          `SELECT ${messageColumns} FROM messages WHERE ${isUnfinished} ORDER BY created_at, number`,
        )
      ).map(unnumbered),
    unfinishedOf: async (userId) =>
      (
        await query<Numbered<MessageRow>>(
          `SELECT ${messageColumns} FROM messages WHERE ${isUnfinished} AND user_id = $1 ORDER BY created_at, number`,
          [userId],
        )
      ).map(unnumbered),
    takeOver: (messageId, from, to) =>
      write(
        async (query) =>
          (
            await query(`UPDATE messages SET node = $3 WHERE id = $1 AND node = $2 AND ${isUnfinished} RETURNING 1`, [
              messageId,
              from,
              to,
            ])
          ).length === 1,
      ),
  }
}

/** Their places first, one after the other up to the bound, then the text of those that are shown. */
async function listMessages(
  query: Query,
  chatId: string,
  page: Page,
  direction: Direction,
): Promise<Paged<SaidMessage> & { cursors: string[] }> {
  const from = positionBefore(page, direction)
  const [is, order] = direction === 'asc' ? ['>', 'created_at, number'] : ['<', 'created_at DESC, number DESC']
  const places = await query<ListPosition & { bytes: number }>(
    `WITH RECURSIVE page (number, created_at, bytes, place, total) AS (
       (SELECT number, created_at, ${bytesOfJson}, 1, ${bytesOfJson} FROM messages
          WHERE chat_id = $1 AND (created_at, number) ${is} ($2::bigint, $3::bigint) ORDER BY ${order} LIMIT 1)
       UNION ALL
       SELECT next.number, next.created_at, next.bytes, place + 1, total + next.bytes
         FROM page CROSS JOIN LATERAL (
           SELECT number, created_at, ${bytesOfJson} AS bytes FROM messages
             WHERE chat_id = $1 AND (created_at, number) ${is} (page.created_at, page.number) ORDER BY ${order} LIMIT 1
         ) AS next WHERE place <= $4 AND (total <= $5 OR place = 1)
     ) SELECT number, created_at AS "createdAt", bytes FROM page ORDER BY place`,
    [chatId, from.createdAt, from.number, page.limit, page.maxBytes ?? Number.MAX_SAFE_INTEGER],
  )
  const { shown, isLast } = takePage(places, page, ({ bytes }) => bytes)
  const rows = await query<Numbered<SaidMessage>>(
    `SELECT ${saidColumns} FROM messages WHERE number = ANY ($1) ORDER BY ${order}`,
    [shown.map(({ number }) => number)],
  )
  // One that was deleted in between is not there any more.
  return {
    items: rows.map(unnumbered),
    nextCursor: isLast ? null : encodeCursor(shown.at(-1)!),
    cursors: rows.map(encodeCursor),
  }
}

/** Inside a transaction, behind `keepChat`: what is in the chat stays in it until the end. */
export async function isIn(query: Query, chatId: string, messageId: string): Promise<boolean> {
  return (await query('SELECT 1 FROM messages WHERE id = $1 AND chat_id = $2', [messageId, chatId])).length > 0
}

/** Inside a transaction. `vector`: its words, of one that has JSON. */
export async function insertMessage(query: Query, row: StoredMessage, vector: string | null): Promise<void> {
  await query(
    `INSERT INTO messages (id, chat_id, parent_id, role, created_at, task_id, user_id, node, status, request, json, search)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      row.id,
      row.chatId,
      row.parentId,
      row.role,
      row.createdAt,
      row.taskId,
      row.userId,
      row.node,
      row.status,
      toJson(row.request),
      toJson(row.json as Json),
      row.json && vector,
    ],
  )
}

/** Inside a transaction. Returns its chat's id. Throws `busy` for one that has not ended or is not listed, also where two ask at once; `not_found`. */
export async function continueMessage(
  query: Query,
  { messageId, taskId, userId, node, request }: Continuation,
): Promise<string> {
  const standing = await lockStanding(query, messageId)
  const unlisted = await query('SELECT 1 FROM unlisted_ends WHERE message_id = $1', [messageId])
  refuseContinuation(standing, unlisted.length > 0)
  await query('INSERT INTO past_tasks (task_id, message_id) SELECT task_id, id FROM messages WHERE id = $1', [
    messageId,
  ])
  const [row] = await query<{ chatId: string }>(
    `UPDATE messages SET status = 'queued', waits = FALSE, json = NULL, task_id = $2, user_id = $3, node = $4, request = $5 WHERE id = $1 RETURNING chat_id AS "chatId"`,
    [messageId, taskId, userId, node, toJson(request)],
  )
  return row!.chatId
}

/** Inside a transaction. Throws `busy` while an answer of the chat is being written; where two ask at once the second waits for the first. */
export async function refuseBusyChat(query: Query, chatId: string): Promise<void> {
  await query('SELECT 1 FROM chats WHERE id = $1 FOR NO KEY UPDATE', [chatId])
  const found = await query(`SELECT 1 FROM messages WHERE chat_id = $1 AND ${isUnfinished} LIMIT 1`, [chatId])
  if (found.length > 0) throw chatIsBusy()
}

/** Inside a transaction: what says whether a run can end, or be continued, which stays so until the end of the transaction. */
export async function lockStanding(
  query: Query,
  messageId: string,
): Promise<Pick<MessageRow, 'taskId' | 'status'> | null> {
  const [row] = await query<Pick<MessageRow, 'taskId' | 'status'>>(
    'SELECT task_id AS "taskId", status FROM messages WHERE id = $1 FOR NO KEY UPDATE',
    [messageId],
  )
  return row ?? null
}

/** Inside a transaction. */
export async function finishMessage(query: Query, message: Message, json: string, vector: string): Promise<void> {
  await query('UPDATE messages SET status = $2, json = $3, search = $4 WHERE id = $1', [
    message.id,
    message.status,
    json,
    vector,
  ])
}

/** Itself first; empty for an unknown id. */
export async function readDescendants(query: Query, messageId: string): Promise<string[]> {
  const rows = await query<{ id: string }>(
    `WITH RECURSIVE tree (id) AS (
       SELECT id FROM messages WHERE id = $1 UNION SELECT messages.id FROM messages JOIN tree ON messages.parent_id = tree.id
     ) SELECT id FROM tree`,
    [messageId],
  )
  return rows.map(({ id }) => id)
}

/** Inside a transaction. The messages first: what is being said to their runs comes before that, or is refused. */
export async function deleteMessageRows(query: Query, ids: readonly string[]): Promise<void> {
  await query('SELECT 1 FROM messages WHERE id = ANY ($1) ORDER BY number FOR UPDATE', [ids])
  await query('DELETE FROM orders USING messages WHERE messages.id = ANY ($1) AND orders.task_id = messages.task_id', [
    ids,
  ])
  for (const table of ['provider_data', 'past_tasks', 'untold_ends', 'unlisted_ends'])
    await query(`DELETE FROM ${table} WHERE message_id = ANY ($1)`, [ids])
  await query('DELETE FROM messages WHERE id = ANY ($1)', [ids])
}

async function readRow<Row extends MessageRow = MessageRow>(
  query: Query,
  condition: string,
  value: string,
  columns = messageColumns,
): Promise<Row | null> {
  const [row] = await query<Numbered<Row>>(`SELECT ${columns} FROM messages WHERE ${condition}`, [value])
  return row ? unnumbered<Row>(row) : null
}

function unnumbered<Row>({ number: _number, ...row }: Numbered<Row>): Row {
  return row as unknown as Row
}

function toJson(value: Json): string | null {
  return value === null ? null : JSON.stringify(value)
}
