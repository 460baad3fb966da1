/** What a crash left: questions that their chat does not list, runs that had not begun, answers that nobody writes any more. */
import { RunnelError } from '../../shared/errors.ts'
import { blockIsFinal, isTerminal, readMessage, type Message, type ToolCallBlock } from '../../shared/schema.ts'
import type { Room } from '../room/room.ts'
import type { Rooms } from '../room/rooms.ts'
import type { MessageRow, Store } from '../store/store.ts'
import { listedFiles } from './attachments.ts'
import { waitsOutside } from './calls.ts'
import type { ChatDocuments } from './chat-documents.ts'
import { endMessage, type Ending, type Places } from './ending.ts'
import { joinedText, type RunRequest } from './prompt.ts'
import { messageError } from './run.ts'

/** A kill between the rows of a run and its chat's document left the chat without the question, and perhaps without its fields. */
export async function listQuestion({ store, chats }: { store: Store; chats: ChatDocuments }, { chatId, parentId }: MessageRow): Promise<void> {
  const chat = await store.getChat(chatId)
  const question = parentId === null ? null : await store.getMessage(parentId)
  if (!chat || question?.role !== 'user' || !question.json) return
  const { id, createdAt, json } = question
  await chats.edit(chatId, writer => {
    writer.setChat({ id: chat.id, title: chat.title, createdAt: chat.createdAt })
    writer.setMessages([[id, { role: 'user', parentId: question.parentId, createdAt, status: 'completed', text: joinedText(json.output, 'text'), ...listedFiles(json) }]])
  })
}

interface Opened extends Omit<MessageRow, 'request' | 'taskId'> {
  taskId: string
  room: Room
  request: RunRequest
}

/** The room of a run that had not begun, pinned, with what it asks for; null for any other. */
export async function openQueued(rooms: Rooms, row: MessageRow): Promise<Opened | null> {
  return await openIf(rooms, row, ({ status, taskId }: Partial<Message>) =>
    // One that was to go on with a message may not have written a word.
    status === undefined || status === 'queued' || (isTerminal(status) && taskId !== row.taskId))
}

/** The room of a run that waited for people only, pinned; null for any other. */
export async function openWaiting(rooms: Rooms, row: MessageRow): Promise<Opened | null> {
  return await openIf(rooms, row, ({ status, output }) => {
    const calls = output.filter(block => block.type === 'tool_call' && block.executor !== 'provider' && !blockIsFinal(block.status))
    return status === 'waiting' && calls.length > 0 && calls.every(call => waitsOutside(call as ToolCallBlock))
  })
}

async function openIf(rooms: Rooms, row: MessageRow, match: (message: Message) => boolean): Promise<Opened | null> {
  const { taskId, request } = row
  if (row.status !== 'queued' || taskId === null || request === null) return null
  const room = await rooms.open(row.id)
  if (!room) return null
  if (match(readMessage(room.doc))) return { ...row, taskId, room, request: request as unknown as RunRequest }
  rooms.unpin(room)
  return null
}

/** Ends an answer that its run left. */
export async function interrupt(places: Places, row: MessageRow): Promise<Ending> {
  const error = messageError(new RunnelError('interrupted', 'The server stopped while this answer was being written. What was shown is kept; it can be continued or made again.'))
  return await endMessage(places, row, 'interrupted', error)
}

/**
 * The log refused a run's last words: its end is written when the store takes
 * writes again. Null if the message is gone, or the process ends before.
 */
export async function endLater(places: Places, messageId: string, save: (ending: Ending) => Promise<Message | null>, closed: () => boolean): Promise<Message | null> {
  const error = messageError(new RunnelError('store_unavailable', 'The answer could not be stored any more. What was shown is kept.'))
  for (let waitMs = 250; !closed(); waitMs = Math.min(waitMs * 2, 5_000)) {
    await new Promise(resolve => setTimeout(resolve, waitMs).unref())
    try {
      const row = await places.store.getMessage(messageId)
      if (!row || (row.node !== null && row.node !== places.node)) return null
      return await save(await endMessage(places, row, 'failed', error))
    } catch (reason) {
      places.onError(reason, { messageId })
    }
  }
  return null
}
