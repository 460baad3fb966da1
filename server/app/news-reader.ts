import { decodeServerControl, type ServerControl } from '../../shared/protocol.ts'
import { Fields, wrong } from '../../shared/fields.ts'
import type { Json } from '../../shared/schema.ts'
import type { SharedPresence } from '../room/presence.ts'
import type { PresenceNews } from '../room/rooms.ts'
import { readSyncNews, type SyncNews } from '../socket/sync-news.ts'

export type ChatEvent = Extract<ServerControl, { type: 'chat' }>

export type ClusterNews =
  /** Something was said to a run; it stands in the store. */
  | { type: 'order'; taskId: string }
  | PresenceNews
  /** Connections of these users show it in their lists. */
  | { type: 'chat'; users: string[]; event: ChatEvent }
  /** Who may read this chat has changed. */
  | { type: 'access'; chatId: string }
  /** Documents that exist no more. */
  | { type: 'gone'; docs: readonly string[] }
  | SyncNews

/** News as another node tells them; null for what only a newer node knows. Throws `bad_request`: whoever reaches Redis can say something. */
export function readNews(value: Json): ClusterNews | null {
  const news = Fields.of(value, 'news')
  const type = news.text('type')
  switch (type) {
    case 'order':
      return { type, taskId: news.text('taskId') }
    case 'presence': {
      const told = { type, chat: news.text('chat'), node: news.text('node') } as const
      return news.isAbsent('shared') ? told : { ...told, shared: sharedPresence(news.fields('shared')) }
    }
    case 'chat': {
      // It goes to clients as it is: read as they read it.
      const event = decodeServerControl(JSON.stringify(news.value('event')))
      if (event === null) return null
      if (event.type !== 'chat') throw wrong('event', 'must be of a chat')
      return { type, users: news.texts('users'), event }
    }
    case 'access':
      return { type, chatId: news.text('chatId') }
    case 'gone':
      return { type, docs: news.texts('docs') }
    case 'sync':
    case 'synced':
    case 'succeeded':
      return readSyncNews(type, news)
    default:
      return null
  }
}

function sharedPresence(shared: Fields): SharedPresence {
  return {
    viewers: shared.whole('viewers'),
    states: shared.list('states').map((pair) => {
      const state = Fields.of({ ...(pair as object) }, 'states')
      const text = state.text('1')
      const user = Fields.parse(text).fields('user')
      user.text('id')
      user.text('name')
      // 0 is the server's own: it tells the count.
      return [state.whole('0', 1), text] as const
    }),
  }
}
