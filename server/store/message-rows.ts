import type { Json, Message, MessageStatus } from '../../shared/schema.ts'

/**
 * What is known of a message without its contents: those may be large, and who
 * looks for runs, for ends or for rights goes through many. It costs the same
 * whatever the message says and its run asks for.
 */
export interface MessageRow {
  id: string
  chatId: string
  parentId: string | null
  role: 'user' | 'assistant'
  createdAt: number
  /** Run of an assistant message; null for user messages. */
  taskId: string | null
  /** User who started the run, or wrote the message. */
  userId: string
  status: MessageStatus
  /** The process that runs it, or ran it last; null for user messages. */
  node: string | null
}

export interface SaidMessage extends MessageRow {
  /** Canonical JSON: of a user message always, of an assistant message once it has ended. While it runs the log is the truth. */
  json: Message | null
}

export interface StoredMessage extends SaidMessage {
  /** What the run asks for beside the branch, so that a queued one survives a restart; null for user messages. */
  request: Json | null
}
