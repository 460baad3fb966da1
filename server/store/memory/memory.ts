import { RunnelError } from '../../../shared/errors.ts'
import { isTerminal } from '../../../shared/schema.ts'
import { branchOf } from '../branch.ts'
import { judgeClaim } from '../claim-rules.ts'
import { memoryDocuments } from './documents.ts'
import { memoryFiles } from './files.ts'
import { memoryMembers } from './members.ts'
import { bare, compare, cutPage, positionOf, said, withoutSystem, type Numbered } from './rows.ts'
import { memorySearch } from './search.ts'
import { refuseChat } from '../quotas.ts'
import { chatIsBusy, judgeEnd, refuseContinuation, runRows } from '../run-rows.ts'
import type {
  ChatRow,
  Claim,
  Claimed,
  Continuation,
  MessageRow,
  Order,
  ProviderData,
  RunEnd,
  Store,
  StoredChat,
  StoredMessage,
  UntoldEnd,
} from '../store.ts'

/** The store that forgets everything when it is closed (`memory:`). It copies what comes in and what goes out. */
export function memoryStore(): Store {
  const chats = new Map<string, Numbered<StoredChat>>()
  const messages = new Map<string, Numbered<StoredMessage>>()
  const messagesByChat = new Map<string, Map<string, Numbered<StoredMessage>>>()
  const providerData = new Map<string, Map<string, ProviderData>>()
  const claims = new Map<string, Claim>()
  const members = memoryMembers((chatId) => chats.has(chatId))
  const files = memoryFiles()
  const pastTasks = new Map<string, string>()
  const untoldEnds: UntoldEnd[] = []
  /** Message → run. */
  const unlistedEnds = new Map<string, string>()
  const documents = memoryDocuments()
  const orders = new Map<string, Order>()
  let rowsWritten = 0

  /** Claims first: a request that is refused or repeated writes nothing. */
  function claimThen(claim: Claim | undefined, write: () => void): Claimed {
    if (!claim) {
      write()
      return { repeated: false }
    }
    const key = claimKey(claim)
    const claimed = judgeClaim(claim, claims.get(key))
    if (claimed.repeated) return structuredClone(claimed)
    write()
    claims.set(key, structuredClone(claim))
    return claimed
  }

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
    refuseContinuation(row, unlistedEnds.has(messageId))
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

  function forgetEnds(match: (end: RunEnd) => boolean): void {
    for (const end of untoldEnds.filter(match)) untoldEnds.splice(untoldEnds.indexOf(end), 1)
  }

  function putProviderData(messageId: string, entries: readonly ProviderData[]): void {
    if (!messages.has(messageId)) return
    const kept = providerData.get(messageId) ?? new Map<string, ProviderData>()
    for (const entry of entries) {
      if (entry.data === null) kept.delete(entry.blockId)
      else kept.set(entry.blockId, structuredClone(entry))
    }
    providerData.set(messageId, kept)
  }

  function deleteAll(ids: readonly string[]): void {
    for (const id of ids) {
      messagesByChat.get(messages.get(id)?.row.chatId ?? '')?.delete(id)
      for (const kept of [messages, documents, providerData, unlistedEnds]) kept.delete(id)
    }
    for (const [key, { taskId }] of orders) if (!taskOf(taskId)) orders.delete(key)
    for (const [taskId, messageId] of pastTasks) if (ids.includes(messageId)) pastTasks.delete(taskId)
    forgetEnds(({ messageId }) => ids.includes(messageId))
  }

  return {
    log: documents.log,

    async createChat(chat, lineage, claim, maxOwned) {
      return claimThen(claim, () => {
        refuseKnown(chats.has(chat.id))
        if (maxOwned !== undefined) refuseChat(countOwned(chat), maxOwned, chat.expiresAt !== undefined)
        const { ownerName = chat.ownerId, ...row } = chat
        chats.set(chat.id, { number: ++rowsWritten, row: structuredClone(row) })
        members.put(chat.id, { userId: chat.ownerId, name: ownerName, role: 'owner', joinedAt: chat.createdAt })
        documents.create(chat.id, lineage, 0)
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
      deleteAll(ids)
      chats.delete(id)
      messagesByChat.delete(id)
      documents.delete(id)
      members.deleteChat(id)
      for (const [key, claim] of claims) if (JSON.stringify(claim.response).includes(`"${id}"`)) claims.delete(key)
      return { messages: ids, files: [...files.deleteOfMessages(ids), ...files.deleteOfChat(id)] }
    },
    async descendants(messageId) {
      return descendants(messageId)
    },
    async deleteMessages(messageId) {
      const ids = descendants(messageId)
      deleteAll(ids)
      return { messages: ids, files: files.deleteOfMessages(ids) }
    },
    searchChats: memorySearch(ownChats, messagesOf),

    ...members.store,

    async putFile(file, quotas) {
      if (!chats.has(file.chatId)) throw new RunnelError('not_found', 'There is no such chat.')
      files.put(file, quotas)
    },
    async getFile(id) {
      return files.get(id)
    },
    async attachFile(id, chatId, messageId) {
      files.attach([id], chatId, messageId)
    },
    unattachedFiles: async (userId) => files.unattached(userId),
    dropUnattachedFiles: async (before) => files.deleteUnattached(before),
    async doomFile(id, upload) {
      if (upload && !chats.has(upload.chatId)) throw new RunnelError('not_found', 'There is no such chat.')
      files.doom(id, upload)
    },
    async doomedFiles() {
      return [...files.doomed.keys()]
    },
    async filesGone(ids) {
      for (const id of ids) files.doomed.delete(id)
    },

    async renameChat(id, title) {
      const chat = chats.get(id)
      if (chat) chat.row.title = title
    },
    async listChats(userId, page) {
      const { items, nextCursor } = cutPage(
        ownChats(userId).sort((a, b) => compare(positionOf(b), positionOf(a))),
        page,
        -1,
        (row) => row,
      )
      return { items, nextCursor }
    },

    async startRun(run) {
      return claimThen(run.claim, () => {
        const rows = runRows(run)
        if (run.exclusive && unfinished().some((row) => row.chatId === run.assistant.chatId)) throw chatIsBusy()
        if (rows.some((row) => !chats.has(row.chatId))) throw new RunnelError('not_found', 'This chat does not exist.')
        refuseKnown(rows.some((row) => messages.has(row.id)) || documents.has(run.assistant.id))
        if (run.userMessage) files.attach(run.files ?? [], run.userMessage.chatId, run.userMessage.id)
        for (const row of rows) putMessage(row)
        documents.create(run.assistant.id, run.lineage, 1)
      })
    },
    async findClaim(claim) {
      const claimed = judgeClaim(claim, claims.get(claimKey(claim)))
      return claimed.repeated ? { response: structuredClone(claimed.response) } : null
    },
    getRow: async (id) => of(id, bare),
    getMessage: async (id) => of(id, (row) => row),
    getRequest: async (id) => of(id, ({ request }) => request),
    getJson: async (id) => of(id, ({ json }) => json),
    async continueRun(run) {
      return claimThen(run.claim, () => continueMessage(run))
    },
    async findTask(taskId) {
      const past = pastTasks.get(taskId)
      return of(past ?? taskOf(taskId)?.row.id ?? '', bare)
    },
    async newestMessage(chatId) {
      return of(messagesOf(chatId).at(-1)?.row.id ?? '', bare)
    },
    async listMessages(chatId, page) {
      return cutPage(messagesOf(chatId), page, 1, said)
    },
    async branch(messageId) {
      return branchOf(messageId, (id) => of(id, said))
    },
    async unfinished() {
      return unfinished()
    },
    async untoldEnds() {
      return structuredClone(untoldEnds)
    },
    async endTold({ messageId, taskId }) {
      forgetEnds((end) => end.messageId === messageId && end.taskId === taskId)
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
    async putOrder(order) {
      const key = JSON.stringify([order.taskId, order.key])
      const run = taskOf(order.taskId)
      if (orders.has(key) || !run || isTerminal(run.row.status)) return false
      orders.set(key, structuredClone(order))
      return true
    },
    async ordersOf(taskIds) {
      return structuredClone([...orders.values()].filter(({ taskId }) => taskIds.includes(taskId)))
    },
    async endRun({ message, taskId, epoch, state, tell, providerData = [], next }) {
      const stored = messages.get(message.id)
      const end = judgeEnd(stored?.row ?? null, taskId, documents.isNewest(message.id, epoch))
      if (end) return end
      documents.finish(message.id, state)
      if (tell) untoldEnds.push({ messageId: message.id, taskId })
      for (const [key, order] of orders) if (order.taskId === taskId) orders.delete(key)
      putProviderData(message.id, providerData)
      if (!next) unlistedEnds.set(message.id, taskId)
      Object.assign(stored!.row, { status: message.status, json: structuredClone(message) })
      if (next) continueMessage(next)
      return 'ended'
    },
    async unlistedEnds() {
      return [...unlistedEnds].map(([messageId, taskId]) => ({ messageId, taskId }))
    },
    async endListed({ messageId, taskId }) {
      if (unlistedEnds.get(messageId) === taskId) unlistedEnds.delete(messageId)
      return messages.get(messageId)?.row.taskId === taskId
    },

    async putProviderData(messageId, entries) {
      putProviderData(messageId, entries)
    },
    async getProviderData(messageId) {
      return structuredClone([...(providerData.get(messageId)?.values() ?? [])])
    },

    drawEpoch: (id) => documents.drawEpoch(id),
    releaseEpoch: (id, epoch) => documents.releaseEpoch(id, epoch),

    async dropClaims(before) {
      for (const [key, claim] of claims) if (claim.createdAt < before) claims.delete(key)
    },
    probe: () => Promise.resolve(),
    close: () => Promise.resolve(),
  }
}

function claimKey({ userId, route, key }: Omit<Claim, 'response'>): string {
  return JSON.stringify([userId, route, key])
}
