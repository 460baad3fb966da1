import type { Api } from './api.ts'
import { baseUrl } from './base-url.ts'
import type { ChatEvent } from './chat-event.ts'
import type { LiveChat } from './chat.ts'
import { Connection } from './connection.ts'
import type { ConnectionState, TokenSource } from './connection-state.ts'
import { Following } from './following.ts'
import { Listeners } from './listeners.ts'
import { laterApi, once, loadLater } from './load.ts'
import type { LiveMessage } from './message.ts'
import type { Questions } from './questions.ts'
import type { TaskList } from './task-list.ts'
import { laterTasks, type LiveTasks } from './tasks.ts'

export interface ConnectOptions {
  /**
   * http(s) base of the server, with the path below which it serves, if any; a path is one of the page's own origin, as
   * is nothing. Where there is no page, the whole address must be given.
   */
  url?: string | undefined
  /**
   * `lazy`, the default: the line is opened when it is first of use, that is when somebody listens to a document, to
   * `tasks`, to chat events or to the connection itself. `now`: at once.
   */
  start?: 'lazy' | 'now' | undefined
  token?: TokenSource | undefined
  WebSocket?: typeof WebSocket | undefined
  /**
   * All requests go by it, uploads too. One that can tell how much of a body has left calls `onProgress` of its second argument, where
   * there is one (`RequestWithProgress`); `fetchWithProgress`, the default, does so in browsers.
   */
  fetch?: typeof fetch | undefined
}

export interface Client {
  readonly connection: {
    getSnapshot: () => ConnectionState
    subscribe: (listener: () => void) => () => void
    /** Tries again at once, also where it had given up. */
    retry: () => void
  }
  readonly api: Api
  /** A message to follow. Followed while someone listens to it; asking for it costs nothing. */
  message: (id: string) => LiveMessage
  chat: (id: string) => LiveChat
  /** The runs of this user that are queued, written, or wait, in all chats: live while somebody listens. */
  readonly tasks: LiveTasks
  /** User messages whole: a chat lists long ones `shortened`. */
  readonly questions: Questions
  /** Listens for changes of this user's list of chats; what happened while the line was down is not told. */
  onChatEvent: (listener: (event: ChatEvent) => void) => () => void
  /** Ends everything. Idempotent; settles when the socket is closed. */
  close: () => Promise<void>
}

/**
 * A client of a Runnel server: connected from its first use on, until `close()`. Throws `bad_request` where it cannot
 * know the address of the server.
 */
export function connect(options: ConnectOptions = {}): Client {
  const base = baseUrl(options.url ?? '')
  const chatEvents = new Listeners<ChatEvent>()
  const http = { url: base, token: options.token, fetch: options.fetch }
  const later = once(async () => {
    const { HttpApi, States, History, TaskList } = await loadLater()
    const api = new HttpApi({ ...http, started: () => taskList?.started() })
    return { api, states: new States(http), History, TaskList }
  })
  // It is here by the time that something is to be read.
  later().catch(() => {})
  const following = new Following(
    {
      send: (message) => connection.send(message),
      sendFrame: (frame) => connection.sendFrame(frame),
      needLine: () => connection.start(),
      isOpen: () => connection.getSnapshot().status === 'open',
      states: { read: async (id, signal) => (await later()).states.read(id, signal) },
    },
    later,
  )
  const { subscriptions } = following
  const connection = new Connection(
    { ...http, WebSocket: options.WebSocket },
    {
      opened: (line, settled) => subscriptions.opened(line, settled),
      frame: (frame, line) => subscriptions.frame(frame, line),
      discardCopies: () => subscriptions.discardCopies(),
      control: (message, line) => {
        if (message.type !== 'chat') return subscriptions.control(message, line)
        const { type: _, ...event } = message
        chatEvents.emit(event)
      },
    },
  )
  const use = () => connection.start()
  if (options.start === 'now') use()
  const onChatEvent: Client['onChatEvent'] = (listener) => {
    use()
    return chatEvents.add(listener)
  }
  let taskList: TaskList | undefined
  const tasks = laterTasks(async () => {
    const { api, TaskList } = await later()
    return (taskList ??= new TaskList({ list: (query) => api.listTasks(query), onChatEvent, connection }))
  })
  return {
    connection: {
      getSnapshot: connection.getSnapshot,
      subscribe: (listener) => {
        use()
        return connection.subscribe(listener)
      },
      retry: () => {
        use()
        connection.retry()
      },
    },
    api: laterApi(async () => (await later()).api),
    questions: following.questions,
    message: (id) => following.message(id),
    chat: (id) => following.chat(id),
    onChatEvent,
    tasks,
    close: () => {
      following.close()
      taskList?.close()
      return connection.close()
    },
  }
}
