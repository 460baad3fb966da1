import type { Role } from '../../../shared/protocol.ts'
import { isTerminal } from '../../../shared/schema.ts'
import { activityMs, chatPage, compareChats, standingOf, startOf } from '../chat-pages.ts'
import type { ChatsPage, ListedChat, MessageRow, Paged, StoredChat } from '../store.ts'

/** What its lists are made of. */
interface Sources {
  role: (chatId: string, userId: string) => Role | null
  pinned: (userId: string) => ReadonlySet<string>
  /** Those that are listed. */
  ownChats: (userId: string) => readonly { row: StoredChat }[]
  messagesOf: (chatId: string) => readonly { row: MessageRow }[]
}

/** Chats as their members see them in a list, in memory. */
export function memoryChatList({ role, pinned, ownChats, messagesOf }: Sources) {
  /** By chat: when something happened in it, oldest first. */
  const activities = new Map<string, number[]>()
  /** By chat, then by user. */
  const reads = new Map<string, Map<string, number>>()
  /** Runs that wait for people. */
  const waiting = new Set<string>()

  const activeAt = (chatId: string) => activities.get(chatId)?.at(-1) ?? 0
  const readAt = (chatId: string, userId: string) => reads.get(chatId)?.get(userId) ?? null

  function listed(userId: string, row: StoredChat): ListedChat {
    const live = messagesOf(row.id).filter((message) => !isTerminal(message.row.status))
    return {
      ...structuredClone(row),
      role: role(row.id, userId)!,
      activeAt: activeAt(row.id),
      readAt: readAt(row.id, userId),
      ...standingOf(live.map((message) => (waiting.has(message.row.taskId!) ? 'waiting' : 'running')).join(' ')),
    }
  }

  function markRead(chatId: string, userId: string, at: number): number | null {
    if (!role(chatId, userId)) return null
    const ofChat = reads.get(chatId) ?? new Map<string, number>()
    const latest = Math.max(ofChat.get(userId) ?? 0, Math.min(at, activeAt(chatId)))
    reads.set(chatId, ofChat.set(userId, latest))
    return latest
  }

  return {
    listed,
    markRead,
    /** Something has happened in it. Who did it has read it. */
    active(chatId: string, at: number, by?: string): void {
      const all = [...(activities.get(chatId) ?? []), at].sort((a, b) => a - b)
      const first = all.findLastIndex((time) => time <= at - activityMs)
      activities.set(chatId, first > 0 ? all.slice(first) : all)
      if (by !== undefined) markRead(chatId, by, at)
    },
    runWaits(taskId: string, waits: boolean): void {
      if (waits) waiting.add(taskId)
      else waiting.delete(taskId)
    },
    removeMember(chatId: string, userId: string): void {
      reads.get(chatId)?.delete(userId)
    },
    deleteChat(chatId: string): void {
      activities.delete(chatId)
      reads.delete(chatId)
    },
    list(userId: string, page: ChatsPage): Paged<ListedChat> {
      const start = startOf(page)
      const all = ownChats(userId)
        .filter(({ row }) => !page.pinned || pinned(userId).has(row.id))
        .map(({ row }) => ({ row, id: row.id, at: activeAt(row.id), activeAt: activeAt(row.id) }))
        .sort(compareChats)
      const wasAt = (id: string) => activities.get(id)?.findLast((time) => time <= start!.since) ?? null
      const moved = start
        ? all.filter((chat) => chat.at > start.since).map((chat) => ({ ...chat, was: wasAt(chat.id) }))
        : []
      const rows = start ? all.filter((chat) => chat.at <= start.since && compareChats(chat, start) > 0) : all
      return chatPage(start, rows, moved, page, ({ row }) => listed(userId, row))
    },
  }
}
