import type { SQLOutputValue } from 'node:sqlite'
import { RunnelError } from '../../../shared/errors.ts'
import type { Json } from '../../../shared/schema.ts'
import type { NewRun, Taking, WaitingLine, WaitingMessage, WaitingStore } from '../store.ts'
import { waitingHolds } from '../waiting-holds.ts'
import { changed, isReady, joined, passedOn, refuseWaiting, taken, withoutOne } from '../waiting-line.ts'
import type { SqliteChatList } from './chat-list.ts'
import type { SqliteClaims } from './claims.ts'
import type { SqliteConnection } from './connection.ts'
import type { SqliteFiles } from './files.ts'
import type { SqliteMessages } from './messages.ts'

interface Parts {
  messages: SqliteMessages
  claims: SqliteClaims
  files: SqliteFiles
  list: SqliteChatList
}

/** Messages that wait for their turn. What is beside `store` is called inside a transaction. */
export interface SqliteWaiting {
  store: Omit<WaitingStore, 'takeWaiting'>
  isOpen(chatId: string): boolean
  take(run: NewRun, taking: Taking, insertRun: () => void): boolean
  passOn(chatId: string, deleted: readonly string[], parentId: string | null): void
  /** Returns the ids of what waited there. */
  deleteChat(chatId: string): string[]
}

const columns = 'id, chat_id AS chatId, user_id AS userId, created_at AS createdAt, said, refused'

