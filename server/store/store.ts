/**
 * The port to what lasts: chats, messages, finished states, epochs, claims.
 * Adapters: `sqlite.ts`, `postgres.ts`, `memory.ts`; one contract suite runs on each.
 * Every method throws RunnelError `store_unavailable` where the store cannot
 * answer (disk full, file gone, locked); nothing of that call is then written,
 * unless the sentence says that this is not known (a database on another machine).
 */
import type { Role } from '../../shared/protocol.ts'
import type { Json, Message } from '../../shared/schema.ts'
import type { UpdateLog } from '../cluster/cluster.ts'
import type {
  ChatDefaults,
  ChatRow,
  FoundChat,
  InviteRow,
  ListedChat,
  MemberRow,
  NewChat,
  StoredChat,
} from './chat-rows.ts'
import type { FileQuotas, FileRow, Upload } from './file-rows.ts'
import type { MessageRow, SaidMessage, StoredMessage } from './message-rows.ts'
import type { Claim, Claimed, NewRun } from './new-run.ts'
import type { WaitingStore } from './waiting-rows.ts'

export type * from './chat-rows.ts'
export type * from './file-rows.ts'
export type * from './message-rows.ts'
export type * from './new-run.ts'
export type * from './waiting-rows.ts'

/** Ids of what is gone from the store: documents and bytes go after it. */
export interface Deleted {
  messages: string[]
  files: string[]
}

/** What is said to a run from wherever it is said: it waits here until its run has heard it, or has ended. */
export interface Order {
  taskId: string
  /** `stop`, or what a call's block waits for: there is one of each, the first. */
  key: string
  body: Json
}

/** What tells one order from all others. */
export type OrderKey = Pick<Order, 'taskId' | 'key'>

/** A new run of a message that has ended. */
export interface Continuation {
  messageId: string
  taskId: string
  userId: string
  node: string
  request: Json
  /** Epoch ms: its chat is active then. Without it nothing is known of that. */
  at?: number
  claim?: Claim
}

/** The end of one run of a message: what is still to be done about it belongs to that run, and not to the next. */
export interface RunEnd {
  messageId: string
  taskId: string
}

/** One that somebody is still to be told of. */
export type UntoldEnd = RunEnd

export interface FinalMessage {
  message: Message
  /** The run that ends. */
  taskId: string
  epoch: number
  /** What is kept beside it for its provider; null as in `putProviderData`. */
  providerData?: readonly ProviderData[]
  /** Somebody is to be told of this end: it is among `untoldEnds` until `endTold`. */
  tell?: boolean
  /** Yjs state v1 of the finished document: it replaces log and snapshot. */
  state: Uint8Array
  /** The log's last number, where it is another than this store's: who goes on with the message counts on from it. */
  seq?: number
  /** A new run that goes on with it from here, as `continueRun` would make it, at once. */
  next?: Continuation
}

/**
 * What became of an end: it was written; the run had ended before (by a call whose answer was lost); the message is
 * another run's or another epoch's by now; it is gone.
 */
export type EndResult = 'ended' | 'ended before' | 'not current' | 'gone'

export interface ProviderData {
  blockId: string
  data: Json
}

export interface Page {
  /** Opaque, from an earlier answer. */
  cursor?: string
  limit: number
  /** The page ends before the item with which its JSON would have more bytes than this; the first comes whatever its size. */
  maxBytes?: number
}

/** `asc`: the oldest first. */
export type Direction = 'asc' | 'desc'

export interface ChatsPage extends Page {
  /** Only those that this user has pinned. */
  pinned?: boolean
}

export interface Paged<T> {
  items: T[]
  /** Null at the end. */
  nextCursor: string | null
}

export interface Store extends WaitingStore {
  readonly log: UpdateLog

