import { sqliteClaims } from './sqlite-claims.ts'
import { openSqliteConnection, type SqliteConnection } from './sqlite-connection.ts'
import { sqliteDocuments } from './sqlite-documents.ts'
import { sqliteMessages } from './sqlite-messages.ts'
import { runRows } from './run-rows.ts'
import type { Store } from './store.ts'

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

/** The store on a connection, which it closes. Nothing here waits: a call is done when it returns. */
export function sqliteStore(connection: SqliteConnection): Store {
  const documents = sqliteDocuments(connection)
  const messages = sqliteMessages(connection)
  const claims = sqliteClaims(connection)

  return {
    log: documents.log,

    createChat: async (chat, lineage, claim) => connection.write(() => {
      const claimed = claims.take(claim)
      if (claimed.repeated) return claimed
      messages.insertChat(chat)
      documents.create(chat.id, lineage, 0)
      return claimed
    }),
    getChat: async id => messages.getChat(id),
    renameChat: async (id, title) => messages.renameChat(id, title),
    listChats: async (ownerId, page) => messages.listChats(ownerId, page),

    startRun: async run => connection.write(() => {
      const claimed = claims.take(run.claim)
      if (claimed.repeated) return claimed
      for (const row of runRows(run)) messages.insertMessage(row)
      documents.create(run.assistant.id, run.lineage, 1)
      return claimed
    }),
    findClaim: async claim => claims.find(claim),
    getMessage: async id => messages.getMessage(id),
    findTask: async taskId => messages.findTask(taskId),
    newestMessage: async chatId => messages.newestMessage(chatId),
    listMessages: async (chatId, page) => messages.listMessages(chatId, page),
    branch: async messageId => messages.branch(messageId),
    unfinished: async () => messages.unfinished(),
    saveFinal: async ({ message, epoch, state }) => connection.write(() => {
      if (!documents.isNewest(message.id, epoch) || !messages.finishMessage(message)) return false
      documents.finish(message.id, state)
      return true
    }),

    putProviderData: async (messageId, entries) => messages.putProviderData(messageId, entries),
    getProviderData: async messageId => messages.getProviderData(messageId),

    drawEpoch: async doc => documents.drawEpoch(doc),
    releaseEpoch: async (doc, epoch) => documents.releaseEpoch(doc, epoch),

    dropClaims: async before => claims.drop(before),
    close: async () => {
      documents.close()
      connection.close()
    },
  }
}
