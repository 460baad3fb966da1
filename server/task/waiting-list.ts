import { Coalesced } from '../room/coalesced.ts'
import type { Store, WaitingMessage } from '../store/store.ts'
import type { ChatDocuments } from './chat-documents.ts'
import { unlessGone } from './ending.ts'
import { waitingEntry } from './waiting-entry.ts'

export interface WaitingListOptions {
  store: Store
  chats: ChatDocuments
  now: () => number
}

/**
 * The chats' documents say what waits in them. The store is the truth: it knows which version of a line was listed, and
 * whoever has written one that is old by now writes again.
 */
export class WaitingList {
  readonly #options: WaitingListOptions
  readonly #lists = new Coalesced((chatId: string) => this.#list(chatId))

  constructor(options: WaitingListOptions) {
    this.#options = options
  }

  /** Returns when the chat's document says what waits there now. Throws `store_unavailable`. */
  async list(chatId: string): Promise<void> {
    await this.#lists.ask(chatId)
  }

  async #list(chatId: string): Promise<void> {
    const { store, chats, now } = this.#options
    for (let written = false; ; written = true) {
      const line = await store.waitingLine(chatId, now())
      if (!written && (!line || line.listed === line.version)) return
      await unlessGone(chats.setWaiting(chatId, entriesOf(line?.messages ?? [])))
      if (!line || (await store.waitingListed(chatId, line.version))) return
    }
  }
}

/** Undefined where nobody waits: the document has no such field then. */
export function entriesOf(messages: readonly WaitingMessage[]): ReturnType<typeof waitingEntry>[] | undefined {
  return messages.length === 0 ? undefined : messages.map(waitingEntry)
}