  /**
   * Also makes the owner a member, and the chat's document with its lineage,
   * epoch 0, empty. Throws `idempotency_mismatch`; `rate_limited` where the owner
   * has `maxOwned` already: chats that expire, and are not over, count apart.
   */
  createChat(chat: NewChat, lineage: string, claim?: Claim, maxOwned?: number): Promise<Claimed>
  /** Without its system prompt, as who asks for rights needs it. */
  getChatRow(id: string): Promise<ChatRow | null>
  getChat(id: string): Promise<StoredChat | null>
  renameChat(id: string, title: string): Promise<void>
  /** As `renameChat`, of a chat to which nobody has given a title yet. False for another. */
  titleChat(id: string, title: string): Promise<boolean>
  getDefaults(chatId: string): Promise<ChatDefaults>
  /** Sets what is there of `change`; nothing for a chat that does not exist. */
  putDefaults(chatId: string, change: Partial<ChatDefaults>): Promise<void>
  /** Of one member alone; nothing where the user is none. */
  pinChat(chatId: string, userId: string, pinned: boolean): Promise<void>
  /** Ids of the chats that a user has pinned. */
  pinnedChats(userId: string): Promise<string[]>
  /**
   * The last active first, those that expire left out; of one millisecond by id, downwards. The pages show the list as it was when the
   * first of them was read, each chat once, also one that is active meanwhile. Throws `bad_request` for a cursor that is none.
   */
  listChats(userId: string, page: ChatsPage): Promise<Paged<ListedChat>>
  /** This member has read a chat up to then (epoch ms), or further already, but not beyond its last activity. Returns up to when; null for one who is no member. */
  markRead(chatId: string, userId: string, at: number): Promise<number | null>
  /** Chats whose time is over by then (epoch ms), the oldest first. */
  expiredChats(now: number): Promise<ChatRow[]>
  /** The chat with every byte of it: messages, those that wait, documents, logs, members, invites, provider data, files, search index. */
  deleteChat(id: string): Promise<Deleted>
  /** Ids of a message and all that answers it, directly or not; empty for an unknown id. */
  descendants(messageId: string): Promise<string[]>
  /** A message with its descendants, every byte of them, and the files that no other message has. What waits for one of them answers the message before it. */
  deleteMessages(messageId: string): Promise<Deleted>
  /** Chats of a user in which a title or a message has all these words (or beginnings of words), best first. Throws `bad_request` for a cursor that is none. */
  searchChats(userId: string, query: string, page: Page): Promise<Paged<FoundChat>>

  memberRole(chatId: string, userId: string): Promise<Role | null>
  /** Owner first, then by time. */
  listMembers(chatId: string): Promise<MemberRow[]>
  /** Without an invite the one before stays. Throws `not_found` for a chat that does not exist. */
  putMember(chatId: string, member: MemberRow): Promise<void>
  /** False if there was none. */
  removeMember(chatId: string, userId: string): Promise<boolean>

  /**
   * Bytes are about to be written under this id: they go at the next start,
   * where there are other nodes after an hour, unless `putFile` comes. One that was put is no file any more. `upload`
   * counts until then for those that begin after it. Throws `too_large`, `rate_limited` where it cannot fit; `not_found` for its chat.
   */
  doomFile(id: string, upload?: Upload): Promise<void>
  /** Throws `not_found` for a chat that does not exist; `too_large`, `rate_limited` where it does not fit beside those that were put. */
  putFile(file: FileRow, quotas?: FileQuotas): Promise<void>
  getFile(id: string): Promise<FileRow | null>
  /** A file that an answer shows: it goes with the message. Throws `not_found` where one of the two is not there, or not of this chat. */
  attachFile(id: string, chatId: string, messageId: string): Promise<void>
  /** How many files a user has sent that no message has had yet. */
  unattachedFiles(userId: string): Promise<number>
  /** Deletes files sent before `before` (epoch ms) that no message has had. Returns their ids: their bytes are still to be removed. */
  dropUnattachedFiles(before: number): Promise<string[]>
  /** Files whose bytes are still to be removed: deleted, or never finished. */
  doomedFiles(): Promise<string[]>
  /** Their bytes are gone. */
  filesGone(ids: readonly string[]): Promise<void>

  /** Throws `not_found` for a chat that does not exist. */
  putInvite(invite: InviteRow): Promise<void>
  getInvite(id: string): Promise<InviteRow | null>
  findInvite(tokenHash: string): Promise<InviteRow | null>
  /** By time. */
  listInvites(chatId: string): Promise<InviteRow[]>
  /** False if there was none. */
  revokeInvite(chatId: string, id: string): Promise<boolean>

