import { connect, type Client, type ConnectOptions } from '../index.ts'
import { ChatList, type ChatListQuery } from '../parts/chat-list.ts'
import { ChatParts } from '../parts/chat-parts.ts'
import { MessageParts } from '../parts/message-parts.ts'
import { TaskList } from '../parts/task-list.ts'
import { Calls } from './calls.ts'
import type { InitialState } from './initial.ts'
import { Kept } from './kept.ts'

/**
 * What one provider gives to all hooks below it. A client of its own is made when something is first followed or
 * asked for, never by rendering, so a server that renders opens nothing.
 */
export class Provided {
  readonly #given: Client | null
  readonly #options: ConnectOptions
  readonly #initial: InitialState
  readonly #messages = new Kept<MessageParts>()
  readonly #chats = new Kept<ChatParts>()
  readonly #lists = new Kept<ChatList>(10)
  readonly calls = new Calls()
  readonly tasks = new TaskList(() => this.client)
  #own: Client | null = null
  #holders = 0

  constructor(from: { client: Client } | { options: ConnectOptions }, initial: InitialState = {}) {
    this.#given = 'client' in from ? from.client : null
    this.#options = 'options' in from ? from.options : {}
    this.#initial = initial
  }

  get client(): Client {
    return this.#given ?? (this.#own ??= connect(this.#options))
  }

  /** The client, if there is one already. */
  get opened(): Client | null {
    return this.#given ?? this.#own
  }

  /** Keeps a client of its own open until the answer is called; whoever comes back before the next turn finds it open. */
  hold(): () => void {
    this.#holders++
    let held = true
    return () => {
      if (!held) return
      held = false
      this.#holders--
      setTimeout(() => {
        if (this.#holders > 0) return
        void this.#own?.close()
        this.#own = null
      })
    }
  }

  message(id: string): MessageParts {
    return this.#messages.get(id, () => {
      const first = this.#initial.messages?.[id]
      const snapshot = first && { status: 'loading' as const, message: first }
      return new MessageParts(
        (isFollowed) => this.#found(isFollowed)?.message(id) ?? null,
        snapshot ? new MessageParts(() => ({ getSnapshot: () => snapshot, subscribe: () => () => {} })) : null,
      )
    })
  }

  chat(id: string): ChatParts {
    const first = this.#initial.chatsById?.[id]
    return this.#chats.get(id, () => new ChatParts((isFollowed) => this.#found(isFollowed)?.chat(id) ?? null, first))
  }

  chats(query: ChatListQuery): ChatList {
    const first = query.query === undefined ? this.#initial.chats : undefined
    return this.#lists.get(JSON.stringify(query), () => new ChatList(() => this.client, query, first))
  }

  #found(isFollowed: boolean): Client | null {
    return isFollowed ? this.client : this.opened
  }
}
