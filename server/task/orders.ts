/** What is said to a run from other nodes, as it waits in the store. */
import { blockIsFinal, type Block, type By } from '../../shared/schema.ts'
import type { Order } from '../store/store.ts'
import { waitsOutside } from './awaited-calls.ts'
import type { CallAnswer, Run } from './run.ts'

export const stopKey = 'stop'

/** True: this run need not hear of it again. */
export function tellRun(run: Run, output: readonly Block[], order: Order): boolean {
  if (order.key === stopKey) {
    run.stop(stoppedBy(order))
    return true
  }
  // A model may give a later call the same id: an answer is of one block.
  const call = output.find((block) => block.id === order.key || outputKey(block) === order.key)
  if (call?.type !== 'tool_call') return false
  if (!waitsOutside(call) || (call.status === 'awaiting_approval') !== isDecision(order))
    return call.status === 'running' || blockIsFinal(call.status)
  // Its calls do not wait yet.
  if (!run.answerCall) return false
  const { callId, ...answer } = order.body as unknown as { callId: string } & CallAnswer
  try {
    run.answerCall(callId, answer as unknown as CallAnswer)
  } catch {
    // It has been applied before, or the call does not wait any more.
  }
  return true
}

/** Of what a client says to a call that waited for a decision before. */
export function outputKey({ id }: { id: string }): string {
  return `${id} output`
}

export function isDecision({ body }: Order): boolean {
  return typeof body === 'object' && body !== null && 'decision' in body
}

/** Orders of before this was said have none. */
export function stoppedBy({ body }: Order): By | undefined {
  return (body as { by?: By } | null)?.by
}
