import type { Json, Message } from '../../shared/schema.ts'
import type { StoredMessage } from './message-rows.ts'

/** Claim of an `Idempotency-Key`: scope is user + route, for 24 h. */
export interface Claim {
  userId: string
  route: string
  key: string
  /** Hash of the request body: another body with the same key is refused. */
  bodyHash: string
  /** What the first request answers, and every repetition. */
  response: Json
  createdAt: number
}

/** `repeated`: the key was claimed before by the same request; nothing was written, `response` is the first answer. */
export type Claimed = { repeated: false } | { repeated: true; response: Json }

/** What one `POST …/messages` writes, in one transaction. */
export interface NewRun {
  /** A finished user message; null where the run answers one that exists. */
  userMessage: Message | null
  assistant: Omit<StoredMessage, 'role' | 'json' | 'taskId'> & { taskId: string }
  /** Ids of files that the user message has. */
  files?: readonly string[]
  /** Random; changes only when the document is rebuilt under new ids. */
  lineage: string
  claim?: Claim
  /** Refused as `busy` while another answer of the chat is being written, or messages wait in it. */
  exclusive?: boolean
}
