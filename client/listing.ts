import { chatMessages, isTerminal, type ChatEntry, type MessageStatus } from '../shared/schema.ts'
import type { Replica } from './replica.ts'

/** What a chat that is followed says of one of its messages. */
export interface Listed {
  readonly chatId: string
  readonly status: MessageStatus
  readonly hasEnded: boolean
  readonly parentId: string | null
  /** Of the newest run, where it is not the first. */
  readonly taskId: string | undefined
  /** Another one each time that its status is written: what was read under it is as good as new while it is the same. */
  readonly version: string
}

/** The chats that are followed, and what they say of their messages. */
export class Listing {
  readonly #chats = new Map<string, Replica>()

  follow(chat: Replica): void {
    this.#chats.set(chat.id, chat)
  }

  leave(chatId: string): void {
    this.#chats.delete(chatId)
  }

  find(messageId: string): Listed | undefined {
    for (const { id, shown } of this.#chats.values()) {
      const entry = shown && chatMessages(shown.doc).get(messageId)
      const written = entry?._map.get('status')
      if (!entry || !written) continue
      const { client, clock } = written.id
      const get = <K extends keyof ChatEntry>(key: K) => entry.get(key) as ChatEntry[K]
      const [status, parentId, taskId] = [get('status'), get('parentId'), get('taskId')]
      const version = `${shown.lineage} ${client} ${clock} ${taskId}`
      return { chatId: id, status, hasEnded: isTerminal(status), parentId, taskId, version }
    }
    return undefined
  }
}