export function sqliteWaiting(connection: SqliteConnection, { messages, claims, files, list }: Parts): SqliteWaiting {
  const selectLine = connection.prepare(
    'SELECT chat_id AS chatId, after_id AS after, version, listed FROM waiting_lines WHERE chat_id = ?',
  )
  const selectOfChat = connection.prepare(`SELECT ${columns} FROM waiting WHERE chat_id = ? ORDER BY place`)
  const selectOne = connection.prepare(`SELECT ${columns} FROM waiting WHERE id = ?`)
  const countOfUser = connection.prepare('SELECT count(*) AS count FROM waiting WHERE user_id = ?')
  const selectOpen = connection.prepare('SELECT 1 FROM waiting WHERE chat_id = ? AND refused IS NULL LIMIT 1')
  const selectLines = connection.prepare(
    `SELECT chat_id AS chatId, after_id AS after, version <> coalesce(listed, '') AS isOld,
       EXISTS (SELECT 1 FROM waiting WHERE waiting.chat_id = waiting_lines.chat_id AND refused IS NULL) AS isOpen
     FROM waiting_lines`,
  )
  const upsertLine = connection.prepare(
    `INSERT INTO waiting_lines (chat_id, after_id, version, listed) VALUES (?, ?, ?, ?)
     ON CONFLICT (chat_id) DO UPDATE SET after_id = excluded.after_id, version = excluded.version, listed = excluded.listed`,
  )
  const setListed = connection.prepare('UPDATE waiting_lines SET listed = version WHERE chat_id = ? AND version = ?')
  const deleteLine = connection.prepare('DELETE FROM waiting_lines WHERE chat_id = ?')
  const insert = connection.prepare(
    'INSERT INTO waiting (id, chat_id, user_id, place, created_at, said, refused) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
  const update = connection.prepare('UPDATE waiting SET said = ?, refused = ? WHERE id = ?')
  const setPlace = connection.prepare('UPDATE waiting SET place = ? WHERE id = ?')
  const remove = connection.prepare('DELETE FROM waiting WHERE id = ?')
  const removeOfChat = connection.prepare('DELETE FROM waiting WHERE chat_id = ? RETURNING id')
  const holds = waitingHolds()

  function read(chatId: string): WaitingLine | null {
    const line = selectLine.get(chatId)
    return line ? { ...(line as unknown as WaitingLine), messages: selectOfChat.all(chatId).map(toMessage) } : null
  }

  /** Only what is another than it was. */
  function save(next: WaitingLine, before: WaitingLine | null): void {
    upsertLine.run(next.chatId, next.after, next.version, next.listed)
    const known = new Map((before?.messages ?? []).map((message, place) => [message.id, { message, place }]))
    for (const [place, message] of next.messages.entries()) {
      const { id, chatId, userId, createdAt, said, refused } = message
      const texts = [JSON.stringify(said), refused === null ? null : JSON.stringify(refused)] as const
      const old = known.get(id)
      known.delete(id)
      if (!old) insert.run(id, chatId, userId, place, createdAt, ...texts)
      else {
        if (old.message !== message) update.run(...texts, id)
        if (old.place !== place) setPlace.run(place, id)
      }
    }
    for (const id of known.keys()) remove.run(id)
  }

  const readyAt = ({ chatId, after }: Pick<WaitingLine, 'chatId' | 'after'>, now: number) =>
    isReady(after === null ? undefined : messages.getRow(after)?.status, holds.isHeld(chatId, now))
  const isOpen = (chatId: string) => selectOpen.get(chatId) !== undefined

  return {
    isOpen,
    store: {
      putWaiting: async ({ message, first, files: fileIds, claim, maxOfChat, maxOfUser }) =>
        connection.write(() => {
          const { chatId, userId, createdAt } = message
          const known = claim && claims.find(claim)
          if (known) return { repeated: true, response: known.response }
          if (!messages.getChatRow(chatId)) throw new RunnelError('not_found', 'There is no such chat.')
          const line = read(chatId)
          const next = joined(line, message, first, messages.running(chatId))
          if (!next) return 'idle'
          const claimed = claims.take(claim)
          const ofUser = Number(countOfUser.get(userId)?.['count'])
          refuseWaiting(line?.messages.length ?? 0, ofUser, { maxOfChat, maxOfUser })
          for (const file of fileIds) files.attach(file, chatId, message.id)
          save(next, line)
          list.active(chatId, createdAt, userId)
          return claimed
        }),
      getWaiting: async (id) =>
        connection.read(() => {
          const row = selectOne.get(id)
          return row ? toMessage(row) : null
        }),
      waitingLine: async (chatId, now) =>
        connection.read(() => {
          const line = read(chatId)
          return line && { ...line, ready: readyAt(line, now) }
        }),
      changeWaiting: async ({ id, chatId }, change, version) =>
        connection.write(() => {
          const line = read(chatId)
          if (!line || (version !== undefined && line.version !== version)) return false
          const standing = messages.running(chatId) ?? messages.newestMessage(chatId)?.id ?? null
          const next = changed(line, id, change, standing)
          if (next) save(next, line)
          if (change.said !== undefined) connection.scrubSoon()
          return next !== null
        }),
      removeWaiting: async ({ id, chatId }) =>
        connection.write(() => {
          const line = read(chatId)
          const next = line && withoutOne(line, id)
          if (!next) return null
          save(next, line)
          connection.scrubSoon()
          return files.deleteOfMessages([id])
        }),
      waitingListed: async (chatId, version) =>
        connection.write(() => {
          if (setListed.run(chatId, version).changes === 0) return false
          if (read(chatId)?.messages.length === 0) deleteLine.run(chatId)
          return true
        }),
      waitingChats: async (now) =>
        connection.read(() =>
          (selectLines.all() as unknown as { chatId: string; after: string | null; isOld: number; isOpen: number }[])
            .filter((line) => line.isOld === 1 || (line.isOpen === 1 && readyAt(line, now)))
            .map(({ chatId }) => chatId),
        ),
      holdWaiting: async (chatId, hold, until) => holds.set(chatId, hold, until),
    },
    take(run, taking, insertRun) {
      const { id, chatId, createdAt } = run.assistant
      const line = read(chatId)
      const next = taken(line, taking, id)
      if (!next || !readyAt(line!, taking.now)) return false
      insertRun()
      save(next, line)
      list.active(chatId, createdAt)
      return true
    },
    passOn(chatId, deleted, parentId) {
      const line = read(chatId)
      const next = line && passedOn(line, deleted, parentId)
      if (next) save(next, line)
    },
    deleteChat(chatId) {
      deleteLine.run(chatId)
      return removeOfChat.all(chatId).map(({ id }) => String(id))
    },
  }
}

function toMessage({ said, refused, ...row }: Record<string, SQLOutputValue>): WaitingMessage {
  const parse = (value: SQLOutputValue | undefined) => (value === null ? null : (JSON.parse(String(value)) as Json))
  return { ...(row as unknown as WaitingMessage), said: parse(said), refused: parse(refused) }
}
