import { closeAll } from '../../waiting/close.ts'
import { Patience } from '../../waiting/patience.ts'
import { findClaim, forgetClaims, takeClaim } from './claims.ts'
import { jsonText } from '../json-text.ts'
import { openPostgresConnection, type PostgresConnection, type Query } from './connection.ts'
import {
  createDocument,
  deleteDocuments,
  finishDocument,
  lockDocument,
  postgresEpochs,
  postgresLog,
} from './documents.ts'
import { chatActive, postgresChatList } from './chat-list.ts'
import { insertChat, postgresChats, refuseOwned } from './chats.ts'
import { postgresDefaults } from './defaults.ts'
import { attachFiles, deleteFilesOfChat, deleteFilesOfMessages, postgresFiles } from './files.ts'
import { postgresAliasKey } from './keys.ts'
import { postgresLock } from './lock.ts'
import { insertMember, keepChat, postgresMembers } from './members.ts'
import {
  continueMessage,
  deleteMessageRows,
  finishMessage,
  insertMessage,
  isIn,
  lockStanding,
  postgresMessages,
  readDescendants,
  refuseBusyChat,
} from './messages.ts'
import { postgresProviderData, putProviderData } from './provider-data.ts'
import { forgetOrders, postgresOrders } from './orders.ts'
import { vectorOf, vectorOfMessage } from './search.ts'
import { migrations } from './steps.ts'
import { deleteWaiting, passWaitingOn, postgresWaiting, refuseWhereWaiting, takeWaiting } from './waiting.ts'
import { judgeEnd, parentOf, runRows, unknownParent } from '../run-rows.ts'
import type { Deleted, NewRun, RunEnd, Store } from '../store.ts'

/** Of their own: searches and histories that take long must not hold up what is being written. */
const logConnections = 4
const defaultPatience = new Patience(5_000)

/**
 * The store of many machines: a Postgres database that its nodes share. It is
 * opened by the first call, which throws `store_unavailable` where the
 * database cannot be used. `alone`: while this process has the database
 * no other gets it; `together`: none of those; without either all do.
 */
export function openPostgresStore(url: string, use?: 'alone' | 'together', patience = defaultPatience): Store {
  const lock = use && postgresLock(url, use === 'alone')
  const admit = lock && (() => lock.held())
  // As long as somebody waits it is worth finding out what has become of a write.
  const waits = { doubtMs: patience.ms, signal: patience.signal }
  const store = postgresStore(
    openPostgresConnection(url, waits, migrations, admit),
    openPostgresConnection(url, { connections: logConnections, ...waits }, migrations, admit),
    patience,
  )
  return lock
    ? {
        ...store,
        close: () => closeAll([() => store.close(), () => lock.close()]),
      }
    : store
}

