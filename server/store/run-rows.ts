import { RunnelError } from '../../shared/errors.ts'
import { isTerminal } from '../../shared/schema.ts'
import type { MessageRow, NewRun } from './store.ts'

/** The message rows that a new run writes, in their order. */
export function runRows({ userMessage, assistant }: NewRun): MessageRow[] {
  const answer: MessageRow = { ...assistant, role: 'assistant', json: null }
  if (!userMessage) return [answer]
  const { id, chatId, parentId, createdAt, status } = userMessage
  const question: MessageRow = {
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

/** Only what has ended can be continued. Throws `busy`, `not_found`. */
export function refuseContinuation(row: MessageRow | null): void {
  if (!row) throw new RunnelError('not_found', 'There is no such message.')
  if (!isTerminal(row.status)) throw new RunnelError('busy', 'This answer is still being written.')
}

export function chatIsBusy(): RunnelError {
  return new RunnelError(
    'busy',
    'An answer is still being written in this chat. Wait for its end, stop it, or name a parentId.',
  )
}
