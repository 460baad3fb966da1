/** How far a run is, and how it ended. */

export const runningStatuses = ['queued', 'preparing', 'streaming', 'waiting'] as const
export const terminalStatuses = ['completed', 'stopped', 'failed', 'interrupted'] as const
export type TerminalStatus = (typeof terminalStatuses)[number]
export type MessageStatus = (typeof runningStatuses)[number] | TerminalStatus

export function isTerminal(status: MessageStatus): status is TerminalStatus {
  return (terminalStatuses as readonly string[]).includes(status)
}

/** Why a message ended as it did; `message` is a sentence that a person can act on. */
export interface MessageError {
  code: string
  message: string
  retryable: boolean
  /** Of a model provider: what it called it. */
  upstream?: UpstreamError
}

/** A provider's own words for a failure, as far as it gave any. */
export interface UpstreamError {
  /** Of its HTTP answer. */
  status?: number
  code?: string | number
  type?: string
  param?: string
  /** It asked to wait for so long. */
  retryAfterMs?: number
}