/** The store on connections, which it closes. */
export function postgresStore(
  connection: PostgresConnection,
  logConnection = connection,
  patience = defaultPatience,
): Store {
  const { query, write } = connection

  return {
    log: postgresLog(logConnection, patience),
    ...postgresChats(connection),
    ...postgresChatList(connection),
    ...postgresMessages(connection),
    ...postgresProviderData(connection),
    ...postgresMembers(connection),
    ...postgresDefaults(connection),
    ...postgresFiles(connection),
    ...postgresEpochs(connection),
    ...postgresOrders(connection),
    ...postgresWaiting(connection),

    aliasKey: () => postgresAliasKey(connection),

    // Words are found before the transaction begins: it holds up nobody while that takes time.
    createChat: async (chat, lineage, claim, maxOwned) => {
      const vector = await vectorOf(chat.title)
      return await write(async (query) => {
        const claimed = await takeClaim(query, claim)
        if (claimed.repeated) return claimed
        if (maxOwned !== undefined) await refuseOwned(query, chat, maxOwned)
        await insertChat(query, chat, vector)
        await insertMember(query, chat.id, {
          userId: chat.ownerId,
          name: chat.ownerName ?? chat.ownerId,
          role: 'owner',
          joinedAt: chat.createdAt,
        })
        await createDocument(query, chat.id, lineage, 0)
        await chatActive(query, chat.id, chat.createdAt, chat.ownerId)
        return claimed
      })
    },
    deleteChat: (id) =>
      write(async (query) => {
        // Nothing is added to the chat from here on.
        await query('SELECT 1 FROM chats WHERE id = $1 FOR UPDATE', [id])
        const ids = (await query<{ id: string }>('SELECT id FROM messages WHERE chat_id = $1', [id])).map(
          (row) => row.id,
        )
        const waited = await deleteFilesOfMessages(query, await deleteWaiting(query, id))
        const { messages, files } = await deleteMessages(query, ids)
        await deleteDocuments(query, [id])
        await forgetClaims(query, id)
        for (const table of ['members', 'invites', 'activities'])
          await query(`DELETE FROM ${table} WHERE chat_id = $1`, [id])
        await query('DELETE FROM chats WHERE id = $1', [id])
        return { messages, files: [...waited, ...files, ...(await deleteFilesOfChat(query, id))] }
      }),
    deleteMessages: (messageId) =>
      write(async (query) => {
        // Nothing is added to the chat from here on: no answer to what goes, and no file.
        const [chat] = await query<{ id: string }>(
          'SELECT id FROM chats WHERE id = (SELECT chat_id FROM messages WHERE id = $1) FOR UPDATE',
          [messageId],
        )
        const ids = await readDescendants(query, messageId)
        if (chat) await passWaitingOn(query, chat.id, messageId, ids)
        return await deleteMessages(query, ids)
      }),

    startRun: async (run) => {
      const vector = run.userMessage && (await vectorOfMessage(run.userMessage))
      return await write(async (query) => {
        const claimed = await takeClaim(query, run.claim)
        if (claimed.repeated) return claimed
        await keepChat(query, run.assistant.chatId)
        if (run.exclusive) {
          await refuseBusyChat(query, run.assistant.chatId)
          await refuseWhereWaiting(query, run.assistant.chatId)
        }
        await insertRun(query, run, vector)
        await chatActive(query, run.assistant.chatId, run.assistant.createdAt, run.assistant.userId)
        return claimed
      })
    },
    takeWaiting: async (run, taking) => {
      const vector = run.userMessage && (await vectorOfMessage(run.userMessage))
      return await write(async (query) => {
        if (!(await takeWaiting(query, run, taking))) return false
        await insertRun(query, run, vector)
        await chatActive(query, run.assistant.chatId, run.assistant.createdAt)
        return true
      })
    },
    continueRun: (run) =>
      write(async (query) => {
        const claimed = await takeClaim(query, run.claim)
        if (claimed.repeated) return claimed
        const chatId = await continueMessage(query, run)
        if (run.at !== undefined) await chatActive(query, chatId, run.at, run.userId)
        return claimed
      }),
    findClaim: (claim) => findClaim(query, claim),
    endRun: async ({ message, taskId, epoch, state, seq, tell, providerData = [], next }) => {
      const json = await jsonText(message)
      const vector = await vectorOfMessage(message)
      return await write(async (query) => {
        const document = await lockDocument(query, message.id, epoch)
        const found = judgeEnd(await lockStanding(query, message.id), taskId, document !== undefined)
        if (found) return found
        await finishMessage(query, message, json, vector)
        await putProviderData(query, message.id, providerData)
        // A run that goes on at once is what the chat lists next.
        for (const table of [...(next ? [] : ['unlisted_ends']), ...(tell ? ['untold_ends'] : [])])
          await query(`INSERT INTO ${table} (message_id, task_id) VALUES ($1, $2)`, [message.id, taskId])
        await forgetOrders(query, taskId)
        await finishDocument(query, message.id, epoch, Math.max(document!.seq, seq ?? 0), state)
        if (next) await continueMessage(query, next)
        await chatActive(query, message.chatId, message.endedAt ?? message.createdAt)
        return 'ended'
      })
    },
    unlistedEnds: () =>
      query<RunEnd>('SELECT message_id AS "messageId", task_id AS "taskId" FROM unlisted_ends ORDER BY number'),
    endListed: async ({ messageId, taskId }) =>
      (
        await query(
          `WITH listed AS (DELETE FROM unlisted_ends WHERE message_id = $1 AND task_id = $2)
           SELECT 1 FROM messages WHERE id = $1 AND task_id = $2`,
          [messageId, taskId],
        )
      ).length > 0,
    untoldEnds: () => query('SELECT message_id AS "messageId", task_id AS "taskId" FROM untold_ends ORDER BY number'),
    endTold: async ({ messageId, taskId }) =>
      void (await query('DELETE FROM untold_ends WHERE message_id = $1 AND task_id = $2', [messageId, taskId])),

    probe: async () => void (await query('UPDATE probe SET at = $1', [Date.now()])),
    dropClaims: async (before) => void (await query('DELETE FROM claims WHERE created_at < $1', [before])),
    close: () => closeAll([() => logConnection.close(), () => connection.close()]),
  }
}

/** Inside a transaction that keeps the chat. */
async function insertRun(query: Query, run: NewRun, vector: string | null): Promise<void> {
  const parent = parentOf(run)
  if (parent !== null && !(await isIn(query, run.assistant.chatId, parent))) throw unknownParent()
  for (const row of runRows(run)) await insertMessage(query, row, vector)
  if (run.userMessage) await attachFiles(query, run.files ?? [], run.userMessage.chatId, run.userMessage.id)
  await createDocument(query, run.assistant.id, run.lineage, 1)
}

/** Inside a transaction. Documents first, as where a run is saved: no two of these wait for each other. */
async function deleteMessages(query: Query, ids: readonly string[]): Promise<Deleted> {
  await deleteDocuments(query, ids)
  const files = await deleteFilesOfMessages(query, ids)
  await deleteMessageRows(query, ids)
  return { messages: [...ids], files }
}
