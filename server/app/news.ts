/** What nodes tell each other beside the documents, and what each of them does about it. */
import type { Json } from '../../shared/schema.ts'
import type { Access } from '../auth/access.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Rooms } from '../room/rooms.ts'
import { readNews, type ChatEvent, type ClusterNews } from './news-reader.ts'
import type { Sockets } from '../socket/sockets.ts'
import type { Tasks } from '../task/tasks.ts'

export interface News {
  announce: (users: ReadonlySet<string>, event: ChatEvent) => void
  /** Returns when this node has let go of who may not read any more. */
  accessChanged: (chatId: string) => Promise<void>
  /** Returns when nothing of them is in the log of live documents. */
  gone: (docs: readonly string[]) => Promise<void>
}

interface Listeners {
  access: Access
  tasks: Tasks
  rooms: Rooms
  sockets: Sockets
  onError: (error: unknown) => void
}

export function spreadNews(cluster: Cluster, { access, tasks, rooms, sockets, onError }: Listeners): News {
  const act = (news: ClusterNews): void => {
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
    }
  }
  const tell = (news: ClusterNews) => cluster.tell(news as unknown as Json)
  cluster.onNews = (told) => {
    const news = readNews(told)
    if (news) act(news)
  }
  cluster.onLeaseLost = () => tasks.abandonAll()
  return {
    announce(users, event) {
      const news: ClusterNews = { type: 'chat', users: [...users], event }
      act(news)
      tell(news)
    },
    async accessChanged(chatId) {
      tell({ type: 'access', chatId })
      await access.changed(chatId)
    },
    async gone(docs) {
      act({ type: 'gone', docs })
      tell({ type: 'gone', docs })
      await rooms.following.forget(docs)
    },
  }
}