  /**
   * Also makes the assistant message's document with its lineage and epoch 1,
   * empty. Throws `idempotency_mismatch`; `not_found` for a chat or a file that does not exist, or where the message
   * that it follows (`parentId`) is not in the chat any more; `busy`.
   */
  startRun(run: NewRun): Promise<Claimed>
  /**
   * The message is `queued` again, for a new task; its JSON goes, since the log is the truth while it runs. Throws
   * `busy` for one that has not ended, or whose end its chat does not list; `not_found`, `idempotency_mismatch`.
   */
  continueRun(run: Continuation): Promise<Claimed>
  /** The first answer of a request whose key was claimed; null for a new one. Throws `idempotency_mismatch`. */
  findClaim(claim: Omit<Claim, 'response'>): Promise<{ response: Json } | null>
  getRow(id: string): Promise<MessageRow | null>
  /** With all that it holds: for those who need more than one of its contents. */
  getMessage(id: string): Promise<StoredMessage | null>
  /** What its newest run asks for. */
  getRequest(id: string): Promise<Json | null>
  /** Null while it runs, too. */
  getJson(id: string): Promise<Message | null>
  /** The message that this run writes, or wrote: where it was continued since, its `taskId` is another. */
  findTask(taskId: string): Promise<MessageRow | null>
  /** Where a chat is continued if nothing else is said. */
  newestMessage(chatId: string): Promise<MessageRow | null>
  /**
   * Oldest first, and in one millisecond a question before its answer; or the other way round, as `direction` says.
   * `cursors` lead on behind each. What is being written counts no bytes. Throws `bad_request` for a cursor that is none.
   */
  listMessages(chatId: string, page: Page, direction?: Direction): Promise<Paged<SaidMessage> & { cursors: string[] }>
  /** Ids from a message up towards the root, itself first, so many at the most; empty for an unknown id. A circle ends where it closes. */
  ancestors(messageId: string, limit: number): Promise<string[]>
  /** These messages in this order, up to that with which their JSON has more bytes than `maxBytes`; the first comes whatever its size. Those that are not there are left out. */
  getSaid(ids: readonly string[], maxBytes: number): Promise<SaidMessage[]>
  /** From the root to this message, by `parentId`; empty for an unknown id. */
  branch(messageId: string): Promise<SaidMessage[]>
  /** Messages whose status is not terminal: what a crash left, in order of creation. */
  unfinished(): Promise<MessageRow[]>
  /** Those that a user started. */
  unfinishedOf(userId: string): Promise<MessageRow[]>
  /** The run of an unfinished message is another process's from now on; false if it was not `from`'s any more. */
  takeOver(messageId: string, from: string, to: string): Promise<boolean>
  /** It waits for people now, and nothing of it goes on; or something does again. Lists show that; its status stays. Nothing where the run is over. */
  runWaits(run: RunEnd, waits: boolean): Promise<void>
  /** False if there is one of this key already, or the run is over. They go with the end of the run. */
  putOrder(order: Order): Promise<boolean>
  /** Of these runs, in the order in which they were given; without those that were `heard` already, of which nothing is read. */
  ordersOf(taskIds: readonly string[], heard?: readonly OrderKey[]): Promise<Order[]>

  /** Ends that nobody was told of yet, oldest first. */
  untoldEnds(): Promise<UntoldEnd[]>
  endTold(end: UntoldEnd): Promise<void>
  /** Terminal status, canonical JSON, state and provider data of a run in one transaction, which nobody else has ended; the update log of the document goes. It is among `unlistedEnds` from then on. */
  endRun(final: FinalMessage): Promise<EndResult>
  /** Ends that their chats' lists do not say yet. */
  unlistedEnds(): Promise<RunEnd[]>
  /** The list says it. False where the message is gone, or another run's. */
  endListed(end: RunEnd): Promise<boolean>

  /** One whose data is null goes. Nothing is kept for a message that is not there. */
  putProviderData(messageId: string, entries: readonly ProviderData[]): Promise<void>
  getProviderData(messageId: string): Promise<ProviderData[]>

  /**
   * A new epoch for a document that is taken up for writing: one higher than
   * any before, or the one that `releaseEpoch` gave back (it is taken, then).
   * Durable before it returns, also against a power cut: writing under an
   * epoch whose tail was lost is silent corruption. Throws `not_found`.
   */
  drawEpoch(doc: string): Promise<number>
  /** A writer that closed cleanly gives its epoch back, so that a long-lived document does not gain a client id with every opening. */
  releaseEpoch(doc: string, epoch: number): Promise<void>

  /** A random text, the same for ever and on every node: what users are called in documents is made with it. */
  aliasKey(): Promise<string>

  /** Throws `store_unavailable` if a write would fail now. */
  probe(): Promise<void>

  /** Drops claims older than `before` (epoch ms). */
  dropClaims(before: number): Promise<void>
  close(): Promise<void>
}
