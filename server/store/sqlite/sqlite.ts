import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Message } from '../../../shared/schema.ts'
import { newAliasKey } from '../alias-key.ts'
import { branchOf } from '../branch.ts'
import { decodeOffset, matchesPage } from '../cursor.ts'
import { sqliteChatList } from './chat-list.ts'
import { sqliteClaims } from './claims.ts'
import { openSqliteConnection, type SqliteConnection } from './connection.ts'
import { sqliteDefaults } from './defaults.ts'
import { sqliteDocuments } from './documents.ts'
import { sqliteEnds } from './ends.ts'
import { sqliteFiles } from './files.ts'
import { sqliteMembers } from './members.ts'
import { sqliteMessages } from './messages.ts'
import { sqliteProviderData } from './provider-data.ts'
import { sqliteSearch } from './search.ts'
import { sqliteWaiting } from './waiting.ts'
import { sqliteOrders } from './orders.ts'
import { refuseChat } from '../quotas.ts'
import { jsonText } from '../json-text.ts'
import {
  chatIsBusy,
  judgeEnd,
  parentOf,
  refuseContinuation,
  runRows,
  unknownMessage,
  unknownParent,
} from '../run-rows.ts'
import type { Deleted, NewRun, Store } from '../store.ts'
import { unknownChat } from '../unknown-chat.ts'

/** Writing a state that is larger takes a turn of the event loop for itself. */
const largeBytes = 1_000_000

/**
 * The store of one machine: a SQLite file that this process has for itself.
 * Throws `store_unavailable` where the file cannot be used, or is in use.
 */
export function openSqliteStore(path: string): Store {
  const connection = openSqliteConnection(path)
  try {
    return sqliteStore(connection)
  } catch (error) {
    connection.close()
    throw error
  }
}

