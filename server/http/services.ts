import type { Access } from '../auth/access.ts'
import type { ServerResponse } from 'node:http'
import type { Identity } from '../auth/auth.ts'
import type { Authors } from '../auth/authors.ts'
import type { EventStreams } from '../events/event-streams.ts'
import type { Files } from '../files/files.ts'
import type { Models } from '../provider/models.ts'
import type { States } from '../room/states.ts'
import type { FileQuotas, Store } from '../store/store.ts'
import type { ChatDocuments } from '../task/chat-documents.ts'
import type { Deletion } from '../task/deletion.ts'
import type { MessageReader } from '../task/message-reader.ts'
import type { Tasks } from '../task/tasks.ts'
import type { ToolStatus } from '../task/tool-status.ts'
import type { DoorBodies } from './door/bodies.ts'
import type { Door } from './door/door.ts'
import type { HtmlRenderer } from './render/rendering.ts'
import type { UploadQuota } from './upload-quota.ts'

/** What a chat list shows of a change. */
export type ChatNews = { event: 'created' | 'renamed'; title: string } | { event: 'changed' | 'deleted' }

/** Sessions over HTTP. */
export interface SyncDoor {
  open(
    response: ServerResponse,
    identity: Identity,
    opening: { transport: 'stream' | 'poll'; instead: string | undefined; everyMs: number },
    body: Uint8Array,
  ): void
  say(
    response: ServerResponse,
    identity: Identity,
    session: string,
    saying: { n: number; ack: number | undefined; waits: boolean; everyMs: number },
    body: Uint8Array,
  ): Promise<void>
}

/** What a page must know before anybody has signed in. */
export interface SignIn {
  /** Who calls must be known. */
  required: boolean
  /** Where people sign in. */
  loginUrl?: string
}

/** The parts of the server that routes speak to. */
export interface Services {
  access: Access
  signIn: SignIn
  store: Store
  authors: Authors
  chats: ChatDocuments
  tasks: Tasks
  messages: MessageReader
  /** The same for routes that wait for a store that is away. */
  waiting: Pick<Services, 'access' | 'store' | 'messages'>
  deletion: Deletion
  html: HtmlRenderer
  states: States
  events: EventStreams
  sync: SyncDoor
  /** Bytes of one frame of a session. */
  maxFrameBytes: number
  door: Door
  maxBodyBytes: number
  doorBodies: DoorBodies
  files: Files
  /** What the addresses of files begin with. */
  filesUrl: string
  /** '' or a path: what is handed out for browsers is below it. */
  basePath: string
  uploads: UploadQuota
  maxFileBytes: number
  fileQuotas: FileQuotas
  /** Chats that one user may own; those of `/v1`, which go after a day, count apart. */
  maxChats: number
  maxUnlistedChats: number
  toolStatus: ToolStatus
  models: Models
  /** Parameters that may be given; undefined: any but what the server decides. */
  allowedParams: readonly string[] | undefined
  /** ms between two writes of growing text. */
  flushMs: number
  /** Requests may bring tools that the provider runs. */
  providerTools: boolean
  /** Finds out who the members of a chat are; what it returns tells them, on all their connections, what happened to it. */
  announcer: (chatId: string) => Promise<(event: ChatNews) => void>
  /** Who may do what in a chat has changed: what is followed without the right ends, and those whose role is another hear it. */
  accessChanged: (chatId: string) => Promise<void>
  /** Tells one user, on all connections, that a chat is in the list now, is not any more, is another, or was read. */
  tellUser: (userId: string, chatId: string, event: ChatNews | { event: 'read'; readAt: number }) => void
  /** Throws if the server should get no traffic now. */
  ready: () => Promise<void>
  now: () => number
}
