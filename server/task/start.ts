import { cleanJson, schemaVersion, type Json, type Message } from '../../shared/schema.ts'
import type { User } from '../auth/auth.ts'
import { newLineage } from '../room/rooms.ts'
import type { ChatRow, Claim, FileRow, NewRun } from '../store/store.ts'
import { fileBlock } from './attachments.ts'
import { newId } from './ids.ts'
import type { RunRequest } from './prompt.ts'

export interface StartOptions {
  user: User
  chat: ChatRow
  content: string
  /** Attached, in this order. */
  files?: readonly FileRow[]
  /** The message that this one follows; undefined: the newest of the chat. */
  parentId: string | null | undefined
  request: RunRequest
  claim: Omit<Claim, 'response'> | undefined
}

/** The ids to follow and to stop: what a `POST …/messages` answers. */
export type Started = {
  chatId: string
  taskId: string
  messageId: string
  userMessageId: string
}

/** The question and the answer-to-be, as they are written before anything is prepared. */
export function newRows({ user, chat, content, files = [], request }: StartOptions, createdAt: number, parentId: string | null) {
  const started: Started = { chatId: chat.id, taskId: newId('task'), messageId: newId('msg'), userMessageId: newId('msg') }
  const userMessage: Message = {
    id: started.userMessageId, chatId: chat.id, parentId, role: 'user', status: 'completed', createdAt, schema: schemaVersion,
    output: [{ id: 'b0', type: 'text', status: 'completed', text: content.toWellFormed(), annotations: [] }, ...files.map((file, index) => fileBlock(file, index + 1))],
  }
  const row: NewRun['assistant'] = {
    id: started.messageId, chatId: chat.id, parentId: started.userMessageId, createdAt, taskId: started.taskId,
    userId: user.id, status: 'queued', request: cleanJson(request) as unknown as Json,
  }
  return { started, userMessage, row, lineage: newLineage() }
}
