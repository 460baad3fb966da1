import { RunnelError } from '../../shared/errors.ts'
import { isTerminal } from '../../shared/schema.ts'
import type { EndResult, MessageRow, NewRun, StoredMessage } from './store.ts'

/** The message rows that a new run writes, in their order. */
export function runRows({ userMessage, assistant }: NewRun): StoredMessage[] {
  const answer: StoredMessage = { ...assistant, role: 'assistant', json: null }
  if (!userMessage) return [answer]
  const { id, chatId, parentId, createdAt, status } = userMessage
  const question: StoredMessage = {
    id,
    chatId,
    parentId,
    role: 'user',
    createdAt,
    taskId: null,
    userId: assistant.userId,
    node: null,
    status,
    request: null,
    json: userMessage,
  }
  return [question, answer]
}

/** Only what has ended can be continued, when its chat lists that: the list is told of one run at a time. Throws `busy`, `not_found`. */
export function refuseContinuation(row: Pick<MessageRow, 'status'> | null, isUnlisted: boolean): void {
  if (!row) throw unknownMessage()
  if (isUnlisted || !isTerminal(row.status)) throw new RunnelError('busy', 'This answer is still being written.')
}

/** What the end of a run finds; null where it is to be written. */
export function judgeEnd(
  row: Pick<MessageRow, 'taskId' | 'status'> | null,
  taskId: string,
  isNewest: boolean,
): Exclude<EndResult, 'ended'> | null {
  if (!row) return 'gone'
  if (row.taskId !== taskId) return 'not current'
  if (isTerminal(row.status)) return 'ended before'
  return isNewest ? null : 'not current'
}

export function chatIsBusy(): RunnelError {
  return new RunnelError(
    'busy',
    'An answer is still being written in this chat, or messages wait for theirs. Wait for its end, stop it, name a parentId, or let yours wait, too (whenBusy).',
  )
}

/** The message that a new run follows; null where it begins a branch. */
export function parentOf({ userMessage, assistant }: NewRun): string | null {
  const { parentId } = userMessage ?? assistant
  return parentId === assistant.id ? null : parentId
}

/** It was deleted a moment ago: what follows it would be in no branch. */
export function unknownParent(): RunnelError {
  return new RunnelError('not_found', 'parentId: there is no such message in this chat.')
}

/** It was deleted while its run was making the file. */
export function unknownMessage(): RunnelError {
  return new RunnelError('not_found', 'There is no such message.')
}
