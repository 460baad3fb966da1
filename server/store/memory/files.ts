import { RunnelError } from '../../../shared/errors.ts'
import { refuseFile, type FileUsage } from '../quotas.ts'
import { unknownMessage } from '../run-rows.ts'
import type { FileQuotas, FileRow, Store, Upload } from '../store.ts'
import { unknownChat } from '../unknown-chat.ts'

type FileMethods = Pick<
  Store,
  | 'doomFile'
  | 'putFile'
  | 'getFile'
  | 'attachFile'
  | 'unattachedFiles'
  | 'dropUnattachedFiles'
  | 'doomedFiles'
  | 'filesGone'
>

export interface MemoryFilesOptions {
  knows: (chatId: string) => boolean
  isIn: (chatId: string, messageId: string) => boolean
}

/** What is known of files, in memory. */
export interface MemoryFiles {
  readonly store: FileMethods
  /** Throws `not_found` for one that is not of this chat; attaches none, then. */
  attach(fileIds: readonly string[], chatId: string, messageId: string): void
  /** Those that no message has any more. Returns their ids. */
  deleteOfMessages(messageIds: readonly string[]): string[]
  deleteOfChat(chatId: string): string[]
}

export function memoryFiles({ knows, isIn }: MemoryFilesOptions): MemoryFiles {
  const files = new Map<string, FileRow>()
  const uses = new Map<string, Set<string>>()
  const attached = new Set<string>()
  /** Ids whose bytes are to go, with those that are being sent. */
  const doomed = new Map<string, Upload | null>()
  const doom = (id: string) => {
    doomed.set(id, null)
    attached.delete(id)
    for (const ids of uses.values()) ids.delete(id)
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

  function attach(fileIds: readonly string[], chatId: string, messageId: string): void {
    if (fileIds.some((id) => files.get(id)?.chatId !== chatId))
      throw new RunnelError('not_found', 'files: there is no such file in this chat.')
    uses.set(messageId, new Set([...(uses.get(messageId) ?? []), ...fileIds]))
    for (const id of fileIds) attached.add(id)
  }

  return {
    store: {
      async putFile(file, quotas) {
        if (!knows(file.chatId)) throw unknownChat()
        if (quotas) admit(file, [], quotas)
        doomed.delete(file.id)
        files.set(file.id, structuredClone(file))
      },
      async doomFile(id, upload) {
        if (!upload) return void doom(id)
        if (!knows(upload.chatId)) throw unknownChat()
        admit(upload, [...doomed.values()], upload.quotas)
        doomed.set(id, structuredClone(upload))
      },
      getFile: async (id) => structuredClone(files.get(id)) ?? null,
      async attachFile(id, chatId, messageId) {
        if (!isIn(chatId, messageId)) throw unknownMessage()
        attach([id], chatId, messageId)
      },
      unattachedFiles: async (userId) => unattached().filter((file) => file.userId === userId).length,
      dropUnattachedFiles: async (before) =>
        unattached()
          .filter(({ id, createdAt }) => createdAt < before && doom(id))
          .map(({ id }) => id),
      doomedFiles: async () => [...doomed.keys()],
      async filesGone(ids) {
        for (const id of ids) doomed.delete(id)
      },
    },
    attach,
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
