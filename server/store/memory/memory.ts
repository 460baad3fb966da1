import { RunnelError } from '../../../shared/errors.ts'
import { isTerminal } from '../../../shared/schema.ts'
import { newAliasKey } from '../alias-key.ts'
import { memoryBranches } from './branches.ts'
import { memoryChatList } from './chat-list.ts'
import { memoryClaims } from './claims.ts'
import { memoryDefaults } from './defaults.ts'
import { memoryDocuments } from './documents.ts'
import { memoryEnds } from './ends.ts'
import { memoryFiles } from './files.ts'
import { memoryMembers } from './members.ts'
import { memoryProviderData } from './provider-data.ts'
import { bare, compare, cutPage, positionOf, said, withoutSystem, type Numbered } from './rows.ts'
import { memorySearch } from './search.ts'
import { memoryWaiting } from './waiting.ts'
import { refuseChat } from '../quotas.ts'
import { chatIsBusy, judgeEnd, parentOf, refuseContinuation, runRows, unknownParent } from '../run-rows.ts'
import type {
  ChatRow,
  Continuation,
  MessageRow,
  NewRun,
  Order,
  OrderKey,
  Store,
  StoredChat,
  StoredMessage,
} from '../store.ts'

/** The store that forgets everything when it is closed (`memory:`). It copies what comes in and what goes out. */
export function memoryStore(): Store {
  const chats = new Map<string, Numbered<StoredChat>>()
  const messages = new Map<string, Numbered<StoredMessage>>()
  const messagesByChat = new Map<string, Map<string, Numbered<StoredMessage>>>()
  const isIn = (chatId: string, messageId: string) => messages.get(messageId)?.row.chatId === chatId
  const providerData = memoryProviderData()
  const claims = memoryClaims()
  const members = memoryMembers((chatId) => chats.has(chatId))
  const files = memoryFiles({ knows: (chatId) => chats.has(chatId), isIn })
  const pastTasks = new Map<string, string>()
  const ends = memoryEnds()
  const documents = memoryDocuments()
  const orders = new Map<string, Order>()
  const aliasKey = newAliasKey()
  const defaults = memoryDefaults((id) => chats.get(id)?.row)
  let rowsWritten = 0

  function refuseKnown(known: boolean): void {
    if (known) throw new RunnelError('internal', 'This is in the database already.')
  }

  /** Of a message that is there a copy of what `read` gives; else null. */
  function of<T>(id: string, read: (row: StoredMessage) => T): T | null {
    const message = messages.get(id)
    return message ? structuredClone(read(message.row)) : null
  }

  function continueMessage({ messageId, taskId, userId, node, request }: Continuation): void {
    const row = messages.get(messageId)?.row ?? null
    refuseContinuation(row, ends.isUnlisted(messageId))
    pastTasks.set(row!.taskId!, messageId)
    Object.assign(row!, { taskId, userId, node, request: structuredClone(request), status: 'queued', json: null })
  }

  /** Oldest first. */
  function messagesOf(chatId: string): Numbered<StoredMessage>[] {
    return [...(messagesByChat.get(chatId)?.values() ?? [])].sort((a, b) => compare(positionOf(a), positionOf(b)))
  }

  function putMessage(row: StoredMessage): void {
    const message = { number: ++rowsWritten, row: structuredClone(row) }
    messages.set(row.id, message)
    const ofChat = messagesByChat.get(row.chatId) ?? new Map<string, Numbered<StoredMessage>>()
    messagesByChat.set(row.chatId, ofChat.set(row.id, message))
  }

  function countOwned({ ownerId, expiresAt, createdAt }: ChatRow): number {
    const own = [...members.chatsOf(ownerId)].flatMap((id) => chats.get(id)?.row ?? [])
    return own.filter(
      (row) =>
        row.ownerId === ownerId &&
        (expiresAt === undefined ? row.expiresAt === undefined : (row.expiresAt ?? 0) > createdAt),
    ).length
  }

  /** Those that are listed, by the order in which they were written. */
  function ownChats(userId: string): Numbered<StoredChat>[] {
    const own = [...members.chatsOf(userId)].flatMap((id) => chats.get(id) ?? [])
    return own.filter(({ row }) => row.expiresAt === undefined).sort((a, b) => a.number - b.number)
  }

  function unfinished(): MessageRow[] {
    return [...messages.values()]
      .filter(({ row }) => !isTerminal(row.status))
      .sort((a, b) => compare(positionOf(a), positionOf(b)))
      .map(({ row }) => bare(row))
  }

  function taskOf(taskId: string): Numbered<StoredMessage> | undefined {
    return [...messages.values()].find(({ row }) => row.taskId === taskId)
  }

  function descendants(messageId: string): string[] {
    const ids = messages.has(messageId) ? [messageId] : []
    for (const id of ids) for (const { row } of messages.values()) if (row.parentId === id) ids.push(row.id)
    return ids
  }

  function deleteAll(ids: readonly string[]): void {
    for (const id of ids) {
      list.runWaits(messages.get(id)?.row.taskId ?? '', false)
      messagesByChat.get(messages.get(id)?.row.chatId ?? '')?.delete(id)
      for (const kept of [messages, documents, providerData, ends]) kept.delete(id)
    }
    for (const [key, { taskId }] of orders) if (!taskOf(taskId)) orders.delete(key)
    for (const [taskId, messageId] of pastTasks) if (ids.includes(messageId)) pastTasks.delete(taskId)
  }

  function insertRun(run: NewRun): void {
    const rows = runRows(run)
    if (rows.some((row) => !chats.has(row.chatId))) throw new RunnelError('not_found', 'This chat does not exist.')
    const parent = parentOf(run)
    if (parent !== null && !isIn(run.assistant.chatId, parent)) throw unknownParent()
    refuseKnown(rows.some((row) => messages.has(row.id)) || documents.has(run.assistant.id))
    if (run.userMessage) files.attach(run.files ?? [], run.userMessage.chatId, run.userMessage.id)
    for (const row of rows) putMessage(row)
    documents.create(run.assistant.id, run.lineage, 1)
  }

  const list = memoryChatList({
    role: (chatId, userId) => members.role(chatId, userId),
    pinned: (userId) => members.pinned(userId),
    ownChats,
    messagesOf,
  })

  const waiting = memoryWaiting({
    hasChat: (chatId) => chats.has(chatId),
    statusOf: (id) => messages.get(id)?.row.status,
    running: (chatId) => unfinished().findLast((row) => row.chatId === chatId)?.id ?? null,
    newest: (chatId) => messagesOf(chatId).at(-1)?.row.id ?? null,
    claims,
    files,
    active: (...happened) => list.active(...happened),
    insertRun,
  })

  return {
    log: documents.log,

    aliasKey: async () => aliasKey,

    async createChat(chat, lineage, claim, maxOwned) {
      return claims.claimThen(claim, () => {
        refuseKnown(chats.has(chat.id))
        if (maxOwned !== undefined) refuseChat(countOwned(chat), maxOwned, chat.expiresAt !== undefined)
        const { ownerName = chat.ownerId, ...row } = chat
        chats.set(chat.id, { number: ++rowsWritten, row: structuredClone(row) })
        members.put(chat.id, { userId: chat.ownerId, name: ownerName, role: 'owner', joinedAt: chat.createdAt })
        documents.create(chat.id, lineage, 0)
        list.active(chat.id, chat.createdAt, chat.ownerId)
      })
    },
    async getChatRow(id) {
      const chat = chats.get(id)
      return chat ? withoutSystem(chat.row) : null
    },
    async getChat(id) {
      return structuredClone(chats.get(id)?.row) ?? null
    },
    async expiredChats(now) {
      const expired = [...chats.values()].filter(
        ({ row: { expiresAt } }) => expiresAt !== undefined && expiresAt <= now,
      )
      return structuredClone(expired.map(({ row }) => withoutSystem(row)).sort((a, b) => a.expiresAt! - b.expiresAt!))
    },
    async deleteChat(id) {
      const ids = messagesOf(id).map(({ row }) => row.id)
      const doomed = [...files.deleteOfMessages(waiting.deleteChat(id))]
      deleteAll(ids)
      chats.delete(id)
      defaults.delete(id)
      messagesByChat.delete(id)
      documents.delete(id)
      members.deleteChat(id)
      list.deleteChat(id)
      claims.forget(({ response }) => JSON.stringify(response).includes(`"${id}"`))
      return { messages: ids, files: [...doomed, ...files.deleteOfMessages(ids), ...files.deleteOfChat(id)] }
    },
    async descendants(messageId) {
      return descendants(messageId)
    },
    async deleteMessages(messageId) {
      const ids = descendants(messageId)
      const row = messages.get(messageId)?.row
      if (row) waiting.passOn(row.chatId, ids, row.parentId)
      deleteAll(ids)
      return { messages: ids, files: files.deleteOfMessages(ids) }
    },
    searchChats: memorySearch(ownChats, messagesOf, list.listed),

    ...members.store,
    ...defaults.store,
    ...waiting.store,
    async removeMember(chatId, userId) {
      list.removeMember(chatId, userId)
      return await members.store.removeMember(chatId, userId)
    },

    ...files.store,

    async renameChat(id, title) {
      const chat = chats.get(id)
      if (!chat) return
      chat.row.title = title
      delete chat.row.untitled
    },
    async titleChat(id, title) {
      const chat = chats.get(id)
      if (!chat?.row.untitled) return false
      chat.row.title = title
      delete chat.row.untitled
      return true
    },
    async listChats(userId, page) {
      return list.list(userId, page)
    },
    async markRead(chatId, userId, at) {
      return list.markRead(chatId, userId, at)
    },

    async startRun(run) {
      return claims.claimThen(run.claim, () => {
        const { chatId } = run.assistant
        if (run.exclusive && (unfinished().some((row) => row.chatId === chatId) || waiting.isOpen(chatId)))
          throw chatIsBusy()
        insertRun(run)
        list.active(run.assistant.chatId, run.assistant.createdAt, run.assistant.userId)
      })
    },
    async findClaim(claim) {
      return claims.find(claim)
    },
    getRow: async (id) => of(id, bare),
    getMessage: async (id) => of(id, (row) => row),
    getRequest: async (id) => of(id, ({ request }) => request),
    getJson: async (id) => of(id, ({ json }) => json),
    async continueRun(run) {
      return claims.claimThen(run.claim, () => {
        continueMessage(run)
        if (run.at !== undefined) list.active(messages.get(run.messageId)!.row.chatId, run.at, run.userId)
      })
    },
    async findTask(taskId) {
      const past = pastTasks.get(taskId)
      return of(past ?? taskOf(taskId)?.row.id ?? '', bare)
    },
    async newestMessage(chatId) {
      return of(messagesOf(chatId).at(-1)?.row.id ?? '', bare)
    },
    async listMessages(chatId, page, direction = 'asc') {
      const rows = messagesOf(chatId)
      return direction === 'asc' ? cutPage(rows, page, 1, said) : cutPage(rows.toReversed(), page, -1, said)
    },
    ...memoryBranches((id) => messages.get(id)?.row ?? null),
    unfinished: async () => unfinished(),
    async untoldEnds() {
      return ends.untold()
    },
    async endTold(end) {
      ends.told(end)
    },
    async unfinishedOf(userId) {
      return unfinished().filter((row) => row.userId === userId)
    },
    async takeOver(messageId, from, to) {
      const row = messages.get(messageId)?.row
      if (!row || row.node !== from || isTerminal(row.status)) return false
      row.node = to
      return true
    },
    async runWaits({ messageId, taskId }, waits) {
      const row = messages.get(messageId)?.row
      if (row?.taskId === taskId && !isTerminal(row.status)) list.runWaits(taskId, waits)
    },
    async putOrder(order) {
      const key = orderKey(order)
      const run = taskOf(order.taskId)
      if (orders.has(key) || !run || isTerminal(run.row.status)) return false
      orders.set(key, structuredClone(order))
      return true
    },
    async ordersOf(taskIds, heard = []) {
      const known = new Set(heard.map(orderKey))
      return structuredClone(
        [...orders.values()].filter((order) => taskIds.includes(order.taskId) && !known.has(orderKey(order))),
      )
    },
    async endRun({ message, taskId, epoch, state, tell, providerData: data = [], next }) {
      const stored = messages.get(message.id)
      const end = judgeEnd(stored?.row ?? null, taskId, documents.isNewest(message.id, epoch))
      if (end) return end
      documents.finish(message.id, state)
      if (tell) ends.tell({ messageId: message.id, taskId })
      for (const [key, order] of orders) if (order.taskId === taskId) orders.delete(key)
      providerData.put(message.id, data)
      if (!next) ends.list({ messageId: message.id, taskId })
      Object.assign(stored!.row, { status: message.status, json: structuredClone(message) })
      if (next) continueMessage(next)
      list.active(message.chatId, message.endedAt ?? message.createdAt)
      list.runWaits(taskId, false)
      return 'ended'
    },
    async unlistedEnds() {
      return ends.unlisted()
    },
    async endListed(end) {
      ends.listed(end)
      return messages.get(end.messageId)?.row.taskId === end.taskId
    },

    async putProviderData(messageId, entries) {
      if (messages.has(messageId)) providerData.put(messageId, entries)
    },
    async getProviderData(messageId) {
      return providerData.get(messageId)
    },

    drawEpoch: (id) => documents.drawEpoch(id),
    releaseEpoch: (id, epoch) => documents.releaseEpoch(id, epoch),

    async dropClaims(before) {
      claims.forget(({ createdAt }) => createdAt < before)
    },
    probe: () => Promise.resolve(),
    close: () => Promise.resolve(),
  }
}

function orderKey({ taskId, key }: OrderKey): string {
  return JSON.stringify([taskId, key])
}
