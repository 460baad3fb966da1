/**
 * The documents: which keys a message and a chat have, their types, and how
 * they are read. Only this file and the two of blocks (`blocks.ts`: their
 * fields; `block-types.ts`: what is true of each type) know the keys;
 * `document/` writes through `createBlock`, everybody reads canonical JSON.
 */
import type * as Y from 'yjs'
import type { Block } from './blocks.ts'
import type { By } from './by.ts'
import type { JsonObject } from './json.ts'
import type { MessageError, MessageStatus } from './status.ts'

export type * from './blocks.ts'
export type * from './by.ts'
export type * from './json.ts'
export * from './status.ts'
export { blockIsFinal, type NewBlock } from './block-types.ts'
export { isGrowingField, type GrowingField } from './growing.ts'
export { createBlock, growingParts } from './known-types.ts'

export const schemaVersion = 1

/** Token counts of a run, summed over its requests to the provider. */
export interface Usage {
  inputTokens: number
  outputTokens: number
  totalTokens: number
  reasoningTokens?: number
  cachedTokens?: number
}

/** Two counts as one; undefined for none of both. */
export function addUsage(a: Usage | undefined, b: Usage | undefined): Usage | undefined {
  if (!a || !b) return a ?? b
  const sum = (x: number | undefined, y: number | undefined) =>
    x === undefined && y === undefined ? undefined : (x ?? 0) + (y ?? 0)
  const reasoningTokens = sum(a.reasoningTokens, b.reasoningTokens)
  const cachedTokens = sum(a.cachedTokens, b.cachedTokens)
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    totalTokens: a.totalTokens + b.totalTokens,
    ...(reasoningTokens !== undefined && { reasoningTokens }),
    ...(cachedTokens !== undefined && { cachedTokens }),
  }
}

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'unknown'

/** The fields of a message beside its blocks. Times are epoch milliseconds. */
export interface MessageFields {
  id: string
  chatId: string
  parentId: string | null
  role: 'user' | 'assistant'
  /** Who asked; of an answer who asked for its newest run. */
  by?: By
  /** Who changed the words of a question while it waited, where that was somebody else. */
  editedBy?: By
  /** Who stopped it. */
  stoppedBy?: By
  model?: string
  taskId?: string
  status: MessageStatus
  createdAt: number
  startedAt?: number
  firstTokenAt?: number
  endedAt?: number
  finishReason?: FinishReason
  /** What people should know of how it ended, a sentence: that it is empty, or a reason that nobody here knows. */
  note?: string
  usage?: Usage
  error?: MessageError
  schema: number
}

/** Fields that a message may lack. */
export const optionalMessageFields = [
  'by',
  'stoppedBy',
  'model',
  'taskId',
  'startedAt',
  'firstTokenAt',
  'endedAt',
  'finishReason',
  'note',
  'usage',
  'error',
] as const

/** The canonical JSON of a message: HTTP returns it, filters read it, the store keeps it. */
export interface Message extends MessageFields {
  output: Block[]
}

export function messageMap(doc: Y.Doc): Y.Map<unknown> {
  return doc.getMap('message')
}

export function outputArray(doc: Y.Doc): Y.Array<Y.Map<unknown>> {
  return doc.getArray('output')
}

export function readBlock(map: Y.Map<unknown>): Block {
  return map.toJSON() as Block
}

export function readMessageFields(doc: Y.Doc): MessageFields {
  return messageMap(doc).toJSON() as MessageFields
}

/** The canonical JSON of a message document. */
export function readMessage(doc: Y.Doc): Message {
  return { ...readMessageFields(doc), output: outputArray(doc).toJSON() as Block[] }
}

/** So many bytes of a question, in UTF-8, stand in its chat's list; and so many of its files, as JSON. */
export const listedTextBytes = 120
export const listedFilesBytes = 300

/**
 * A message as its chat lists it. `text` and `files` are there for user
 * messages, as far as they are short: a chat is loaded whole. `shortened`: the
 * message itself, over HTTP, has more text, or the files. An answer has `by`
 * where somebody asked for it anew: else it is its question's.
 */
export interface ChatEntry {
  role: 'user' | 'assistant'
  parentId: string | null
  createdAt: number
  status: MessageStatus
  by?: By
  editedBy?: By
  stoppedBy?: By
  /** The newest run, where it is not the first. */
  taskId?: string
  model?: string
  text?: string
  files?: JsonObject[]
  shortened?: true
}

/** So many bytes of the text of a message that waits stand in its chat's list, and so many of its tools and parameters, as JSON. */
export const listedWaitingBytes = 1_000
export const listedRequestBytes = 500

/**
 * A message that waits until the answer before it has ended, as its chat lists it. `shortened`: not all of its text, its
 * files, its tools or its parameters is here; HTTP has it.
 */
export interface WaitingEntry {
  /** Of the question that it becomes. */
  id: string
  by: By
  /** Who has changed its words, where that was somebody else. */
  editedBy?: By
  createdAt: number
  text: string
  files?: JsonObject[]
  model: string
  tools?: (string | JsonObject)[]
  params?: JsonObject
  shortened?: true
  /** Why it is not sent: it stays until somebody sends it again, or removes it. */
  refused?: { code: string; message: string }
}

export interface ChatFields {
  id: string
  title: string
  createdAt: number
  /** Messages that wait, in the order in which they are taken; absent where none does. */
  waiting?: WaitingEntry[]
}

/** The canonical JSON of a chat document. */
export interface Chat {
  chat: ChatFields
  messages: Record<string, ChatEntry>
}

export function chatMap(doc: Y.Doc): Y.Map<unknown> {
  return doc.getMap('chat')
}

export function chatMessages(doc: Y.Doc): Y.Map<Y.Map<unknown>> {
  return doc.getMap('messages')
}

/** How many messages a chat has ever listed: the key of one that was deleted stays in the document. */
export function everListed(doc: Y.Doc): number {
  return chatMessages(doc)._map.size
}

export function readChat(doc: Y.Doc): Chat {
  return {
    chat: chatMap(doc).toJSON() as ChatFields,
    messages: chatMessages(doc).toJSON() as Record<string, ChatEntry>,
  }
}

export type DocumentKind = 'message' | 'chat'

/** What an id names, by its prefix; null for anything that is no document's id. */
export function documentKind(id: string): DocumentKind | null {
  const match = /^(msg|chat)_[A-Za-z0-9_-]{8,64}$/.exec(id)
  if (!match) return null
  return match[1] === 'msg' ? 'message' : 'chat'
}

/** The canonical JSON of either document, by its id. */
export function readDocument(id: string, doc: Y.Doc): Message | Chat {
  return documentKind(id) === 'chat' ? readChat(doc) : readMessage(doc)
}

/** A value as JSON carries it, every string well-formed: what may be written into a document. */
export function cleanJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value), (_key, item: unknown) =>
    typeof item === 'string' ? item.toWellFormed() : item,
  ) as T
}
