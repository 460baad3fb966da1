/** How a message ended for who asked for it, whatever words that is told in. */
import type { Block, Message, ToolCallBlock, UpstreamError } from '../../../shared/schema.ts'

export interface Failure {
  code: string
  message: string
  details?: unknown
  upstream?: UpstreamError
}

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter'

export type Outcome = { finishReason: FinishReason } | { failure: Failure }

/** Somebody pressed Stop: a client that tries again by itself would start what was stopped. */
const stoppedFailure: Failure = { code: 'stopped', message: 'The answer was stopped before its end.' }

export function outcomeOf({ status, finishReason, error, output }: Message): Outcome {
  if (status === 'stopped') return { failure: stoppedFailure }
  if (finishReason === 'content_filter') return { finishReason }
  if (status !== 'completed') return { failure: error ?? { code: 'internal', message: 'The answer failed.' } }
  if (finishReason !== undefined && finishReason !== 'unknown') return { finishReason }
  return { finishReason: output.some(isHandedBack) ? 'tool_calls' : 'stop' }
}

/** A call that the caller is to run; those that the provider ran itself are its own affair. */
export function isHandedBack(block: Block): block is ToolCallBlock {
  return block.type === 'tool_call' && block.executor === 'client'
}
