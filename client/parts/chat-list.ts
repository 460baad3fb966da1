import type { FoundChat, ListedChat, Page } from '../api-types.ts'
import type { ChatEvent, Client } from '../index.ts'
import { Listeners } from '../listeners.ts'
import type { RunnelError } from '../../shared/errors.ts'
import { Loader, type Load } from './loader.ts'
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
  /** While something is read: what was heard, by chat and event. It is newer than what is being read. */
  #meanwhile: Map<string, ChatEvent> | null = null
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
    this.#load('more', async (client, signal) => {
      const page = await this.#page(client, cursor, signal)
      if (cursor === this.#cursor) this.#take([...this.#snapshot.chats, ...page.items], page.nextCursor)
    })
  }

  /** Reads all of it anew. */
  readonly refresh = (): void => this.#load('all', this.#readAll)

  #start(): () => void {
    const client = this.#find()
    const loader = new Loader(
      client,
      { pending: (pending) => this.#show({ pending }), failed: (error) => this.#show({ error }) },
      this.#hearing(this.#readAll),
    )
    const stop = client.onChatEvent((event) => this.#heard(event))
    this.#loader = loader
    return () => {
      stop()
      loader.stop()
      this.#loader = null
    }
  }

  #load(name: string, load: Load): void {
    this.#loader?.load(name, this.#hearing(load))
  }

  #hearing(load: Load): Load {
    return async (client, signal) => {
      const heard = (this.#meanwhile = new Map<string, ChatEvent>())
      try {
        await load(client, signal)
      } finally {
        if (this.#meanwhile === heard) this.#meanwhile = null
      }
    }
  }

  #heard(heard: ChatEvent): void {
    const { event, chatId } = heard
    const { chats } = this.#snapshot
    if (saysAll(heard)) {
      this.#meanwhile?.set(`${event} ${chatId}`, heard)
      this.#keep(after(chats, heard), this.#cursor)
    } else if (event === 'changed' && chats.some(({ id }) => id === chatId))
      this.#load(chatId, async ({ api }, signal) => {
        const { title, pinned } = await api.getChat(chatId, { signal })
        this.#take(changed(this.#snapshot.chats, chatId, { title, pinned }), this.#cursor)
      })
    else if (this.#query.query === undefined) this.#load('top', this.#readTop)
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

  /** What was read, with what was heard since. */
  #take(chats: Chats, cursor: string | null): void {
    this.#keep([...(this.#meanwhile?.values() ?? [])].reduce(after, chats), cursor, { error: null })
  }

  /** What is as it was stays the same object. */
  #keep(chats: Chats, cursor: string | null, change: Partial<ChatListSnapshot> = {}): void {
    const known = new Map(this.#snapshot.chats.map((chat) => [chat.id, chat]))
    const taken = chats.map((chat) => {
      const last = known.get(chat.id)
      return last && JSON.stringify(last) === JSON.stringify(chat) ? last : chat
    })
    this.#cursor = cursor
    this.#show({ chats: sameOr(this.#snapshot.chats, taken), ...change })
  }

  #show(change: Partial<ChatListSnapshot>): void {
    const last = this.#snapshot
    this.#snapshot = sameOr(last, { ...last, ...change, hasMore: this.#cursor !== null })
    if (this.#snapshot !== last) this.#listeners.emit()
  }
}

/** Does the event itself say what is to be shown? */
function saysAll({ event, title, readAt }: ChatEvent): boolean {
  return (
    event === 'deleted' || (event === 'renamed' && title !== undefined) || (event === 'read' && readAt !== undefined)
  )
}

/** The list as it is after what such an event says. */
function after(chats: Chats, { event, chatId, title, readAt }: ChatEvent): Chats {
  if (event === 'deleted') return chats.filter(({ id }) => id !== chatId)
  if (event === 'renamed' && title !== undefined) return changed(chats, chatId, { title })
  if (event !== 'read' || readAt === undefined) return chats
  const unread = chats.some(({ id, activeAt }) => id === chatId && activeAt > readAt)
  return changed(chats, chatId, { readAt, unread })
}

function changed(
  chats: Chats,
  chatId: string,
  change: Partial<Omit<ListedChat, 'pinned'>> & { pinned?: true | undefined },
): Chats {
  return chats.map((last) => {
    if (last.id !== chatId) return last
    const { pinned, ...chat } = { ...last, ...change }
    return pinned ? { ...chat, pinned } : chat
  })
}
