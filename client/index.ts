/** Runnel's client: follow messages and chats live, over one socket. For browsers and Node ≥ 22. */
import { HttpApi, type Api } from './api.ts'
import { baseUrl } from './base-url.ts'
import { liveChat, type LiveChat } from './chat.ts'
import { Connection } from './connection.ts'
import type { ConnectionState, TokenSource } from './connection-state.ts'
import { Listeners } from './listeners.ts'
import { liveMessage, type LiveMessage } from './message.ts'
import { KnownQuestions, type Questions } from './questions.ts'
import { States } from './states.ts'
import { Subscriptions } from './subscriptions.ts'
import type { ServerControl } from '../shared/protocol.ts'

export { branch, siblings, type ChatMessage } from './tree.ts'
export type { BranchMessage, LiveBranch } from './branch.ts'
export type { ChatSnapshot, LiveChat } from './chat.ts'
export type { Api, DecideOptions, SendOptions } from './api.ts'
export type * from './api-types.ts'
export type { CallOptions } from './http.ts'
export type { ConnectionState, TokenSource, User } from './connection-state.ts'
export type { TransportReason } from './transport/choice.ts'
export type { TransportName } from '../shared/transports.ts'
export type { Present } from './presence.ts'
export type { LiveMessage, MessageChange, MessageSnapshot, TextChange } from './message.ts'
export type { Question, Questions } from './questions.ts'
export type { ReplicaError, ReplicaState } from './replica.ts'
export { RunnelError, type ErrorCode } from '../shared/errors.ts'
export type { Role } from '../shared/protocol.ts'
export { isTerminal } from '../shared/schema.ts'
export type * from '../shared/schema.ts'

/** One of this user's chats was made, renamed, deleted, or read on any device, or a run in it began, waits, or ended. */
export type ChatEvent = Omit<Extract<ServerControl, { type: 'chat' }>, 'type'>

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
  const subscriptions = new Subscriptions({
    send: (message) => connection.send(message),
    sendFrame: (frame) => connection.sendFrame(frame),
    needLine: () => connection.start(),
    isOpen: () => connection.getSnapshot().status === 'open',
    states: new States(http),
  })
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
  const api = new HttpApi(http)
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
    api,
    questions: new KnownQuestions(api),
    message: (id) => liveMessage(id, subscriptions),
    chat: (id) => liveChat(id, subscriptions),
    onChatEvent: (listener) => {
      use()
      return chatEvents.add(listener)
    },
    close: () => {
      subscriptions.close()
      return connection.close()
    },
  }
}
