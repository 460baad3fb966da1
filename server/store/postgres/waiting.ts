import type { MessageStatus } from '../../../shared/schema.ts'
import { chatIsBusy } from '../run-rows.ts'
import type { NewRun, Taking, WaitingLine, WaitingMessage, WaitingStore } from '../store.ts'
import { unknownChat } from '../unknown-chat.ts'
import { changed, isReady, joined, passedOn, refuseWaiting, taken, withoutOne } from '../waiting-line.ts'
import { chatActive } from './chat-list.ts'
import { takeClaim, unclaim } from './claims.ts'
import type { PostgresConnection, Query } from './connection.ts'
import { attachFiles, deleteFilesOfMessages, quotaLocks } from './files.ts'
import { isUnfinished } from './messages.ts'

const columns = 'id, chat_id AS "chatId", user_id AS "userId", created_at AS "createdAt", said, refused'
const isHeld = 'EXISTS (SELECT 1 FROM waiting_holds WHERE waiting_holds.chat_id = waiting_lines.chat_id AND until > $1)'
const statusOfAfter = '(SELECT status FROM messages WHERE messages.id = after_id)'

/** Messages that wait for their turn. Whoever changes a line has its chat locked first: one after the other. */
export function postgresWaiting({ query, write }: PostgresConnection): Omit<WaitingStore, 'takeWaiting'> {
  return {
    putWaiting: ({ message, first, files, claim, maxOfChat, maxOfUser }) =>
      write(async (query) => {
        const { chatId, userId, createdAt } = message
        const claimed = await takeClaim(query, claim)
        if (claimed.repeated) return claimed
        await lockChat(query, chatId)
        const line = await read(query, chatId)
        const next = joined(line, message, first, await running(query, chatId))
        if (!next) {
          await unclaim(query, claim)
          return 'idle'
        }
        await query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [quotaLocks.userWaiting, userId])
        const [own] = await query<{ count: number }>('SELECT count(*) FROM waiting WHERE user_id = $1', [userId])
        refuseWaiting(line?.messages.length ?? 0, own!.count, { maxOfChat, maxOfUser })
        await attachFiles(query, files, chatId, message.id)
        await save(query, next, line)
        await chatActive(query, chatId, createdAt, userId)
        return claimed
      }),
    getWaiting: async (id) =>
      (await query<WaitingMessage>(`SELECT ${columns} FROM waiting WHERE id = $1`, [id]))[0] ?? null,
    waitingLine: async (chatId, now) => {
      // Asked for after each run: most chats have none.
      if ((await query('SELECT 1 FROM waiting_lines WHERE chat_id = $1', [chatId])).length === 0) return null
      return await write(async (query) => {
        await query('SELECT 1 FROM chats WHERE id = $1 FOR SHARE', [chatId])
        const line = await read(query, chatId)
        return line && { ...line, ready: await readyAt(query, chatId, now) }
      })
    },
    changeWaiting: ({ id, chatId }, change, version) =>
      write(async (query) => {
        const line = await readLocked(query, chatId)
        if (!line || (version !== undefined && line.version !== version)) return false
        const next = changed(line, id, change, (await running(query, chatId)) ?? (await newest(query, chatId)))
        if (next) await save(query, next, line)
        return next !== null
      }),
    removeWaiting: ({ id, chatId }) =>
      write(async (query) => {
        const line = await readLocked(query, chatId)
        const next = line && withoutOne(line, id)
        if (!next) return null
        await save(query, next, line)
        return await deleteFilesOfMessages(query, [id])
      }),
    waitingListed: (chatId, version) =>
      write(async (query) => {
        const line = await readLocked(query, chatId)
        if (line?.version !== version) return false
        if (line.messages.length === 0) await query('DELETE FROM waiting_lines WHERE chat_id = $1', [chatId])
        else await query('UPDATE waiting_lines SET listed = version WHERE chat_id = $1', [chatId])
        return true
      }),
    waitingChats: async (now) => {
      const rows = await query<{
        chatId: string
        status: MessageStatus | null
        held: boolean
        old: boolean
        open: boolean
      }>(
        `SELECT chat_id AS "chatId", ${statusOfAfter} AS status, ${isHeld} AS held, version IS DISTINCT FROM listed AS old,
           EXISTS (SELECT 1 FROM waiting WHERE waiting.chat_id = waiting_lines.chat_id AND refused IS NULL) AS open
         FROM waiting_lines`,
        [now],
      )
      return rows
        .filter(({ status, held, old, open }) => old || (open && isReady(status ?? undefined, held)))
        .map(({ chatId }) => chatId)
    },
    holdWaiting: (chatId, hold, until) =>
      write(async (query) => {
        // Who takes something now comes before this.
        await query('SELECT 1 FROM chats WHERE id = $1 FOR NO KEY UPDATE', [chatId])
        await query('DELETE FROM waiting_holds WHERE hold = $1', [hold])
        if (until !== null)
          await query('INSERT INTO waiting_holds (hold, chat_id, until) VALUES ($1, $2, $3)', [hold, chatId, until])
      }),
  }
}

