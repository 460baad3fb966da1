import { RunnelError } from '../../shared/errors.ts'
import { cleanJson, schemaVersion, type Block, type ChatEntry, type Json, type Message } from '../../shared/schema.ts'
import type { User } from '../auth/auth.ts'
import type { Authors } from '../auth/authors.ts'
import type { ProviderDecision } from '../provider/events.ts'
import { newLineage } from '../room/rooms.ts'
import type {
  ChatRow,
  Claim,
  Continuation,
  FileRow,
  MessageRow,
  NewRun,
  Store,
  WaitingMessage,
} from '../store/store.ts'
import { fileBlock } from './attachments.ts'
import { newId } from './ids.ts'
import { askedAnew, type RunRequest } from './prompt.ts'
import { questionEntry } from './question-entry.ts'
import type { Started } from './started.ts'
import { questionOf, saidOf, startedOf } from './waiting-entry.ts'

export type { Started }

export interface Question {
  content: string
  files?: readonly FileRow[]
}

export interface StartOptions {
  user: User
  chat: ChatRow
  /** What is asked; null: a question that is there, `parentId`, is answered anew. */
  question: Question | null
  /** The message that this one follows; undefined: the newest of the chat. */
  parentId: string | null | undefined
  request: RunRequest
  claim: Omit<Claim, 'response'> | undefined
}

/** What new runs are written with. */
export interface StartTools {
  store: Store
  node: string
  authors: Authors
}

/** A run as it stands in the store, before anything is prepared. */
export interface NewRows {
  started: Started
  request: RunRequest
  row: NewRun['assistant']
  lineage: string
  /** For the chat's list. */
  entries: [id: string, fields: ChatEntry][]
}

/** Writes the question and the answer-to-be; or gives the answer of the first request with this key. Throws `busy`, `idempotency_mismatch`, `not_found`, `store_unavailable`. */
export async function writeNewRun(
  { store, node, authors, filesUrl }: StartTools & { filesUrl: string },
  { user, chat, question, parentId, request: asked, claim }: StartOptions,
  createdAt: number,
): Promise<NewRows | { repeated: Started }> {
  const by = await authors.by(chat.id, user)
  const parent = parentId === undefined ? ((await store.newestMessage(chat.id))?.id ?? null) : parentId
  const userMessageId = question ? newId('msg') : parent
  if (userMessageId === null) throw new RunnelError('bad_request', 'There is no question to answer.')
  const started: Started = { chatId: chat.id, taskId: newId('task'), messageId: newId('msg'), userMessageId }
  const request: RunRequest = { ...asked, by, ...(!question && { anew: true }) }
  const userMessage: Message | null = question && {
    id: userMessageId,
    chatId: chat.id,
    parentId: parent,
    role: 'user',
    status: 'completed',
    by,
    createdAt,
    schema: schemaVersion,
    output: questionBlocks(question, filesUrl),
  }
  const rows = newRows({ started, userMessage, request, userId: user.id, node, createdAt })
  const written = await store.startRun({
    userMessage,
    assistant: rows.row,
    lineage: rows.lineage,
    files: (question?.files ?? []).map(({ id }) => id),
    exclusive: parentId === undefined,
    ...(claim && { claim: { ...claim, response: started } }),
  })
  return written.repeated ? { repeated: written.response as Started } : rows
}

/** What a question says: its words, then its files. */
export function questionBlocks({ content, files = [] }: Question, filesUrl: string): Block[] {
  return [
    { id: 'b0', type: 'text', status: 'completed', text: content.toWellFormed(), annotations: [] },
    ...files.map((file, index) => fileBlock(file, index + 1, filesUrl)),
  ]
}

/** A message that waits, as question and answer-to-be behind `parentId`. */
export function takenRows(
  message: WaitingMessage,
  parentId: string | null,
  { node, createdAt }: { node: string; createdAt: number },
): NewRows & { userMessage: Message } {
  const { waitingId: _, ...started } = startedOf(message)
  const { request } = saidOf(message)
  const userMessage = questionOf(message, parentId, createdAt)
  return { ...newRows({ started, userMessage, request, userId: message.userId, node, createdAt }), userMessage }
}

function newRows({
  started,
  userMessage,
  request,
  userId,
  node,
  createdAt,
}: {
  started: Started
  userMessage: Message | null
  request: RunRequest
  userId: string
  node: string
  createdAt: number
}): NewRows {
  const { chatId, taskId, messageId, userMessageId } = started
  const answer: ChatEntry = {
    role: 'assistant',
    parentId: userMessageId,
    createdAt,
    status: 'queued',
    ...(request.anew && request.by && { by: request.by }),
    model: request.model,
  }
  return {
    started,
    request,
    row: {
      id: messageId,
      chatId,
      parentId: userMessageId,
      createdAt,
      taskId,
      userId,
      node,
      status: 'queued',
      request: cleanJson(request) as unknown as Json,
    },
    lineage: newLineage(),
    entries: [
      ...(userMessage ? [[userMessage.id, questionEntry(userMessage)] as [string, ChatEntry]] : []),
      [messageId, answer],
    ],
  }
}

export interface ContinueOptions {
  user: User
  message: MessageRow
  /** Of the HTTP request that asked for it; without one it stays that of the run before. */
  requestId?: string
  /** The model by which this user may go on, from that of the run before. Absent: the same. Throws `bad_request`, `forbidden`. */
  choose?: (model: string) => Promise<Pick<RunRequest, 'model' | 'fallback'>>
  /** The answer to what the provider asked at its end. */
  decision?: ProviderDecision
  claim: Omit<Claim, 'response'> | undefined
}

/** A new run of a message that had ended. Throws `busy`, `idempotency_mismatch`, `store_unavailable`. */
export async function writeContinuation(
  { store, node, authors }: StartTools,
  { user, message, claim, decision, requestId, choose }: ContinueOptions,
  at: number,
): Promise<{ started: Started; request: RunRequest } | { repeated: Started }> {
  // One that is gone asks for nothing: `continueRun` refuses it.
  const before = ((await store.getRequest(message.id)) ?? {}) as unknown as RunRequest
  const { model, fallback } = before
  const chosen = model !== undefined && choose ? await choose(model) : fallback && { fallback }
  const request: RunRequest = {
    ...askedAnew(before),
    ...chosen,
    by: await authors.by(message.chatId, user),
    continues: true,
    ...(decision && { decision }),
    ...(requestId !== undefined && { requestId }),
  }
  const taskId = newId('task')
  const started: Started = {
    chatId: message.chatId,
    taskId,
    messageId: message.id,
    userMessageId: message.parentId ?? '',
  }
  const written = await store.continueRun({
    messageId: message.id,
    taskId,
    userId: user.id,
    node,
    request: request as unknown as Json,
    at,
    ...(claim && { claim: { ...claim, response: started } }),
  })
  return written.repeated ? { repeated: written.response as Started } : { started, request }
}

/** Of a run whose node was lost: the one that goes on by itself, once. */
export function recoveringRun(
  { id, userId, request }: Pick<MessageRow, 'id' | 'userId'> & { request: Json | null },
  node: string,
): Continuation {
  const before = request as unknown as RunRequest
  const { fallback } = before
  const next: RunRequest = { ...askedAnew(before), ...(fallback && { fallback }), continues: true, recovered: true }
  return { messageId: id, taskId: newId('task'), userId, node, request: next as unknown as Json }
}
