import { RunnelError } from '../../../shared/errors.ts'
import { refuseFile, type FileUsage } from '../quotas.ts'
import type { FileQuotas, FileRow, Upload } from '../store.ts'

/** What is known of files, in memory. */
export interface MemoryFiles {
  /** Throws `too_large`, `rate_limited`. */
  put(file: FileRow, quotas?: FileQuotas): void
  /** Throws as `put`. */
  doom(id: string, upload?: Upload): void
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
  /** Ids whose bytes are to go, with those that are being sent. */
  readonly doomed: Map<string, Upload | null>
}

export function memoryFiles(): MemoryFiles {
  const files = new Map<string, FileRow>()
  const uses = new Map<string, Set<string>>()
  const attached = new Set<string>()
  const doomed = new Map<string, Upload | null>()
  const doom = (id: string) => {
    doomed.set(id, null)
    attached.delete(id)
    return files.delete(id)
  }

  const unattached = () => [...files.values()].filter(({ id }) => !attached.has(id))

  /** `uploads`: what counts beside the files. */
  function admit(
    file: Pick<FileRow, 'userId' | 'chatId' | 'size'>,
    uploads: readonly (Upload | null)[],
    quotas: FileQuotas,
  ): void {
    const usage = (key: 'userId' | 'chatId'): FileUsage => {
      const own = [...files.values(), ...uploads].filter((other) => other?.[key] === file[key])
      return { bytes: own.reduce((sum, other) => sum + other!.size, 0), files: own.length }
    }
    refuseFile(file.size, usage('userId'), usage('chatId'), quotas)
  }

  return {
    doomed,
    put(file, quotas) {
      if (quotas) admit(file, [], quotas)
      doomed.delete(file.id)
      files.set(file.id, structuredClone(file))
    },
    doom(id, upload) {
      if (upload) admit(upload, [...doomed.values()], upload.quotas)
      doomed.set(id, upload ? structuredClone(upload) : null)
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