/** Inside a transaction that has the chat locked. Throws `busy` where somebody waits to be sent. */
export async function refuseWhereWaiting(query: Query, chatId: string): Promise<void> {
  const open = await query('SELECT 1 FROM waiting WHERE chat_id = $1 AND refused IS NULL LIMIT 1', [chatId])
  if (open.length > 0) throw chatIsBusy()
}

/** Inside a transaction, before the run is inserted. What it answers stays as it is until the end of the transaction. */
export async function takeWaiting(query: Query, { assistant }: NewRun, taking: Taking): Promise<boolean> {
  const line = await readLocked(query, assistant.chatId)
  const next = taken(line, taking, assistant.id)
  if (!next) return false
  await query('SELECT 1 FROM messages WHERE id = $1 FOR SHARE', [line!.after])
  if (!(await readyAt(query, assistant.chatId, taking.now))) return false
  await save(query, next, line)
  return true
}

/** Inside a transaction that has the chat locked: these are about to be deleted, descendants of the first. */
export async function passWaitingOn(
  query: Query,
  chatId: string,
  messageId: string,
  deleted: readonly string[],
): Promise<void> {
  const line = await read(query, chatId)
  if (!line) return
  const [row] = await query<{ parentId: string | null }>('SELECT parent_id AS "parentId" FROM messages WHERE id = $1', [
    messageId,
  ])
  const next = passedOn(line, deleted, row?.parentId ?? null)
  if (next) await save(query, next, line)
}

/** Inside a transaction: all that waits in a chat. Returns its ids. */
export async function deleteWaiting(query: Query, chatId: string): Promise<string[]> {
  for (const table of ['waiting_lines', 'waiting_holds'])
    await query(`DELETE FROM ${table} WHERE chat_id = $1`, [chatId])
  return (await query<{ id: string }>('DELETE FROM waiting WHERE chat_id = $1 RETURNING id', [chatId])).map(
    ({ id }) => id,
  )
}

async function lockChat(query: Query, chatId: string): Promise<void> {
  const found = await query('SELECT 1 FROM chats WHERE id = $1 FOR NO KEY UPDATE', [chatId])
  if (found.length === 0) throw unknownChat()
}

async function readLocked(query: Query, chatId: string): Promise<WaitingLine | null> {
  await query('SELECT 1 FROM chats WHERE id = $1 FOR NO KEY UPDATE', [chatId])
  return await read(query, chatId)
}

async function read(query: Query, chatId: string): Promise<WaitingLine | null> {
  const [line] = await query<Omit<WaitingLine, 'messages'>>(
    'SELECT chat_id AS "chatId", after_id AS after, version, listed FROM waiting_lines WHERE chat_id = $1',
    [chatId],
  )
  if (!line) return null
  const messages = await query<WaitingMessage>(`SELECT ${columns} FROM waiting WHERE chat_id = $1 ORDER BY place`, [
    chatId,
  ])
  return { ...line, messages }
}

/** Only what is another than it was. */
async function save(query: Query, next: WaitingLine, before: WaitingLine | null): Promise<void> {
  await query(
    `INSERT INTO waiting_lines (chat_id, after_id, version, listed) VALUES ($1, $2, $3, $4)
     ON CONFLICT (chat_id) DO UPDATE SET after_id = excluded.after_id, version = excluded.version, listed = excluded.listed`,
    [next.chatId, next.after, next.version, next.listed],
  )
  const known = new Map((before?.messages ?? []).map((message, place) => [message.id, { message, place }]))
  for (const [place, message] of next.messages.entries()) {
    const { id, chatId, userId, createdAt, said, refused } = message
    const texts = [JSON.stringify(said), refused === null ? null : JSON.stringify(refused)]
    const old = known.get(id)
    known.delete(id)
    if (!old)
      await query(
        'INSERT INTO waiting (id, chat_id, user_id, place, created_at, said, refused) VALUES ($1, $2, $3, $4, $5, $6, $7)',
        [id, chatId, userId, place, createdAt, ...texts],
      )
    else if (old.message !== message || old.place !== place)
      await query('UPDATE waiting SET place = $2, said = $3, refused = $4 WHERE id = $1', [id, place, ...texts])
  }
  await query('DELETE FROM waiting WHERE id = ANY ($1)', [[...known.keys()]])
}

async function readyAt(query: Query, chatId: string, now: number): Promise<boolean> {
  const [line] = await query<{ status: MessageStatus | null; held: boolean }>(
    `SELECT ${statusOfAfter} AS status, ${isHeld} AS held FROM waiting_lines WHERE chat_id = $2`,
    [now, chatId],
  )
  return line !== undefined && isReady(line.status ?? undefined, line.held)
}

/** The newest answer of a chat that is being written. */
async function running(query: Query, chatId: string): Promise<string | null> {
  return await first(query, chatId, `AND ${isUnfinished}`)
}

async function newest(query: Query, chatId: string): Promise<string | null> {
  return await first(query, chatId, '')
}

async function first(query: Query, chatId: string, condition: string): Promise<string | null> {
  const [row] = await query<{ id: string }>(
    `SELECT id FROM messages WHERE chat_id = $1 ${condition} ORDER BY created_at DESC, number DESC LIMIT 1`,
    [chatId],
  )
  return row?.id ?? null
}
