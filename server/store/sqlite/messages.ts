import type { SQLOutputValue, StatementSync } from 'node:sqlite'
import { RunnelError } from '../../../shared/errors.ts'
import type { Json, Message } from '../../../shared/schema.ts'
import { encodeCursor, positionBefore, takePage } from '../cursor.ts'
import type { SqliteConnection } from './connection.ts'
import type {
  ChatRow,
  Continuation,
  Direction,
  MessageRow,
  Page,
  Paged,
  SaidMessage,
  StoredChat,
  StoredMessage,
} from '../store.ts'

type Row = Record<string, SQLOutputValue>

const chatColumns = 'number, id, owner_id AS ownerId, title, created_at AS createdAt, expires_at AS expiresAt, untitled'
const withSystem = 'chats LEFT JOIN systems ON systems.chat = chats.number'
const messageColumns = `number, id, chat_id AS chatId, parent_id AS parentId, role, created_at AS createdAt,
  task_id AS taskId, user_id AS userId, node, status`
const numberOf = '(SELECT number FROM messages WHERE id = ?)'
const withContents = 'messages LEFT JOIN contents ON contents.message = messages.number'

function toChat<Chat extends ChatRow = ChatRow>({ number: _number, expiresAt, untitled, ...row }: Row): Chat {
  return {
    ...row,
    ...(expiresAt !== null && { expiresAt }),
    ...(untitled === 1 && { untitled: true }),
  } as unknown as Chat
}

function toRow({ number: _number, ...row }: Row): MessageRow {
  return { ...row } as unknown as MessageRow
}

function toSaid({ json, ...row }: Row): SaidMessage {
  return { ...toRow(row), json: parse(json) as SaidMessage['json'] }
}

function toStored({ request, ...row }: Row): StoredMessage {
  return { ...toSaid(row), request: parse(request) }
}

function parse(value: SQLOutputValue | undefined): Json {
  return value === null || value === undefined ? null : (JSON.parse(String(value)) as Json)
}

/** One by one: what is not asked for is not read. */
function* rowsOf(statement: StatementSync, ids: readonly string[]): Generator<Row> {
  for (const id of ids) {
    const row = statement.get(id)
    if (row) yield row
  }
}

function bytesOfJson({ json }: Row): number {
  return Buffer.byteLength(String(json ?? ''))
}

/** Cuts a page from rows of which one more than `limit` may come. */
function toPage<T>(
  rows: Iterable<Row>,
  page: Page,
  bytesOf: (row: Row) => number,
  read: (row: Row) => T,
): Paged<T> & { cursors: string[] } {
  const { shown, isLast } = takePage(rows, page, bytesOf)
  const cursors = shown.map((row) =>
    encodeCursor({ createdAt: Number(row['createdAt']), number: Number(row['number']) }),
  )
  return { items: shown.map(read), nextCursor: isLast ? null : cursors.at(-1)!, cursors }
}

/** Descendants by `parent_id`, itself first. */
const withDescendants = `WITH RECURSIVE tree (id) AS (
  SELECT id FROM messages WHERE id = ? UNION SELECT messages.id FROM messages JOIN tree ON messages.parent_id = tree.id
) SELECT id FROM tree`

/** From a message upwards, itself first. Each row has one parent, so they come in this order; UNION ends a circle. */
const withAncestors = `WITH RECURSIVE up (id, parent_id) AS (
  SELECT id, parent_id FROM messages WHERE id = ?
  UNION SELECT messages.id, messages.parent_id FROM messages JOIN up ON messages.id = up.parent_id
) SELECT id FROM up LIMIT ?`

/** Chats and messages. Methods that insert or finish are called inside a transaction. */
export interface SqliteMessages {
  insertChat(chat: StoredChat): void
  /** Chats that the owner of this one has, up to so many: of those that expire those that are not over, or of the others. */
  countOwned(chat: ChatRow, max: number): number
  getChatRow(id: string): ChatRow | null
  getChat(id: string): StoredChat | null
  /** Inside a transaction. */
  renameChat(id: string, title: string): void
  /** Inside a transaction. */
  isUntitled(id: string): boolean
  expiredChats(now: number): ChatRow[]
  /** Throws `not_found` where the chat does not exist. */
  insertMessage(row: StoredMessage): void
  continueMessage(run: Continuation): void
  /** `json`: the text of the message. */
  finishMessage(message: Message, json: string): void
  getRow(id: string): MessageRow | null
  getMessage(id: string): StoredMessage | null
  getSaid(id: string): SaidMessage | null
  getRequest(id: string): Json | null
  getJson(id: string): Message | null
  findTask(taskId: string): MessageRow | null
  newestMessage(chatId: string): MessageRow | null
  listMessages(chatId: string, page: Page, direction: Direction): Paged<SaidMessage> & { cursors: string[] }
  ancestors(messageId: string, limit: number): string[]
  getSaidOf(ids: readonly string[], maxBytes: number): SaidMessage[]
  /** Itself first; empty for an unknown id. */
  descendants(messageId: string): string[]
  idsOfChat(chatId: string): string[]
  deleteMessage(id: string): void
  deleteChat(id: string): void
  unfinished(): MessageRow[]
  unfinishedOf(userId: string): MessageRow[]
  /** Inside a transaction: the newest of a chat that is being written. */
  running(chatId: string): string | null
  takeOver(messageId: string, from: string, to: string): boolean
}

