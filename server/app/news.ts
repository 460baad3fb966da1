/** What nodes tell each other beside the documents, and what each of them does about it. */
import type { Json } from '../../shared/schema.ts'
import type { Access } from '../auth/access.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Rooms } from '../room/rooms.ts'
import type { Sockets } from '../socket/sockets.ts'
import type { Sync } from '../socket/sync.ts'
import type { Store } from '../store/store.ts'
import type { Tasks } from '../task/tasks.ts'
import { readNews, type ChatEvent, type ClusterNews } from './news-reader.ts'

interface Listeners {
  access: Access
  rooms: Rooms
  sockets: Sockets
  sync: Pick<Sync, 'news'>
}

/** What this node says, to itself and to the others. */
export class News {
  readonly #cluster: Cluster
  readonly #listeners: Listeners
  readonly #store: Pick<Store, 'getChatRow' | 'listMembers'>

  constructor(cluster: Cluster, listeners: Listeners, store: Pick<Store, 'getChatRow' | 'listMembers'>) {
    this.#cluster = cluster
    this.#listeners = listeners
    this.#store = store
  }

  /** Tells these users, on all their connections, what happened to one of their chats. */
  announce(users: ReadonlySet<string>, event: ChatEvent): void {
    this.#listeners.sockets.announce(users, event)
    this.#tell({ type: 'chat', users: [...users], event })
  }

  /** Finds out who the members of a chat are; what it returns tells them. */
  async announcer(chatId: string): Promise<(event: Omit<ChatEvent, 'type' | 'chatId'>) => void> {
    // What is in nobody's list is news to nobody.
    if ((await this.#store.getChatRow(chatId))?.expiresAt !== undefined) return () => {}
    const members = new Set((await this.#store.listMembers(chatId)).map(({ userId }) => userId))
    return (event) => this.announce(members, { type: 'chat', chatId, ...event })
  }

  /** Returns when this node has let go of who may not read any more. */
  async accessChanged(chatId: string): Promise<void> {
    this.#tell({ type: 'access', chatId })
    await this.#listeners.access.changed(chatId)
  }

  /** Returns when nothing of them is in the log of live documents. */
  async gone(docs: readonly string[]): Promise<void> {
    const { rooms } = this.#listeners
    rooms.forget(docs)
    this.#tell({ type: 'gone', docs })
    await rooms.following.forget(docs)
  }

  /** From now on what others say is heard, and that this node's lease is lost. */
  hear(tasks: Pick<Tasks, 'news' | 'abandonAll'>, onError: (error: unknown) => void): void {
    this.#cluster.onNews = (told) => {
      const news = readNews(told)
      if (news) this.#act(news, tasks, onError)
    }
    this.#cluster.onLeaseLost = () => tasks.abandonAll()
  }

  #act(news: ClusterNews, tasks: Pick<Tasks, 'news'>, onError: (error: unknown) => void): void {
    const { access, rooms, sockets, sync } = this.#listeners
    switch (news.type) {
      case 'order':
        return tasks.news(news)
      case 'presence':
        return rooms.presenceNews(news)
      case 'chat':
        return sockets.announce(new Set(news.users), news.event)
      case 'access':
        access.changed(news.chatId).catch(onError)
        return
      case 'gone':
        return rooms.forget(news.docs)
      case 'sync':
      case 'synced':
      case 'succeeded':
        return sync.news(news)
    }
  }

  #tell(news: ClusterNews): void {
    this.#cluster.tell(news as unknown as Json)
  }
}
