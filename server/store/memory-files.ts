import { RunnelError } from '../../shared/errors.ts'
import type { FileRow } from './store.ts'

/** What is known of files, in memory. */
export interface MemoryFiles {
  put(file: FileRow): void
  get(id: string): FileRow | null
  /** Of a user, those that no message has had. */
  unattached(userId: string): number
  /** Those of them that were sent before this moment, epoch ms, of all users. Returns their ids. */
  deleteUnattached(before: number): string[]
  /** Throws `not_found` for one that is not of this chat; attaches none, then. */
  attach(fileIds: readonly string[], chatId: string, messageId: string): void
  /** Those that no message has any more. Returns their ids. */
  deleteOfMessages(messageIds: readonly string[]): string[]
  deleteOfChat(chatId: string): string[]
  /** Ids whose bytes are to go. */
  readonly doomed: Set<string>
}

export function memoryFiles(): MemoryFiles {
  const files = new Map<string, FileRow>()
  const uses = new Map<string, Set<string>>()
  const attached = new Set<string>()
  const doomed = new Set<string>()
  const doom = (id: string) => {
    doomed.add(id)
    attached.delete(id)
    return files.delete(id)
  }

  const unattached = () => [...files.values()].filter(({ id }) => !attached.has(id))

  return {
    doomed,
    put(file) {
      doomed.delete(file.id)
      files.set(file.id, structuredClone(file))
    },
    get: (id) => structuredClone(files.get(id)) ?? null,
    unattached: (userId) => unattached().filter((file) => file.userId === userId).length,
    deleteUnattached: (before) =>
      unattached()
        .filter(({ id, createdAt }) => createdAt < before && doom(id))
        .map(({ id }) => id),
    attach(fileIds, chatId, messageId) {
      if (fileIds.some((id) => files.get(id)?.chatId !== chatId))
        throw new RunnelError('not_found', 'files: there is no such file in this chat.')
      uses.set(messageId, new Set([...(uses.get(messageId) ?? []), ...fileIds]))
      for (const id of fileIds) attached.add(id)
    },
    deleteOfMessages(messageIds) {
      const used = new Set(messageIds.flatMap((id) => [...(uses.get(id) ?? [])]))
      for (const id of messageIds) uses.delete(id)
      const left = new Set([...uses.values()].flatMap((ids) => [...ids]))
      return [...used].filter((id) => !left.has(id) && doom(id))
    },
    deleteOfChat: (chatId) =>
      [...files.values()].filter((file) => file.chatId === chatId && doom(file.id)).map(({ id }) => id),
  }
}
