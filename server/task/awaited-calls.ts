/** Calls that wait for somebody outside of their run, and what may be said to them. */
import { RunnelError } from '../../shared/errors.ts'
import type { ToolCallBlock } from '../../shared/schema.ts'
import type { CallAnswer } from './run.ts'

/** A call that only a person or a client can move. */
export function waitsOutside({ status, executor }: ToolCallBlock): boolean {
  return executor !== 'provider' && (status === 'awaiting_approval' || (status === 'pending' && executor === 'client'))
}

/** A call that the provider asked about at the end of its answer: a decision makes the answer go on. */
export function waitsForProvider({ status, executor }: ToolCallBlock): boolean {
  return executor === 'provider' && status === 'awaiting_approval'
}

/** Throws `bad_request` for a decision where an output is awaited, and the other way round; `too_large`. */
export function refuseWrongAnswer({ status }: ToolCallBlock, answer: CallAnswer, maxOutputBytes: number): void {
  const decides = status === 'awaiting_approval'
  if (decides !== 'decision' in answer)
    throw new RunnelError('bad_request', `This call waits for ${decides ? 'a decision' : 'an output'}.`)
  if ('output' in answer && Buffer.byteLength(answer.output) > maxOutputBytes) {
    throw new RunnelError(
      'too_large',
      `The output is larger than ${maxOutputBytes} bytes (RUNNEL_MAX_TOOL_OUTPUT_BYTES); the call still waits.`,
    )
  }
}

export function alreadyAnswered(): RunnelError {
  return new RunnelError('already_answered', 'This call has been answered, or does not wait any more.')
}
