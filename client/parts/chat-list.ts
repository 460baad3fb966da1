import type { FoundChat, ListedChat, Page } from '../api-types.ts'
import type { ChatEvent, Client } from '../index.ts'
import { Listeners } from '../listeners.ts'
import type { RunnelError } from '../../shared/errors.ts'
import { Loader } from './loader.ts'

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

type ListClient = Pick<Client, 'api' | 'onChatEvent' | 'connection'>
type Chats = ChatListSnapshot['chats']

/**
 * This user's chats, as far as they were asked for: live while anyone listens. What happens to one changes its line;
 * the first page is read anew where its place may be another, and everything after the line was down. A search is as
 * of when it was made: it learns titles and deletions.
 */
export class ChatList {
  readonly #find: () => ListClient
  readonly #query: ChatListQuery
  readonly #listeners = new Listeners()
  readonly #loader: Loader
  #client: ListClient | null = null
  #stops: (() => void)[] = []
  #users = 0
  #cursor: string | null = null
  #snapshot: ChatListSnapshot
  /** As a server has rendered it. */
  readonly first: { getSnapshot: () => ChatListSnapshot }

  constructor(find: () => ListClient, query: ChatListQuery = {}, first?: Page<ListedChat>) {
    this.#find = find
    this.#query = query
    this.#cursor = first?.nextCursor ?? null
    this.#snapshot = {
      chats: first?.items ?? [],
      hasMore: this.#cursor !== null,
      pending: first === undefined,
      error: null,
    }
    const made = this.#snapshot
    this.first = { getSnapshot: () => made }
    this.#loader = new Loader({
      pending: (pending) => this.#show({ pending }),
      failed: (error) => this.#show({ error }),
    })
  }

  get isUsed(): boolean {
    return this.#users > 0
  }

  readonly getSnapshot = (): ChatListSnapshot => this.#snapshot

  readonly subscribe = (listener: () => void): (() => void) => {
    if (this.#users++ === 0) this.#start()
    const remove = this.#listeners.add(listener)
    let removed = false
    return () => {
      if (removed) return
      removed = true
      remove()
      if (--this.#users === 0) this.#end()
    }
  }

  readonly loadMore = (): void => {
    const cursor = this.#cursor
    if (cursor === null) return
    this.#loader.load('more', async (signal) => {
      const page = await this.#page(cursor, signal)
      if (cursor === this.#cursor) this.#take([...this.#snapshot.chats, ...page.items], page.nextCursor)
    })
  }

  /** Reads all of it anew. */
  readonly refresh = (): void => this.#loader.load('all', (signal) => this.#readAll(signal))

  #start(): void {
    const client = (this.#client = this.#find())
    let wasOpen = client.connection.getSnapshot().status === 'open'
    this.#stops = [
      client.onChatEvent((event) => this.#heard(event)),
      client.connection.subscribe(() => {
        const isOpen = client.connection.getSnapshot().status === 'open'
        // What happened while the line was down is not told.
        if (isOpen && !wasOpen) this.refresh()
        wasOpen = isOpen
      }),
    ]
    this.#loader.start()
    this.refresh()
  }

  #end(): void {
    for (const stop of this.#stops.splice(0)) stop()
    this.#loader.stop()
    this.#client = null
  }

  #heard({ event, chatId, title, readAt }: ChatEvent): void {
    if (event === 'deleted') this.#show({ chats: this.#snapshot.chats.filter(({ id }) => id !== chatId) })
    if (event === 'renamed' && title !== undefined) this.#change(chatId, (chat) => ({ ...chat, title }))
    if (event === 'read' && readAt !== undefined)
      this.#change(chatId, (chat) => ({ ...chat, readAt, unread: chat.activeAt > readAt }))
    if (event === 'changed') this.#readOne(chatId)
    if (event === 'created' || event === 'status') this.#refreshTop()
  }

  #readOne(chatId: string): void {
    if (!this.#snapshot.chats.some(({ id }) => id === chatId)) return
    this.#loader.load(chatId, async (signal) => {
      const { title, pinned } = await this.#client!.api.getChat(chatId, { signal })
      this.#change(chatId, (last) => {
        const { pinned: _, ...chat } = last
        return { ...chat, title, ...(pinned && { pinned }) }
      })
    })
  }

  #change(chatId: string, change: (chat: ListedChat) => ListedChat): void {
    this.#show({ chats: this.#snapshot.chats.map((chat) => (chat.id === chatId ? sameOf(change(chat), chat) : chat)) })
  }

  /** Whatever becomes active comes to the top. */
  #refreshTop(): void {
    if (this.#query.query !== undefined) return
    this.#loader.load('top', async (signal) => {
      const page = await this.#page(undefined, signal)
      const top = new Set(page.items.map(({ id }) => id))
      const below = this.#snapshot.chats.filter(({ id }) => !top.has(id))
      this.#take([...page.items, ...below], below.length === 0 ? page.nextCursor : this.#cursor)
    })
  }

  async #readAll(signal: AbortSignal): Promise<void> {
    const wanted = this.#snapshot.chats.length
    const chats: ListedChat[] = []
    let cursor: string | null = null
    do {
      const page: Page<ListedChat> = await this.#page(cursor ?? undefined, signal)
      chats.push(...page.items)
      cursor = page.nextCursor
    } while (cursor !== null && chats.length < wanted)
    this.#take(chats, cursor)
  }

  #page(cursor: string | undefined, signal: AbortSignal): Promise<Page<ListedChat>> {
    const { query, limit } = this.#query
    const page = { ...(limit !== undefined && { limit }), ...(cursor !== undefined && { cursor }) }
    const { api } = this.#client!
    return query === undefined ? api.listChats(page, { signal }) : api.searchChats(query, page, { signal })
  }

  /** What is as it was stays the same object. */
  #take(chats: Chats, cursor: string | null): void {
    const known = new Map(this.#snapshot.chats.map((chat) => [chat.id, chat]))
    this.#cursor = cursor
    this.#show({ chats: chats.map((chat) => sameOf(chat, known.get(chat.id))), error: null })
  }

  #show(change: Partial<ChatListSnapshot>): void {
    const last = this.#snapshot
    const chats = change.chats && areSame(change.chats, last.chats) ? last.chats : (change.chats ?? last.chats)
    const next = { ...last, ...change, chats, hasMore: this.#cursor !== null }
    const keys = Object.keys(next) as (keyof ChatListSnapshot)[]
    if (keys.every((key) => next[key] === last[key])) return
    this.#snapshot = next
    this.#listeners.emit()
  }
}

const areSame = (a: Chats, b: Chats) => a.length === b.length && a.every((chat, index) => chat === b[index])

function sameOf(chat: Chats[number], last: Chats[number] | undefined): Chats[number] {
  return last && JSON.stringify(chat) === JSON.stringify(last) ? last : chat
}
