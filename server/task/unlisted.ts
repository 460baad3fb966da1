import { listEnd, type EndingOptions } from './ending.ts'

export interface UnlistedOptions extends Pick<EndingOptions, 'store' | 'chats' | 'now' | 'onError'> {
  /** This node sees to the message. */
  isBusyWith: (messageId: string) => boolean
}

/** Ends that are in the store, and that whoever saved them did not come to list in their chats. */
export class Unlisted {
  readonly #options: UnlistedOptions
  /** When the end of a message was first seen. */
  #since = new Map<string, number>()

  constructor(options: UnlistedOptions) {
    this.#options = options
  }

  /** Lists those that have been left for so long. Throws `store_unavailable`. */
  async list(leftMs: number): Promise<void> {
    const { store, now, isBusyWith, onError } = this.#options
    const left = (await store.unlistedEnds()).filter(({ messageId }) => !isBusyWith(messageId))
    this.#since = new Map(left.map(({ messageId }) => [messageId, this.#since.get(messageId) ?? now()]))
    for (const end of left) {
      if (now() - this.#since.get(end.messageId)! < leftMs) continue
      const message = (await store.getMessage(end.messageId))?.json
      if (!message) continue
      await listEnd(this.#options, message, end.taskId).catch((error: unknown) =>
        onError(error, { messageId: end.messageId }),
      )
    }
  }
}
