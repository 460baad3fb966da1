import { RunnelError } from '../../../shared/errors.ts'
import type { MessageStatus } from '../../../shared/schema.ts'
import type { NewRun, WaitingLine, WaitingStore } from '../store.ts'
import { changed, isReady, joined, openMessages, passedOn, refuseWaiting, taken, withoutOne } from '../waiting-line.ts'
import { waitingHolds } from '../waiting-holds.ts'
import type { memoryClaims } from './claims.ts'
import type { MemoryFiles } from './files.ts'

interface Surroundings {
  hasChat: (chatId: string) => boolean
  statusOf: (messageId: string) => MessageStatus | undefined
  /** The newest answer of a chat that is being written. */
  running: (chatId: string) => string | null
  newest: (chatId: string) => string | null
  claims: Pick<ReturnType<typeof memoryClaims>, 'find' | 'claimThen'>
  files: Pick<MemoryFiles, 'attach' | 'deleteOfMessages'>
  active: (chatId: string, at: number, by?: string) => void
  insertRun: (run: NewRun) => void
}

/** Messages that wait for their turn, in memory. */
export function memoryWaiting({ hasChat, statusOf, running, newest, claims, files, active, insertRun }: Surroundings) {
  const lines = new Map<string, WaitingLine>()
  const holds = waitingHolds()

  const all = () => [...lines.values()].flatMap(({ messages }) => messages)
  const save = (line: WaitingLine) => lines.set(line.chatId, structuredClone(line))
  const readyAt = (line: WaitingLine, now: number) =>
    isReady(line.after === null ? undefined : statusOf(line.after), holds.isHeld(line.chatId, now))

  const store: WaitingStore = {
    async putWaiting({ message, first, files: fileIds, claim, maxOfChat, maxOfUser }) {
      const { chatId, userId, createdAt } = message
      const known = claim && claims.find(claim)
      if (known) return { repeated: true, response: known.response }
      if (!hasChat(chatId)) throw new RunnelError('not_found', 'There is no such chat.')
      const line = lines.get(chatId) ?? null
      const next = joined(line, message, first, running(chatId))
      if (!next) return 'idle'
      return claims.claimThen(claim, () => {
        const ofUser = all().filter((other) => other.userId === userId).length
        refuseWaiting(line?.messages.length ?? 0, ofUser, { maxOfChat, maxOfUser })
        files.attach(fileIds, chatId, message.id)
        save(next)
        active(chatId, createdAt, userId)
      })
    },
    getWaiting: async (id) => structuredClone(all().find((message) => message.id === id)) ?? null,
    async waitingLine(chatId, now) {
      const line = lines.get(chatId)
      return line ? { ...structuredClone(line), ready: readyAt(line, now) } : null
    },
    async changeWaiting({ id, chatId }, change, version) {
      const line = lines.get(chatId)
      if (!line || (version !== undefined && line.version !== version)) return false
      const next = changed(line, id, change, running(chatId) ?? newest(chatId))
      if (next) save(next)
      return next !== null
    },
    async removeWaiting({ id, chatId }) {
      const line = lines.get(chatId)
      const next = line && withoutOne(line, id)
      if (!next) return null
      save(next)
      return files.deleteOfMessages([id])
    },
    async takeWaiting(run, taking) {
      const { id, chatId, createdAt } = run.assistant
      const line = lines.get(chatId) ?? null
      const next = taken(line, taking, id)
      if (!next || !readyAt(line!, taking.now)) return false
      insertRun(run)
      save(next)
      active(chatId, createdAt)
      return true
    },
    async waitingListed(chatId, version) {
      const line = lines.get(chatId)
      if (line?.version !== version) return false
      if (line.messages.length === 0) lines.delete(chatId)
      else save({ ...line, listed: version })
      return true
    },
    waitingChats: async (now) =>
      [...lines.values()]
        .filter((line) => line.listed !== line.version || (openMessages(line).length > 0 && readyAt(line, now)))
        .map(({ chatId }) => chatId),
    holdWaiting: async (chatId, hold, until) => holds.set(chatId, hold, until),
  }

  return {
    store,
    isOpen: (chatId: string) => openMessages(lines.get(chatId) ?? null).length > 0,
    passOn(chatId: string, deleted: readonly string[], parentId: string | null): void {
      const line = lines.get(chatId)
      const next = line && passedOn(line, deleted, parentId)
      if (next) save(next)
    },
    /** Returns the ids of what waited there. */
    deleteChat(chatId: string): string[] {
      const ids = (lines.get(chatId)?.messages ?? []).map(({ id }) => id)
      lines.delete(chatId)
      return ids
    },
  }
}
