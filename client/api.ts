import * as random from 'lib0/random'
import type {
  ChatChange,
  ChatInfo,
  DocumentState,
  EditRequest,
  FileInfo,
  FoundChat,
  InviteInfo,
  ListedChat,
  ListedTask,
  MemberInfo,
  MessagesQuery,
  ModelInfo,
  NewMember,
  Page,
  PageQuery,
  RunRequest,
  SendRequest,
  Sent,
  SignInInfo,
  TaskInfo,
  ToolInfo,
  ToolServerInfo,
  WaitingChange,
} from './api-types.ts'
import type { By, Json, JsonObject, Message, ToolCallBlock, WaitingEntry } from '../shared/schema.ts'
import type { Role } from '../shared/protocol.ts'
import { Http, type ApiOptions, type CallOptions } from './http.ts'
import { callPath, chatPath, messagePath, waitingPath, withQuery } from './paths.ts'

export type * from './api-types.ts'

export interface SendOptions extends CallOptions {
  /** The same key for the same intent: a repeated call with it starts nothing twice. Default: a new one. */
  idempotencyKey?: string | undefined
}

export interface DecideOptions extends SendOptions {
  /** Told to the model. */
  reason?: string | undefined
  /** What the call runs with instead of what the model called it with; `bad_request` where they do not fit, and for a call that the provider runs. */
  arguments?: JsonObject | string | undefined
}

/** What `client.api` has. */
export type Api = Pick<HttpApi, keyof HttpApi>

/** The HTTP calls of Runnel. Each throws RunnelError with the server's code; a server that cannot be reached is `internal`. */
export class HttpApi {
  readonly #http: Http
  readonly #started: () => void

  constructor(options: ApiOptions) {
    this.#http = new Http(options)
    this.#started = options.started ?? (() => {})
  }

  /** `provisional`: the title stands until somebody gives another, or a model does. */
  createChat(
    chat: { title?: string; provisional?: boolean; system?: string } = {},
    options: SendOptions = {},
  ): Promise<ChatInfo> {
    return this.#start('/api/chats', chat, options)
  }

  /** The caller's chats, or those that they have pinned, the last active first. Each comes once, whatever happens while its pages are read. */
  listChats(query: PageQuery & { pinned?: true } = {}, options: CallOptions = {}): Promise<Page<ListedChat>> {
    return this.#http.call('GET', withQuery('/api/chats', query), options)
  }

  /** The caller's chats in which a title or a message has all these words, or beginnings of words; best first. */
  searchChats(words: string, query: PageQuery = {}, options: CallOptions = {}): Promise<Page<FoundChat>> {
    return this.#http.call('GET', withQuery('/api/chats', { query: words, ...query }), options)
  }

  /** The caller has read a chat: all of it, or up to then (epoch ms). Other devices hear it as the chat event `read`. */
  markRead(chatId: string, at?: number, options: CallOptions = {}): Promise<{ chatId: string; readAt: number | null }> {
    return this.#http.call('POST', chatPath(chatId, 'read'), options, at === undefined ? {} : { at })
  }

  getChat(chatId: string, options: CallOptions = {}): Promise<ChatInfo> {
    return this.#http.call('GET', chatPath(chatId), options)
  }

  /** Needs an editor; to pin takes any member. */
  changeChat(chatId: string, change: ChatChange, options: CallOptions = {}): Promise<ChatInfo> {
    return this.#http.call('PATCH', chatPath(chatId), options, change)
  }

  renameChat(chatId: string, title: string, options: CallOptions = {}): Promise<ChatInfo> {
    return this.#http.call('PATCH', chatPath(chatId), options, { title })
  }

  /** Deletes a chat with all its messages; its runs are stopped. */
  deleteChat(chatId: string, options: CallOptions = {}): Promise<void> {
    return this.#http.call('DELETE', chatPath(chatId), options)
  }

  /** Becomes a member by an invite. Needs an account; a role that is higher already stays. */
  redeemInvite(token: string, options: CallOptions = {}): Promise<{ chatId: string; role: Role }> {
    return this.#http.call('POST', '/api/invites/redeem', options, { token })
  }

  /** A link's token for one chat, in one role. `url` is a path on the server. */
  createInvite(
    chatId: string,
    invite: { role?: Exclude<Role, 'owner'>; expiresInSeconds?: number } = {},
    options: CallOptions = {},
  ): Promise<InviteInfo> {
    return this.#http.call('POST', chatPath(chatId, 'invites'), options, invite)
  }

  /** The invites of a chat, for its owner, with who became a member by them. */
  listInvites(
    chatId: string,
    query: PageQuery = {},
    options: CallOptions = {},
  ): Promise<Page<Omit<InviteInfo, 'token' | 'url'> & { usedBy?: { userId: string; name: string }[] }>> {
    return this.#http.call('GET', withQuery(chatPath(chatId, 'invites'), query), options)
  }