/** The store on a connection, which it closes. Nothing here waits but for long texts to be indexed or erased: else a call is done when it returns. */
export function sqliteStore(connection: SqliteConnection): Store {
  const documents = sqliteDocuments(connection)
  const messages = sqliteMessages(connection)
  const kept = sqliteProviderData(connection)
  const claims = sqliteClaims(connection)
  const members = sqliteMembers(connection)
  const search = sqliteSearch(connection)
  const probe = connection.prepare('UPDATE probe SET at = ?')
  const aliasKey = connection.prepare("SELECT value FROM keys WHERE name = 'alias'")
  const insertAliasKey = connection.prepare("INSERT OR IGNORE INTO keys (name, value) VALUES ('alias', ?)")
  const files = sqliteFiles(connection)
  const ends = sqliteEnds(connection)
  const list = sqliteChatList(connection)
  const orders = sqliteOrders(connection)
  const defaults = sqliteDefaults(connection)
  const waiting = sqliteWaiting(connection, { messages, claims, files, list })

  // What an earlier process did not come to.
  void search.finish()

  /** Inside a transaction. The text leaves the search index first: its rows are found by the messages' numbers. */
  function deleteMessages(ids: string[]): Deleted {
    for (const id of ids) {
      search.removeMessage(id)
      documents.delete(id)
      orders.forget(messages.getRow(id)?.taskId ?? '')
      kept.forget(id)
      messages.deleteMessage(id)
      ends.forget(id)
    }
    return { messages: ids, files: files.deleteOfMessages(ids) }
  }

  const isIn = (chatId: string, messageId: string) => messages.getRow(messageId)?.chatId === chatId

  /** Inside a transaction. What takes long is done behind it: nobody waits for it, nor for what somebody else's deletion erases. */
  function index(message: Message): void {
    if (search.putMessage(message)) void search.finish()
  }

  /** Inside a transaction. */
  function insertRun(run: NewRun): void {
    const parent = parentOf(run)
    if (parent !== null && !isIn(run.assistant.chatId, parent)) throw unknownParent()
    for (const row of runRows(run)) messages.insertMessage(row)
    if (run.userMessage) {
      for (const file of run.files ?? []) files.attach(file, run.userMessage.chatId, run.userMessage.id)
      index(run.userMessage)
    }
    documents.create(run.assistant.id, run.lineage, 1)
  }

  function refuseUnknown(chatId: string): void {
    if (!messages.getChatRow(chatId)) throw unknownChat()
  }

  return {
    log: documents.log,

    createChat: async (chat, lineage, claim, maxOwned) =>
      connection.write(() => {
        const claimed = claims.take(claim)
        if (claimed.repeated) return claimed
        if (maxOwned !== undefined)
          refuseChat(messages.countOwned(chat, maxOwned), maxOwned, chat.expiresAt !== undefined)
        messages.insertChat(chat)
        members.put(chat.id, {
          userId: chat.ownerId,
          name: chat.ownerName ?? chat.ownerId,
          role: 'owner',
          joinedAt: chat.createdAt,
        })
        list.active(chat.id, chat.createdAt, chat.ownerId)
        search.putTitle(chat.id, chat.title)
        documents.create(chat.id, lineage, 0)
        return claimed
      }),
    getChatRow: async (id) => messages.getChatRow(id),
    getChat: async (id) => messages.getChat(id),
    renameChat: async (id, title) =>
      connection.write(() => {
        messages.renameChat(id, title)
        search.putTitle(id, title)
      }),
    titleChat: async (id, title) =>
      connection.write(() => {
        if (!messages.isUntitled(id)) return false
        messages.renameChat(id, title)
        search.putTitle(id, title)
        return true
      }),
    getDefaults: async (chatId) => defaults.get(chatId),
    putDefaults: async (chatId, change) => defaults.put(chatId, change),
    pinChat: async (chatId, userId, pinned) => members.pin(chatId, userId, pinned),
    pinnedChats: async (userId) => members.pinned(userId),
    listChats: async (userId, page) => list.list(userId, page),
    markRead: async (chatId, userId, at) => list.markRead(chatId, userId, at),
    expiredChats: async (now) => messages.expiredChats(now),
    deleteChat: async (id) => {
      const deleted = connection.write(() => {
        const waited = files.deleteOfMessages(waiting.deleteChat(id))
        const deleted = deleteMessages(messages.idsOfChat(id))
        search.removeChat(id)
        documents.delete(id)
        members.deleteChat(id)
        list.deleteChat(id)
        claims.forget(id)
        defaults.delete(id)
        messages.deleteChat(id)
        return { ...deleted, files: [...waited, ...deleted.files, ...files.deleteOfChat(id)] }
      })
      await search.finish()
      return deleted
    },
    descendants: async (messageId) => messages.descendants(messageId),
    deleteMessages: async (messageId) => {
      const deleted = connection.write(() => {
        const ids = messages.descendants(messageId)
        const row = messages.getRow(messageId)
        if (row) waiting.passOn(row.chatId, ids, row.parentId)
        return deleteMessages(ids)
      })
      await search.finish()
      return deleted
    },
    searchChats: async (userId, query, page) => {
      const offset = decodeOffset(page.cursor)
      const places = search.find(userId, query, offset, page.limit + 1)
      return matchesPage(list.found(userId, places), offset, page, (row) => row)
    },

    memberRole: async (chatId, userId) => members.role(chatId, userId),
    listMembers: async (chatId) => members.list(chatId),
    putMember: async (chatId, member) =>
      connection.write(() => {
        refuseUnknown(chatId)
        members.put(chatId, member)
      }),
    removeMember: async (chatId, userId) => members.remove(chatId, userId),
    putFile: async (file, quotas) => connection.write(() => files.put(file, quotas)),
    getFile: async (id) => files.get(id),
    attachFile: async (id, chatId, messageId) =>
      connection.write(() => {
        if (!isIn(chatId, messageId)) throw unknownMessage()
        files.attach(id, chatId, messageId)
      }),
    unattachedFiles: async (userId) => files.unattached(userId),
    dropUnattachedFiles: async (before) => connection.write(() => files.deleteUnattached(before)),
    doomFile: async (id, upload) => connection.write(() => files.doom(id, upload)),
    doomedFiles: async () => files.doomed(),
    filesGone: async (ids) => connection.write(() => files.gone(ids)),

    putInvite: async (invite) => {
      refuseUnknown(invite.chatId)
      members.putInvite(invite)
    },
    getInvite: async (id) => members.getInvite(id),
    findInvite: async (tokenHash) => members.findInvite(tokenHash),
    listInvites: async (chatId) => members.listInvites(chatId),
    revokeInvite: async (chatId, id) => members.revokeInvite(chatId, id),

    startRun: async (run) => {
      const { chatId } = run.assistant
      const started = connection.write(() => {
        const claimed = claims.take(run.claim)
        if (claimed.repeated) return claimed
        if (run.exclusive && (messages.running(chatId) !== null || waiting.isOpen(chatId))) throw chatIsBusy()
        insertRun(run)
        list.active(run.assistant.chatId, run.assistant.createdAt, run.assistant.userId)
        return claimed
      })
      return started
    },
    continueRun: async (run) =>
      connection.write(() => {
        const claimed = claims.take(run.claim)
        if (claimed.repeated) return claimed
        refuseContinuation(messages.getRow(run.messageId), ends.isUnlisted(run.messageId))
        messages.continueMessage(run)
        if (run.at !== undefined) list.active(messages.getRow(run.messageId)!.chatId, run.at, run.userId)
        return claimed
      }),
    findClaim: async (claim) => claims.find(claim),
    ...waiting.store,
    takeWaiting: async (run, taking) => {
      return connection.write(() => waiting.take(run, taking, () => insertRun(run)))
    },
    getRow: async (id) => messages.getRow(id),
    getMessage: (id) => inOwnTurn(() => messages.getMessage(id)),
    getRequest: (id) => inOwnTurn(() => messages.getRequest(id)),
    getJson: (id) => inOwnTurn(() => messages.getJson(id)),
    findTask: async (taskId) => messages.findTask(taskId),
    newestMessage: async (chatId) => messages.newestMessage(chatId),
    listMessages: async (chatId, page, direction = 'asc') => messages.listMessages(chatId, page, direction),
    ancestors: async (messageId, limit) => messages.ancestors(messageId, limit),
    getSaid: async (ids, maxBytes) => messages.getSaidOf(ids, maxBytes),
    branch: (messageId) => branchOf(messageId, (id) => messages.getSaid(id)),
    unfinished: async () => messages.unfinished(),
    unfinishedOf: async (userId) => messages.unfinishedOf(userId),
    takeOver: async (messageId, from, to) => messages.takeOver(messageId, from, to),
    runWaits: async (run, waits) => list.runWaits(run, waits),
    putOrder: async (order) => orders.put(order),
    ordersOf: async (taskIds, heard) => orders.of(taskIds, heard),
    untoldEnds: async () => ends.untold(),
    endTold: async (end) => ends.told(end),
    endRun: async ({ message, taskId, epoch, state, tell = false, providerData = [], next }) => {
      const { id } = message
      const json = await jsonText(message)
      const judge = () => judgeEnd(messages.getRow(id), taskId, documents.isNewest(id, epoch))
      if (state.length > largeBytes) {
        // It says what the log says: written before, it need not be part of the transaction that ends the message.
        connection.write(() => !judge() && documents.finish(id, state))
        await nextTurn()
      }
      return connection.write(() => {
        const found = judge()
        if (found) return found
        messages.finishMessage(message, json)
        kept.put(id, providerData)
        ends.add({ messageId: id, taskId }, tell)
        orders.forget(taskId)
        documents.finish(id, state)
        index(message)
        list.active(message.chatId, message.endedAt ?? message.createdAt)
        if (!next) return 'ended'
        // The chat lists the run that goes on at once instead.
        ends.listed({ messageId: id, taskId })
        messages.continueMessage(next)
        return 'ended'
      })
    },
    unlistedEnds: async () => ends.unlisted(),
    endListed: async (end) =>
      connection.write(() => {
        ends.listed(end)
        return messages.getRow(end.messageId)?.taskId === end.taskId
      }),

    putProviderData: async (messageId, entries) => connection.write(() => kept.put(messageId, entries)),
    getProviderData: async (messageId) => kept.get(messageId),

    drawEpoch: async (doc) => documents.drawEpoch(doc),
    releaseEpoch: async (doc, epoch) => documents.releaseEpoch(doc, epoch),

    aliasKey: async () => {
      const known = () => connection.read(() => aliasKey.get()?.['value'])
      if (known() === undefined) connection.write(() => insertAliasKey.run(newAliasKey()))
      return String(known())
    },

    probe: async () =>
      connection.write(() => {
        probe.run(Date.now())
      }),
    dropClaims: async (before) => claims.drop(before),
    close: async () => {
      search.close()
      documents.close()
      connection.close()
    },
  }
}

/** A row that takes this long is a large message. */
const longMs = 5

/** What is done with a large message takes another turn of the event loop than reading it. */
async function inOwnTurn<T>(read: () => T): Promise<T> {
  const began = performance.now()
  const row = read()
  if (performance.now() - began > longMs) await nextTurn()
  return row
}
