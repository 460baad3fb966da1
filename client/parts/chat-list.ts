import type { FoundChat, ListedChat, Page } from '../api-types.ts'
import type { ChatEvent, Client } from '../index.ts'
import { Listeners } from '../listeners.ts'
import type { RunnelError } from '../../shared/errors.ts'
import { asRunnelError, Loader, type Load } from './loader.ts'
import { Followed, sameOr } from './part.ts'

export interface ChatListSnapshot {
  /** Of a search each with the place found (`match`), best first; else all that are pinned, then the others, the last active first. */
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

/** A page where nothing is said, and the largest that a server gives. */
const pageSize = 50
const largestPage = 200

/**
 * This user's chats, as far as they were asked for, and all that are pinned: live while anyone listens. What happens to one changes its line;
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
    this.#snapshot = {
      chats: this.#inOrder(first?.items ?? []),
      hasMore: this.#cursor !== null,
      pending: !first,
      error: null,
    }
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
      if (cursor === this.#cursor) this.#take(united(this.#snapshot.chats, page.items), page.nextCursor)
    })
  }

  /** Reads all of it anew. */
  readonly refresh = (): void => this.#load('all', this.#readAll)

  #start(): () => void {
    const client = this.#find()
    const loader = new Loader(
      client,
      {
        // What is tried again has not failed.
        pending: (pending) => this.#show({ pending, ...(pending && { error: null }) }),
        failed: (error) => this.#show({ error }),
      },
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
      this.#load(chatId, (client, signal) => this.#readOne(chatId, client, signal))
    else if (this.#isSearch) return
    else if (event === 'changed') this.#load('pinned', this.#readPinned)
    else this.#load('top', this.#readTop)
  }

  async #readOne(chatId: string, { api }: Client, signal: AbortSignal): Promise<void> {
    try {
      const { title, pinned } = await api.getChat(chatId, { signal })
      this.#take(changed(this.#snapshot.chats, chatId, { title, pinned }), this.#cursor)
    } catch (error) {
      // It has gone since that was told.
      if (asRunnelError(error).code !== 'not_found') throw error
      this.#take(without(this.#snapshot.chats, chatId), this.#cursor)
    }
  }

  /** Whatever becomes active comes to the top. */
  readonly #readTop = async (client: Client, signal: AbortSignal): Promise<void> => {
    const page = await this.#page(client, null, signal)
    const top = new Set(page.items.map(({ id }) => id))
    const isAllOfIt = this.#snapshot.chats.every(({ id }) => top.has(id))
    this.#take(united(this.#snapshot.chats, page.items), isAllOfIt ? page.nextCursor : this.#cursor)
  }

  /** A chat may be pinned that nobody has scrolled to. */
  readonly #readPinned = async (client: Client, signal: AbortSignal): Promise<void> => {
    const pinned = await this.#pinned(client, signal)
    // Whatever else was pinned is so no more.
    const others = this.#snapshot.chats.map((last) => {
      const { pinned: _, ...chat } = last
      return chat
    })
    this.#take(united(others, pinned), this.#cursor)
  }

  readonly #readAll = async (client: Client, signal: AbortSignal): Promise<void> => {
    const [{ chats, cursor }, pinned] = await Promise.all([
      this.#readPages(client, signal),
      this.#isSearch ? [] : this.#pinned(client, signal),
    ])
    this.#take(united(chats, pinned), cursor)
  }

  /** As far as it was read before, in the fewest requests: those that are pinned may stand anywhere. */
  async #readPages(client: Client, signal: AbortSignal): Promise<{ chats: ListedChat[]; cursor: string | null }> {
    const count = (chats: Chats) => chats.filter(({ pinned }) => this.#isSearch || !pinned).length
    const wanted = count(this.#snapshot.chats)
    const chats: ListedChat[] = []
    let cursor: string | null = null
    do {
      const limit = Math.min(largestPage, Math.max(wanted - count(chats), cursor === null ? this.#size : 1))
      const page: Page<ListedChat> = await this.#page(client, cursor, signal, limit)
      chats.push(...page.items)
      cursor = page.nextCursor
    } while (cursor !== null && count(chats) < wanted)
    return { chats, cursor }
  }

  /** No more than one page: a server lets nobody pin as many. */
  async #pinned({ api }: Client, signal: AbortSignal): Promise<ListedChat[]> {
    const { items } = await api.listChats({ pinned: true, limit: largestPage }, { signal })
    // Of a server that does not know the word: the newest chats.
    return items.filter(({ pinned }) => pinned)
  }

  #page({ api }: Client, cursor: string | null, signal: AbortSignal, limit = this.#size): Promise<Page<ListedChat>> {
    const { query } = this.#query
    const page = { limit, ...(cursor !== null && { cursor }) }
    return query === undefined ? api.listChats(page, { signal }) : api.searchChats(query, page, { signal })
  }

  get #size(): number {
    return this.#query.limit ?? pageSize
  }

  /** What was read, with what was heard since. */
  #take(chats: Chats, cursor: string | null): void {
    this.#keep([...(this.#meanwhile?.values() ?? [])].reduce(after, chats), cursor, { error: null })
  }

  /** What is as it was stays the same object. */
  #keep(chats: Chats, cursor: string | null, change: Partial<ChatListSnapshot> = {}): void {
    const known = new Map(this.#snapshot.chats.map((chat) => [chat.id, chat]))
    const taken = this.#inOrder(chats).map((chat) => {
      const last = known.get(chat.id)
      return last && last !== chat && JSON.stringify(last) === JSON.stringify(chat) ? last : chat
    })
    this.#cursor = cursor
    this.#show({ chats: sameOr(this.#snapshot.chats, taken), ...change })
  }

  get #isSearch(): boolean {
    return this.#query.query !== undefined
  }

  /** Those that are pinned before all others, and each the later the longer nothing happened in it; of a search as the server has it. */
  #inOrder(chats: Chats): Chats {
    if (this.#isSearch) return chats
    return [...chats].sort(
      (a, b) =>
        Number(b.pinned ?? false) - Number(a.pinned ?? false) || b.activeAt - a.activeAt || (a.id < b.id ? 1 : -1),
    )
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
  if (event === 'deleted') return without(chats, chatId)
  if (event === 'renamed' && title !== undefined) return changed(chats, chatId, { title })
  if (event !== 'read' || readAt === undefined) return chats
  const unread = chats.some(({ id, activeAt }) => id === chatId && activeAt > readAt)
  return changed(chats, chatId, { readAt, unread })
}

const without = (chats: Chats, chatId: string): Chats => chats.filter(({ id }) => id !== chatId)

/** Each once, as it was read last. */
function united(chats: Chats, read: Chats): Chats {
  return [...new Map([...chats, ...read].map((chat) => [chat.id, chat])).values()]
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