  /** Nobody enters by this invite any more; who became a member by it stays one. For the owner. */
  revokeInvite(chatId: string, inviteId: string, options: CallOptions = {}): Promise<void> {
    return this.#http.call('DELETE', chatPath(chatId, `invites/${encodeURIComponent(inviteId)}`), options)
  }

  /** Makes somebody a member, or changes their role. For the owner. */
  setMember(
    chatId: string,
    member: NewMember,
    options: CallOptions = {},
  ): Promise<Omit<MemberInfo, 'alias' | 'inviteId'>> {
    return this.#http.call('POST', chatPath(chatId, 'members'), options, member)
  }

  /** Removes a member, for the owner; or leaves the chat oneself. */
  removeMember(chatId: string, userId: string, options: CallOptions = {}): Promise<void> {
    return this.#http.call('DELETE', chatPath(chatId, `members/${encodeURIComponent(userId)}`), options)
  }

  /** The members of a chat, the owner first, and what its documents call the caller. */
  listMembers(
    chatId: string,
    query: PageQuery = {},
    options: CallOptions = {},
  ): Promise<Page<MemberInfo> & { you: By }> {
    return this.#http.call('GET', withQuery(chatPath(chatId, 'members'), query), options)
  }

  /** The history of a chat, canonical JSON, oldest first where the query says nothing else. */
  getMessages(chatId: string, query: MessagesQuery = {}, options: CallOptions = {}): Promise<Page<Message>> {
    return this.#http.call('GET', withQuery(chatPath(chatId, 'messages'), query), options)
  }

  /** Says something in a chat; answers before anything is prepared. `busy` while another run is live there, unless `whenBusy` says what is done then. */
  send(chatId: string, request: SendRequest, options: SendOptions = {}): Promise<Sent> {
    return this.#run(chatPath(chatId, 'messages'), request, options)
  }

  /** The messages that wait in a chat, whole, in the order in which they are sent. */
  listWaiting(chatId: string, query: PageQuery = {}, options: CallOptions = {}): Promise<Page<WaitingEntry>> {
    return this.#http.call('GET', withQuery(waitingPath(chatId), query), options)
  }

  /** Changes the words or the place of a message that waits. `not_found` where it was sent already, or removed. */
  changeWaiting(
    chatId: string,
    waitingId: string,
    change: WaitingChange,
    options: CallOptions = {},
  ): Promise<WaitingEntry> {
    return this.#http.call('PATCH', waitingPath(chatId, waitingId), options, change)
  }

  /** A message that waits is not to be sent. `not_found` as above. */
  removeWaiting(chatId: string, waitingId: string, options: CallOptions = {}): Promise<void> {
    return this.#http.call('DELETE', waitingPath(chatId, waitingId), options)
  }

  /** Sends a message that waits at once: the run that it waits for is stopped, what that has said stays. `not_found` as above. */
  sendWaiting(chatId: string, waitingId: string, options: CallOptions = {}): Promise<Sent> {
    return this.#http.call('POST', `${waitingPath(chatId, waitingId)}/send`, options, {})
  }

  /** Canonical JSON as of now, also mid-stream. */
  getMessage(messageId: string, options: CallOptions = {}): Promise<Message> {
    return this.#http.call('GET', messagePath(messageId), options)
  }

  /** A message as a page or as text. HTML is safe to show, also in a page of your own. */
  renderMessage(messageId: string, format: 'markdown' | 'html' | 'text', options: CallOptions = {}): Promise<Blob> {
    return this.#http.bytes(withQuery(messagePath(messageId), { format }), options)
  }

  /** Deletes a message with all that answers it; their runs are stopped. */
  deleteMessage(messageId: string, options: CallOptions = {}): Promise<void> {
    return this.#http.call('DELETE', messagePath(messageId), options)
  }

  /** Makes another answer to the same question, beside this one; a run of this one goes on. `bad_request` for a user message. */
  regenerate(messageId: string, request: RunRequest = {}, options: SendOptions = {}): Promise<Sent> {
    return this.#run(messagePath(messageId, 'regenerate'), request, options)
  }

  /** Goes on with an answer that has ended: the same message, a new run. `busy` while it runs. */
  continue(messageId: string, options: SendOptions = {}): Promise<Sent> {
    return this.#run(messagePath(messageId, 'continue'), {}, options)
  }

  /** Asks anew in place of a user message: a new branch, a user message beside it with its answer. The old one stays. */
  edit(messageId: string, request: EditRequest, options: SendOptions = {}): Promise<Sent> {
    return this.#run(messagePath(messageId), request, options, 'PATCH')
  }

