import type { FoundChat, ListedChat, Page } from '../api-types.ts'
import type { ChatEvent, Client } from '../index.ts'
import { Listeners } from '../listeners.ts'
import type { RunnelError } from '../../shared/errors.ts'
import { Loader } from './loader.ts'
import { Followed, sameOr } from './part.ts'

export interface ChatListSnapshot {
  /** Of a search each with the place found (`match`), best first; else the last active first. */
  readonly chats: readonly (ListedChat & Partial<Pick<FoundChat, 'match'>>)[]
  readonly hasMore: boolean
  /** Something is being read. */
  readonly pending: boolean
  readonly error: RunnelError | null
}

export interface ChatListQuery {
  /** Words to be found in titles and messages. */
  query?: string | undefined
  /** Chats a page. */
  limit?: number | undefined
}

type Chats = ChatListSnapshot['chats']

/**
 * This user's chats, as far as they were asked for: live while anyone listens. What happens to one changes its line;
 * the first page is read anew where its place may be another, and everything after the line was down. A search is as
 * of when it was made: it learns titles and deletions.
 */
export class ChatList {
  readonly #find: () => Client
  readonly #query: ChatListQuery
  readonly #listeners = new Listeners()
  readonly #followed = new Followed(() => this.#start())
  #loader: Loader | null = null
  #cursor: string | null
  #snapshot: ChatListSnapshot

  /** `first`: what is shown until the list has been read. */
  constructor(find: () => Client, query: ChatListQuery = {}, first?: Page<ListedChat>) {
    this.#find = find
    this.#query = query
    this.#cursor = first?.nextCursor ?? null
    this.#snapshot = { chats: first?.items ?? [], hasMore: this.#cursor !== null, pending: !first, error: null }
  }

  get isUsed(): boolean {
    return this.#followed.isUsed
  }

  readonly getSnapshot = (): ChatListSnapshot => this.#snapshot

  readonly subscribe = (listener: () => void): (() => void) => this.#followed.listen(() => this.#listeners, listener)

  readonly loadMore = (): void => {
    const cursor = this.#cursor
    if (cursor === null) return
    this.#loader?.load('more', async (client, signal) => {
      const page = await this.#page(client, cursor, signal)
      if (cursor === this.#cursor) this.#take([...this.#snapshot.chats, ...page.items], page.nextCursor)
    })
  }

  /** Reads all of it anew. */
  readonly refresh = (): void => this.#loader?.load('all', this.#readAll)

  #start(): () => void {
    const client = this.#find()
    const loader = new Loader(
      client,
      { pending: (pending) => this.#show({ pending }), failed: (error) => this.#show({ error }) },
      this.#readAll,
    )
    const stop = client.onChatEvent((event) => this.#heard(event, loader))
    this.#loader = loader
    return () => {
      stop()
      loader.stop()
      this.#loader = null
    }
  }

  #heard({ event, chatId, title, readAt }: ChatEvent, loader: Loader): void {
    const { chats } = this.#snapshot
    if (event === 'deleted') this.#show({ chats: chats.filter(({ id }) => id !== chatId) })
    else if (event === 'renamed' && title !== undefined) this.#change(chatId, { title })
    else if (event === 'read' && readAt !== undefined)
      this.#change(chatId, { readAt, unread: chats.some(({ id, activeAt }) => id === chatId && activeAt > readAt) })
    else if (event === 'changed' && chats.some(({ id }) => id === chatId))
      loader.load(chatId, async ({ api }, signal) => {
        const { title, pinned } = await api.getChat(chatId, { signal })
        this.#change(chatId, { title, pinned })
      })
    else if (this.#query.query === undefined) loader.load('top', this.#readTop)
  }

  #change(chatId: string, change: Partial<Omit<ListedChat, 'pinned'>> & { pinned?: true | undefined }): void {
    this.#take(
      this.#snapshot.chats.map((last) => {
        if (last.id !== chatId) return last
        const { pinned, ...chat } = { ...last, ...change }
        return pinned ? { ...chat, pinned } : chat
      }),
      this.#cursor,
    )
  }

  /** Whatever becomes active comes to the top. */
  readonly #readTop = async (client: Client, signal: AbortSignal): Promise<void> => {
    const page = await this.#page(client, null, signal)
    const top = new Set(page.items.map(({ id }) => id))
    const below = this.#snapshot.chats.filter(({ id }) => !top.has(id))
    this.#take([...page.items, ...below], below.length === 0 ? page.nextCursor : this.#cursor)
  }

  readonly #readAll = async (client: Client, signal: AbortSignal): Promise<void> => {
    const chats: ListedChat[] = []
    let cursor: string | null = null
    do {
      const page: Page<ListedChat> = await this.#page(client, cursor, signal)
      chats.push(...page.items)
      cursor = page.nextCursor
    } while (cursor !== null && chats.length < this.#snapshot.chats.length)
    this.#take(chats, cursor)
  }

  #page({ api }: Client, cursor: string | null, signal: AbortSignal): Promise<Page<ListedChat>> {
    const { query, limit } = this.#query
    const page = { ...(limit !== undefined && { limit }), ...(cursor !== null && { cursor }) }
    return query === undefined ? api.listChats(page, { signal }) : api.searchChats(query, page, { signal })
  }

  /** What is as it was stays the same object. */
  #take(chats: Chats, cursor: string | null): void {
    const known = new Map(this.#snapshot.chats.map((chat) => [chat.id, chat]))
    const taken = chats.map((chat) => {
      const last = known.get(chat.id)
      return last && JSON.stringify(last) === JSON.stringify(chat) ? last : chat
    })
    this.#cursor = cursor
    this.#show({ chats: sameOr(this.#snapshot.chats, taken), error: null })
  }

  #show(change: Partial<ChatListSnapshot>): void {
    const last = this.#snapshot
    this.#snapshot = sameOr(last, { ...last, ...change, hasMore: this.#cursor !== null })
    if (this.#snapshot !== last) this.#listeners.emit()
  }
}
