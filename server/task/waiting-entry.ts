/** What a message that waits has said, and how its chat lists it. */
import { wordsOf } from '../../shared/known-types.ts'
import {
  listedFilesBytes,
  listedRequestBytes,
  listedWaitingBytes,
  schemaVersion,
  type Block,
  type By,
  type JsonObject,
  type Message,
  type WaitingEntry,
} from '../../shared/schema.ts'
import type { WaitingMessage } from '../store/store.ts'
import { filesOf } from './attachments.ts'
import type { RunRequest } from './prompt.ts'
import { beginningOf } from './question-entry.ts'
import type { Started } from './started.ts'

export interface Said {
  by: By
  editedBy?: By
  /** Of its question. */
  output: Block[]
  request: RunRequest
  /** What of the request the caller has named. */
  asked: Asked
  /** Of its answer. */
  messageId: string
  taskId: string
}

export interface Asked {
  tools?: (string | JsonObject)[]
  params?: JsonObject
}

export function saidOf({ said }: WaitingMessage): Said {
  return said as unknown as Said
}

/** The ids that its question, its answer and its run will have, and how it is called until then. */
export function startedOf(message: WaitingMessage): Started & { waitingId: string } {
  const { id, chatId } = message
  const { taskId, messageId } = saidOf(message)
  return { chatId, taskId, messageId, userMessageId: id, waitingId: id }
}

/** The question that it becomes. */
export function questionOf(message: WaitingMessage, parentId: string | null, createdAt: number): Message {
  const { by, editedBy, output } = saidOf(message)
  return {
    id: message.id,
    chatId: message.chatId,
    parentId,
    role: 'user',
    status: 'completed',
    by,
    ...(editedBy && { editedBy }),
    createdAt,
    schema: schemaVersion,
    output,
  }
}

/** All of it, as HTTP tells it. */
export function wholeEntry(message: WaitingMessage): WaitingEntry {
  const { by, editedBy, request, asked, output } = saidOf(message)
  const files = filesOf({ output })
  return {
    id: message.id,
    by,
    ...(editedBy && { editedBy }),
    createdAt: message.createdAt,
    text: wordsOf(...output),
    ...(files.length > 0 && { files }),
    model: request.model,
    ...asked,
    ...(message.refused !== null && { refused: message.refused as WaitingEntry['refused'] & object }),
  }
}

/** As its chat lists it: a chat is loaded whole. */
export function waitingEntry(message: WaitingMessage): WaitingEntry {
  const { text: whole, files, tools, params, ...rest } = wholeEntry(message)
  const text = beginningOf(whole, listedWaitingBytes)
  const listsFiles = isWithin(files, listedFilesBytes)
  const listsRequest = isWithin([tools, params], listedRequestBytes)
  return {
    ...rest,
    text,
    ...(files && listsFiles && { files }),
    ...(tools && listsRequest && { tools }),
    ...(params && listsRequest && { params }),
    ...((text.length < whole.length || !listsFiles || !listsRequest) && { shortened: true }),
  }
}

function isWithin(value: unknown, bytes: number): boolean {
  return value === undefined || Buffer.byteLength(JSON.stringify(value)) <= bytes
}
