/** What a crash left: questions that their chat does not list, runs that had not begun, answers that nobody writes any more. */
import { RunnelError } from '../../shared/errors.ts'
import { blockIsFinal, isTerminal, type Json, type Message, type ToolCallBlock } from '../../shared/schema.ts'
import type { MessageRow, Store } from '../store/store.ts'
import { waitsOutside } from './awaited-calls.ts'
import type { ChatDocuments } from './chat-documents.ts'
import {
  endMessage,
  orUnpin,
  takeUpLeft,
  unlessGone,
  unlist,
  type Ending,
  type EndingOptions,
  type Taken,
} from './ending.ts'
import type { RunRequest } from './prompt.ts'
import { questionEntry } from './question-entry.ts'
import { messageError, type Run } from './run.ts'
import { savingBackOff } from '../waiting/patience.ts'
import { backOff, pause } from '../waiting/retry.ts'

/** A kill between the rows of a run and its chat's document left the chat without the question, and perhaps without its fields. */
export async function listQuestion(
  { store, chats }: { store: Store; chats: ChatDocuments },
  { chatId, parentId }: MessageRow,
): Promise<void> {
  const chat = await store.getChatRow(chatId)
  const question = chat && parentId !== null ? await store.getRow(parentId) : null
  const json = question?.role === 'user' ? await store.getJson(question.id) : null
  if (!chat || !json) return
  await unlessGone(
    chats.edit(chatId, (writer) => {
      writer.introduce(chat)
      writer.setMessages([[json.id, questionEntry(json)]])
    }),
  )
  await unlist({ store, chats }, chatId, [json.id])
}

/** What the run of a row asks for, if it can be carried out again. */
export type Asked = Omit<MessageRow, 'taskId'> & { taskId: string; request: RunRequest }

/** A run as it was left. */
export type Left = MessageRow & { request: Json | null }

/** The run had not begun when its process ended. */
export function wasQueued(row: Left, { status, taskId }: Partial<Message>): row is Left & Asked {
  // One that was to go on with a message may not have written a word.
  return isAsked(row) && (status === undefined || status === 'queued' || (isTerminal(status) && taskId !== row.taskId))
}

/** The run waited for people only. */
export function wasWaiting(row: Left, { status, output }: Message): row is Left & Asked {
  const calls = output.filter(
    (block) => block.type === 'tool_call' && block.executor !== 'provider' && !blockIsFinal(block.status),
  )
  return (
    isAsked(row) &&
    status === 'waiting' &&
    calls.length > 0 &&
    calls.every((call) => waitsOutside(call as ToolCallBlock))
  )
}

/** It ended as `interrupted`, and nobody has gone on with it by itself yet. */
export function wasBrokenOff({ request }: Left, { status }: Message): boolean {
  return status === 'interrupted' && request !== null && !(request as { recovered?: boolean }).recovered
}

function isAsked({ status, taskId, request }: Left): boolean {
  return status === 'queued' && taskId !== null && request !== null
}

/** Ends an answer that its run left. */
export async function interrupt(options: EndingOptions, row: MessageRow, taken: Taken): Promise<Ending> {
  const error = messageError(
    new RunnelError(
      'interrupted',
      'The server stopped while this answer was being written. What was shown is kept; it can be continued or made again.',
    ),
  )
  return await endMessage(options, row, taken, 'interrupted', { error })
}

/**
 * The log refused a run's last words, and its room was lost: what that has shown goes back into the log, and its end is
 * written, when the store takes writes again. Null if the message is gone or another run's, or the process ends before.
 */
export async function endLater(
  options: EndingOptions,
  { messageId, taskId, room: lost, writer }: Pick<Run, 'messageId' | 'taskId' | 'room' | 'writer'>,
  save: (ending: Ending) => Promise<Message | null>,
  closed: () => boolean,
): Promise<Message | null> {
  const error = messageError(
    new RunnelError('store_unavailable', 'The answer could not be stored any more. What was shown is kept.'),
  )
  for (let failures = 1; !closed(); failures += 1) {
    await pause(backOff(failures, savingBackOff))
    try {
      const row = await options.store.getRow(messageId)
      if (row?.taskId !== taskId || isTerminal(row.status) || (row.node !== null && row.node !== options.node))
        return null
      const taken = await takeUpLeft(options, row)
      const ending = await orUnpin(options.rooms, taken.room, async () => {
        await options.rooms.following.putBack(taken.room, taken.epoch, lost, writer.epoch)
        return await endMessage(options, row, taken, 'failed', { error })
      })
      return await save(ending)
    } catch (reason) {
      options.onError(reason, { messageId })
    }
  }
  return null
}
