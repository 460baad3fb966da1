import type { Message, MessageSnapshot, MessageStatus } from '../client/index.ts'

const statusNotes: Partial<Record<MessageStatus, string>> = {
  queued: 'Waits for its turn …',
  preparing: 'Is being prepared …',
  stopped: 'Stopped.',
  failed: 'This answer failed.',
  interrupted: 'This answer was interrupted.',
}

/** The line under an answer that says how it stands. `listed` is its status where only the chat is known. */
export function noteOf(snapshot: MessageSnapshot, listed: MessageStatus): string {
  if (snapshot.status === 'refused' || snapshot.status === 'diverged') return snapshot.error.message
  if (snapshot.status === 'lagging') return 'Catching up …'
  const { message } = snapshot
  if (!message) return statusNotes[listed] ?? ''
  const { status, output, error, finishReason, note } = message
  // An error that stands among the blocks is not said twice.
  if (error && !output.some(({ type }) => type === 'error')) return error.message
  if (status === 'waiting') return waitsFor(output)
  if (status === 'streaming' && output.length === 0) return 'Is thinking …'
  if (status === 'completed' && note !== undefined) return note
  if (status === 'completed' && finishReason === 'length') return 'The answer has reached its largest length.'
  if (status === 'completed' && finishReason === 'content_filter')
    return 'The provider’s content filter ended this answer.'
  return statusNotes[status] ?? ''
}

export function isFault({ status, message }: MessageSnapshot): boolean {
  return status === 'refused' || status === 'diverged' || message?.status === 'failed'
}

function waitsFor(output: Message['output']): string {
  const calls = output.filter((block) => block.type === 'tool_call')
  if (calls.some(({ status }) => status === 'awaiting_approval')) return 'Waits for approval.'
  return calls.some(({ status, executor }) => status === 'pending' && executor === 'client')
    ? 'Waits for a result.'
    : 'A tool runs …'
}
