import { RunnelError } from '../../shared/errors.ts'
import type { Files } from '../files/files.ts'
import type { ChatRow, MessageRow, Store } from '../store/store.ts'
import type { ChatDocuments } from './chat-documents.ts'
import type { Tasks } from './tasks.ts'

export interface DeletionOptions {
  tasks: Tasks
  store: Store
  chats: ChatDocuments
  files: Files
  gone: (docs: readonly string[]) => Promise<void>
}

/**
 * Deleting: runs are stopped and waited for first, so that nothing is written
 * afterwards; then every byte leaves the store; then those who follow are told,
 * and the bytes of files go. What cannot go is tried again at the next start.
 */
export class Deletion {
  readonly #options: DeletionOptions
  /** Whose bytes were to go at the last look. */
  #doomed = new Set<string>()

  constructor(options: DeletionOptions) {
    this.#options = options
  }

  /** Throws `store_unavailable`. */
  async chat(chat: ChatRow): Promise<void> {
    const { tasks, store, gone } = this.#options
    await tasks.waiting.hold(chat.id, async () => {
      await tasks.endAll((message) => message.chatId === chat.id)
      const deleted = await store.deleteChat(chat.id)
      await gone([...deleted.messages, chat.id])
      await this.bytes(deleted.files)
    })
  }

  /** With all that answers it. Throws `not_found`, `store_unavailable`. */
  async message(message: MessageRow): Promise<void> {
    await this.#options.tasks.waiting.hold(message.chatId, () => this.#message(message))
  }

  async #message(message: MessageRow): Promise<void> {
    const { tasks, store, gone, chats } = this.#options
    const doomed = new Set(await store.descendants(message.id))
    if (doomed.size === 0) throw new RunnelError('not_found', 'There is no such message.')
    await tasks.endAll((message) => doomed.has(message.id))
    // First off the list, which has the questions' text: after a crash in between the rest can still be deleted.
    await chats.remove(message.chatId, [...doomed])
    const deleted = await store.deleteMessages(message.id)
    const late = deleted.messages.filter((id) => !doomed.has(id))
    if (late.length > 0) await chats.remove(message.chatId, late)
    await gone(deleted.messages)
    await this.bytes(deleted.files)
  }

  /** Of files that are deleted, or were not received to their end. Throws `store_unavailable`. */
  async bytes(files: readonly string[]): Promise<void> {
    if (files.length === 0) return
    await this.#options.files.remove(files)
    await this.#options.store.filesGone(files)
  }

  /** Chats whose time is over. What cannot go now is tried again with the next. */
  async expired(now: number, onError: (error: unknown, chatId: string) => void): Promise<void> {
    for (const chat of await this.#options.store.expiredChats(now)) {
      await this.chat(chat).catch((error: unknown) => onError(error, chat.id))
    }
  }

  /** What a crash came before. Only where nobody else can be sending a file. */
  async recover(): Promise<void> {
    await this.bytes(await this.#options.store.doomedFiles())
  }

  /** Once an hour: bytes that were nobody's the last time, too. No file is so long on its way. */
  async leftBytes(): Promise<void> {
    const doomed = await this.#options.store.doomedFiles()
    const before = this.#doomed
    this.#doomed = new Set(doomed)
    await this.bytes(doomed.filter((id) => before.has(id)))
  }
}
