/** What the calls of `Api` take and give. */
import type { Role } from '../shared/protocol.ts'
import type { JsonObject, MessageStatus } from '../shared/schema.ts'

export interface ChatInfo {
  id: string
  title: string
  createdAt: number
  system?: string
  /** By the caller. */
  pinned?: true
  /** In answers about one chat: what its runs take that do not say it themselves. */
  model?: string
  params?: JsonObject
}

/** A chat in the list of one of its members. `activeAt`, `readAt`: epoch ms. */
export interface ListedChat extends ChatInfo {
  role: Role
  /** Somebody asked in it or went on with an answer, or an answer ended. */
  activeAt: number
  /** Up to when this user has read it; null: never. */
  readAt: number | null
  unread: boolean
  /** An answer is queued or being written. */
  running: boolean
  /** An answer waits for a decision or a result; `waitingForMe`: and this user may give it. */
  waiting: boolean
  waitingForMe: boolean
}

/** Where a search has found a chat: the message that matches best, null for the title alone. The snippet is plain text; it may be empty. */
export interface FoundChat extends ListedChat {
  match: { messageId: string | null; snippet: { text: string; match: boolean }[] }
}

/** What is to be changed of a chat; null takes it back. `pinned`: for the caller alone. */
export interface ChatChange {
  title?: string
  system?: string | null
  model?: string | null
  params?: JsonObject | null
  pinned?: boolean
}

/** One page of a list; `nextCursor` is null at its end. */
export interface Page<Item> {
  items: Item[]
  nextCursor: string | null
}

export interface PageQuery {
  limit?: number
  cursor?: string
}

/** A member of a chat. `alias`: what `by`, `stoppedBy`, … of its documents call them; guests get that for `userId`, too. */
export interface MemberInfo {
  userId: string
  alias: string
  name: string
  role: Role
  /** Epoch ms. */
  joinedAt: number
  /** The invite that gave the role, where the owner asks. */
  inviteId?: string
}

/** What makes somebody a member, or changes their role. `name`: as it is shown until they sign in. */
export interface NewMember {
  userId: string
  role: Exclude<Role, 'owner'>
  name?: string
}

/** A file that was uploaded: `id` is what `files` of a request take, `url` where its bytes are. */
export interface FileInfo {
  id: string
  name: string
  mimeType: string
  size: number
  url: string
}

/** `order`: newest first or oldest first. `leaf`: only the branch that ends with this message, from it up to the root. */
export interface MessagesQuery extends PageQuery {
  order?: 'asc' | 'desc'
  leaf?: string
}

/** How a run is to be made; what is left out is as the server, the chat or the run before has it. */
export interface RunRequest {
  model?: string
  system?: string
  /** Names of the server's tools, and definitions of tools that this client runs; [] is none, left out: all of the server's. */
  tools?: (string | JsonObject)[]
  /** Passed on to the provider as given. */
  params?: JsonObject
  /** ms between two writes of growing text, no fewer than the server's own, 1000 at the most: fewer and larger updates. */
  flushMs?: number
}

/** What a person says anew in place of an earlier message. */
export interface EditRequest extends RunRequest {
  content: string
  /** Ids of files that were uploaded to this chat. */
  files?: string[]
}

export interface SendRequest extends EditRequest {
  /** The message that this one answers; without it the newest of the chat. */
  parentId?: string | null
  /** While an answer of the chat is being written, and no `parentId` is named: `queue`, it waits; `interrupt`, that answer is stopped; `reject` (the default), `busy`. */
  whenBusy?: 'queue' | 'interrupt' | 'reject'
}

/** What is to be changed of a message that waits: its words, its place before or after another that waits in its chat. */
export interface WaitingChange {
  content?: string
  before?: string
  after?: string
}

/** What was started: the document to follow, the run to stop. */
export interface Sent {
  chatId: string
  taskId: string
  messageId: string
  userMessageId: string
  /** It waits for another answer, and is called so until it is sent; the other ids count from then on. */
  waitingId?: string
}

/** A run, as lists and stops tell of it. */
export interface TaskInfo {
  taskId: string
  chatId: string
  messageId: string
  status: MessageStatus
}

/** A live run of the caller. `place`: it waits, as the so manieth of all that do. */
export interface ListedTask extends TaskInfo {
  createdAt: number
  model: string
  place?: number
}

/** A tool that models may call. `name`: as they, and `tools` of a request, call it; without a `server` it is the program's own. */
export interface ToolInfo {
  name: string
  server?: string
  original: string
  title?: string
  description: string
  approval: 'never' | 'always' | 'depends'
}

/** A tool server, and what of it models are not offered. `since`: epoch ms. */
export type ToolServerInfo = {
  name: string
  transport: 'stdio' | 'http' | 'program'
  since: number
  leftOut: { tool?: string; reason: string }[]
} & ({ state: 'connecting' | 'connected' } | { state: 'failed'; error: string })

/** A model that may be named in a request; what is absent is not known. */
export interface ModelInfo {
  id: string
  provider: string
  /** For people. */
  name?: string
  /** It reads images. */
  images?: boolean
  /** It calls tools. */
  tools?: boolean
  reasoning?: boolean
  contextTokens?: number
  /** It answers where a request names none. */
  isDefault?: true
}

/** How people sign in: with `loginUrl` there, else by a token. */
export interface SignInInfo {
  required: boolean
  loginUrl?: string
}

/** A new invite. Its token is told this once. */
export interface InviteInfo {
  id: string
  role: Role
  createdAt: number
  expiresAt: number
  token: string
  url: string
}

/** A document as it was when it was asked for: one Yjs update v1, and the history that it is of. */
export interface DocumentState {
  lineage: string
  update: Uint8Array
}