export function sqliteMessages(connection: SqliteConnection): SqliteMessages {
  const insertChat = connection.prepare(
    'INSERT INTO chats (id, owner_id, title, created_at, expires_at, untitled) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const insertSystem = connection.prepare('INSERT INTO systems (chat, system) VALUES (?, ?)')
  const countListed = connection.prepare(
    'SELECT count(*) AS count FROM (SELECT 1 FROM chats WHERE owner_id = ? AND expires_at IS NULL LIMIT ?)',
  )
  const countUnlisted = connection.prepare(
    'SELECT count(*) AS count FROM (SELECT 1 FROM chats WHERE owner_id = ? AND expires_at > ? LIMIT ?)',
  )
  const selectChatRow = connection.prepare(`SELECT ${chatColumns} FROM chats WHERE id = ?`)
  const selectChat = connection.prepare(`SELECT ${chatColumns}, system FROM ${withSystem} WHERE id = ?`)
  const selectExpired = connection.prepare(`SELECT ${chatColumns} FROM chats WHERE expires_at <= ? ORDER BY expires_at`)
  const insertMessage = connection.prepare(
    `INSERT INTO messages (id, chat_id, parent_id, role, created_at, task_id, user_id, node, status)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const insertContents = connection.prepare('INSERT INTO contents (message, request, json) VALUES (?, ?, ?)')
  const continueMessage = connection.prepare(
    "UPDATE messages SET status = 'queued', waits = 0, task_id = ?, user_id = ?, node = ? WHERE id = ?",
  )
  const askAgain = connection.prepare(`UPDATE contents SET json = NULL, request = ? WHERE message = ${numberOf}`)
  const insertPastTask = connection.prepare(
    'INSERT INTO past_tasks (task_id, message_id) SELECT task_id, id FROM messages WHERE id = ?',
  )
  const selectPastTask = connection.prepare('SELECT message_id FROM past_tasks WHERE task_id = ?')
  const deletePastTasks = connection.prepare('DELETE FROM past_tasks WHERE message_id = ?')
  const finishMessage = connection.prepare('UPDATE messages SET status = ? WHERE id = ?')
  const setJson = connection.prepare(`UPDATE contents SET json = ? WHERE message = ${numberOf}`)
  const selectRow = connection.prepare(`SELECT ${messageColumns} FROM messages WHERE id = ?`)
  const selectStored = connection.prepare(`SELECT ${messageColumns}, request, json FROM ${withContents} WHERE id = ?`)
  const selectSaid = connection.prepare(`SELECT ${messageColumns}, json FROM ${withContents} WHERE id = ?`)
  const selectRequest = connection.prepare(`SELECT request FROM contents WHERE message = ${numberOf}`)
  const selectJson = connection.prepare(`SELECT json FROM contents WHERE message = ${numberOf}`)
  const selectTask = connection.prepare(`SELECT ${messageColumns} FROM messages WHERE task_id = ?`)
  const selectNewest = connection.prepare(
    `SELECT ${messageColumns} FROM messages WHERE chat_id = ? ORDER BY created_at DESC, number DESC LIMIT 1`,
  )
  const selectDescendants = connection.prepare(withDescendants)
  const selectIdsOfChat = connection.prepare('SELECT id FROM messages WHERE chat_id = ?')
  const deleteContents = connection.prepare(`DELETE FROM contents WHERE message = ${numberOf}`)
  const deleteMessage = connection.prepare('DELETE FROM messages WHERE id = ?')
  const deleteSystem = connection.prepare('DELETE FROM systems WHERE chat = (SELECT number FROM chats WHERE id = ?)')
  const deleteChat = connection.prepare('DELETE FROM chats WHERE id = ?')
  const updateTitle = connection.prepare('UPDATE chats SET title = ?, untitled = 0 WHERE id = ?')
  const selectMessages = {
    asc: connection.prepare(
      `SELECT ${messageColumns}, json FROM ${withContents} WHERE chat_id = ? AND (created_at, number) > (?, ?)
       ORDER BY created_at, number LIMIT ?`,
    ),
    desc: connection.prepare(
      `SELECT ${messageColumns}, json FROM ${withContents} WHERE chat_id = ? AND (created_at, number) < (?, ?)
       ORDER BY created_at DESC, number DESC LIMIT ?`,
    ),
  }
  const selectAncestors = connection.prepare(withAncestors)
  // The same words as in the partial index, or SQLite does not use it.
  const selectUnfinished = connection.prepare(
    `SELECT ${messageColumns} FROM messages WHERE status IN ('queued', 'preparing', 'streaming', 'waiting')
     ORDER BY created_at, number`,
  )
  const selectUnfinishedOf = connection.prepare(
    `SELECT ${messageColumns} FROM messages WHERE status IN ('queued', 'preparing', 'streaming', 'waiting') AND user_id = ?
     ORDER BY created_at, number`,
  )
  const selectUnfinishedIn = connection.prepare(
    `SELECT id FROM messages WHERE chat_id = ? AND status IN ('queued', 'preparing', 'streaming', 'waiting')
     ORDER BY created_at DESC, number DESC LIMIT 1`,
  )
  const setNode = connection.prepare(
    "UPDATE messages SET node = ? WHERE id = ? AND node = ? AND status IN ('queued', 'preparing', 'streaming', 'waiting')",
  )
  function one<T>(statement: StatementSync, key: string, read: (row: Row) => T): T | null {
    const row = statement.get(key)
    return row ? read(row) : null
  }
  const getRow = (id: string) => one(selectRow, id, toRow)

  return {
    insertChat(chat) {
      const { id, ownerId, title, createdAt, expiresAt = null, untitled = false } = chat
      const { lastInsertRowid } = insertChat.run(id, ownerId, title, createdAt, expiresAt, Number(untitled))
      if (chat.system !== null) insertSystem.run(lastInsertRowid, chat.system)
    },
    countOwned: ({ ownerId, expiresAt, createdAt }, max) =>
      Number(
        (expiresAt === undefined ? countListed.get(ownerId, max) : countUnlisted.get(ownerId, createdAt, max))![
          'count'
        ],
      ),
    getChatRow: (id) => connection.read(() => one(selectChatRow, id, toChat)),
    getChat: (id) => connection.read(() => one(selectChat, id, toChat<StoredChat>)),
    isUntitled: (id) => selectChatRow.get(id)?.['untitled'] === 1,
    renameChat(id, title) {
      updateTitle.run(title, id)
    },
    expiredChats: (now) => connection.read(() => selectExpired.all(now).map((row) => toChat(row))),
    descendants: (messageId) => connection.read(() => selectDescendants.all(messageId).map(({ id }) => String(id))),
    idsOfChat: (chatId) => selectIdsOfChat.all(chatId).map(({ id }) => String(id)),
    deleteMessage(id) {
      deletePastTasks.run(id)
      deleteContents.run(id)
      deleteMessage.run(id)
    },
    deleteChat(id) {
      deleteSystem.run(id)
      deleteChat.run(id)
    },
    insertMessage(row) {
      if (!selectChatRow.get(row.chatId)) throw new RunnelError('not_found', 'This chat does not exist.')
      const { lastInsertRowid } = insertMessage.run(
        row.id,
        row.chatId,
        row.parentId,
        row.role,
        row.createdAt,
        row.taskId,
        row.userId,
        row.node,
        row.status,
      )
      const request = row.request === null ? null : JSON.stringify(row.request)
      insertContents.run(lastInsertRowid, request, row.json && JSON.stringify(row.json))
    },
    finishMessage(message, json) {
      finishMessage.run(message.status, message.id)
      setJson.run(json, message.id)
    },
    getRow: (id) => connection.read(() => getRow(id)),
    getMessage: (id) => connection.read(() => one(selectStored, id, toStored)),
    getSaid: (id) => connection.read(() => one(selectSaid, id, toSaid)),
    getRequest: (id) => connection.read(() => one(selectRequest, id, ({ request }) => parse(request))),
    getJson: (id) => connection.read(() => one(selectJson, id, ({ json }) => parse(json) as Message | null)),
    continueMessage({ messageId, taskId, userId, node, request }) {
      insertPastTask.run(messageId)
      continueMessage.run(taskId, userId, node, messageId)
      askAgain.run(JSON.stringify(request), messageId)
    },
    findTask: (taskId) =>
      connection.read(() => {
        const past = selectPastTask.get(taskId)
        return past ? getRow(String(past['message_id'])) : one(selectTask, taskId, toRow)
      }),
    newestMessage: (chatId) => connection.read(() => one(selectNewest, chatId, toRow)),
    listMessages: (chatId, page, direction) =>
      connection.read(() => {
        const { createdAt, number } = positionBefore(page, direction)
        // Row by row: what is not shown is not read.
        const rows = selectMessages[direction].iterate(chatId, createdAt, number, page.limit + 1)
        return toPage(rows, page, bytesOfJson, toSaid)
      }),
    ancestors: (messageId, limit) =>
      connection.read(() => selectAncestors.all(messageId, limit).map(({ id }) => String(id))),
    getSaidOf: (ids, maxBytes) =>
      connection.read(
        () => toPage(rowsOf(selectSaid, ids), { limit: ids.length, maxBytes }, bytesOfJson, toSaid).items,
      ),
    unfinishedOf: (userId) => connection.read(() => selectUnfinishedOf.all(userId).map(toRow)),
    running: (chatId) => one(selectUnfinishedIn, chatId, ({ id }) => String(id)),
    takeOver: (messageId, from, to) => connection.read(() => setNode.run(to, messageId, from).changes === 1),
    unfinished: () => connection.read(() => selectUnfinished.all().map(toRow)),
  }
}