  /** Lets a tool call that is `awaiting_approval` run, or not. `already_answered` where somebody was faster; `not_found` for a call that is not there. */
  decide(
    messageId: string,
    callId: string,
    decision: 'approve' | 'deny',
    { reason, arguments: args, ...options }: DecideOptions = {},
  ): Promise<ToolCallBlock> {
    const body = { decision, ...(reason !== undefined && { reason }), ...(args !== undefined && { arguments: args }) }
    return this.#start(callPath(messageId, callId), body, options)
  }

  /** Gives the result of a tool call that a client is to run. Errors as `decide`. */
  answerCall(messageId: string, callId: string, output: Json, options: SendOptions = {}): Promise<ToolCallBlock> {
    return this.#start(callPath(messageId, callId), { output }, options)
  }

  /**
   * Uploads a file to a chat; a message has it when its id stands in `files` of a request. `name`: where `file` has none, or another
   * one is wanted. `onProgress` hears how much has left, from 0 to 1: its start and its end, and what the `fetch` of this client tells in
   * between, as the browser's own does.
   */
  async uploadFile(
    chatId: string,
    file: Blob,
    { name, onProgress, ...options }: CallOptions & { name?: string; onProgress?: (sent: number) => void } = {},
  ): Promise<FileInfo> {
    const form = new FormData()
    // The server reads it in this order.
    form.append('chatId', chatId)
    if (name === undefined) form.append('file', file)
    else form.append('file', file, name)
    onProgress?.(0)
    const uploaded = await this.#http.call<FileInfo>('POST', '/api/files', options, form, {}, onProgress)
    onProgress?.(1)
    return uploaded
  }

  /** The bytes of a file. */
  getFile(fileId: string, options: CallOptions = {}): Promise<Blob> {
    return this.#http.bytes(`/api/files/${encodeURIComponent(fileId)}`, options)
  }

  /** Stops a message's run. With `taskId`, that run only: `not_current` where a newer one exists. Idempotent. */
  stop(messageId: string, taskId?: string, options: CallOptions = {}): Promise<TaskInfo> {
    return this.#http.call('POST', messagePath(messageId, 'stop'), options, taskId === undefined ? {} : { taskId })
  }

  stopTask(taskId: string, options: CallOptions = {}): Promise<TaskInfo> {
    return this.#http.call('POST', `/api/tasks/${encodeURIComponent(taskId)}/stop`, options, {})
  }

  /** The caller's live runs, in all chats. */
  listTasks(options: CallOptions & PageQuery = {}): Promise<Page<ListedTask>> {
    const { limit, cursor, ...rest } = options
    return this.#http.call('GET', withQuery('/api/tasks', { limit, cursor }), rest)
  }

  /** What models may call on this server. */
  listTools(options: CallOptions = {}): Promise<{ servers: ToolServerInfo[]; tools: ToolInfo[] }> {
    return this.#http.call('GET', '/api/tools', options)
  }

  /** Whether people must sign in, and where; nobody has to be signed in for that. */
  getSignIn(options: CallOptions = {}): Promise<SignInInfo> {
    return this.#http.call('GET', '/api/sign-in', options)
  }

  /** The models that the caller may ask. */
  listModels(query: PageQuery = {}, options: CallOptions = {}): Promise<Page<ModelInfo>> {
    return this.#http.call('GET', withQuery('/api/models', query), options)
  }

  /** The document of an answer, for a first paint: what follows on the socket goes on from its state vector. `not_found` for a question. */
  getMessageState(messageId: string, options: CallOptions = {}): Promise<DocumentState> {
    return this.#state(messagePath(messageId, 'state'), options)
  }

  /** The document of a chat. */
  getChatState(chatId: string, options: CallOptions = {}): Promise<DocumentState> {
    return this.#state(chatPath(chatId, 'state'), options)
  }

  /** A chat as a file: all of it, or the branch that ends with `leaf`. */
  exportChat(
    chatId: string,
    query: { format?: 'markdown' | 'json' | 'html'; leaf?: string } = {},
    options: CallOptions = {},
  ): Promise<Blob> {
    return this.#http.bytes(withQuery(chatPath(chatId, 'export'), query), options)
  }

  async #state(path: string, options: CallOptions): Promise<DocumentState> {
    const { body, headers } = await this.#http.answer(path, options)
    return { lineage: headers.get('x-runnel-lineage') ?? '', update: new Uint8Array(await body.arrayBuffer()) }
  }

  async #run(path: string, body: object, options: SendOptions, method?: string): Promise<Sent> {
    const sent = await this.#start<Sent>(path, body, options, method)
    this.#started()
    return sent
  }

  #start<Answer>(
    path: string,
    body: object,
    { idempotencyKey = random.uuidv4(), signal }: SendOptions,
    method = 'POST',
  ): Promise<Answer> {
    return this.#http.call(method, path, { signal }, body, { 'idempotency-key': idempotencyKey })
  }
}
