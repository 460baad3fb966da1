import { isTerminal, type Block, type Message, type ToolCallBlock } from '../../shared/schema.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { MessageRow } from '../store/store.ts'
import { alreadyAnswered, refuseWrongAnswer, waitsForProvider, waitsOutside } from './awaited-calls.ts'
import { noSuchCall } from './call.ts'
import type { MessageReader } from './message-reader.ts'
import { found, type Nodes } from './nodes.ts'
import type { RunStarter } from './run-starter.ts'
import type { CallAnswer } from './run.ts'
import type { Running } from './running.ts'
import type { ContinueOptions } from './start.ts'

export interface CallAnswersOptions {
  cluster: Cluster
  messages: MessageReader
  maxToolOutputBytes: number
  running: Running
  nodes: Nodes
  starter: RunStarter
}

/** Who answers a call, and by which model an answer may go on behind it. */
export type AnsweredBy = Pick<ContinueOptions, 'user' | 'requestId' | 'choose'>

/** What people and clients say to calls, wherever their run is. */
export class CallAnswers {
  readonly #options: CallAnswersOptions

  constructor(options: CallAnswersOptions) {
    this.#options = options
  }

  /**
   * What a person or a client says to a call that waits: the first answer wins.
   * Returns the call's block once that is in the log. Throws `not_found`,
   * `already_answered`, `bad_request`, `too_large`, `restarting`, `store_unavailable`.
   */
  async give(row: MessageRow, callId: string, answer: CallAnswer, by: AnsweredBy): Promise<Block> {
    const { cluster, messages, maxToolOutputBytes, nodes, running } = this.#options
    running.refuseWhenClosed()
    const run = running.live.ofMessage(row.id)
    const message = run?.read() ?? (await messages.read(row))
    const calls = message.output.filter(
      (block) => block.type === 'tool_call' && block.callId === callId,
    ) as ToolCallBlock[]
    const asked = calls.findLast(waitsForProvider)
    if (asked) return await this.#decide(row, asked, answer, by)
    const call = calls.findLast(waitsOutside)
    if (!call || (run ? !run.answerCall : isTerminal(row.status) || !cluster.many))
      throw calls.length > 0 ? alreadyAnswered() : noSuchCall()
    refuseWrongAnswer(call, answer, maxToolOutputBytes)
    if (cluster.many && !(await nodes.claimAnswer(row, call, answer))) throw alreadyAnswered()
    let shown: Message
    if (run?.answerCall) {
      run.answerCall(callId, answer)
      await run.settle()
      shown = run.read()
    } else {
      shown = found(await nodes.answer(row, call))
    }
    return shown.output.find(({ id }) => id === call.id) ?? call
  }

  /** What the provider asked at the end of its answer: this goes on with the decision. Throws as `continue`. */
  async #decide(message: MessageRow, call: ToolCallBlock, answer: CallAnswer, by: AnsweredBy): Promise<Block> {
    const { maxToolOutputBytes, messages, running, starter } = this.#options
    refuseWrongAnswer(call, answer, maxToolOutputBytes)
    const { decision, reason } = answer as Extract<CallAnswer, { decision: string }>
    await starter.continue({
      ...by,
      message,
      claim: undefined,
      decision: { callId: call.callId, approve: decision === 'approve', ...(reason !== undefined && { reason }) },
    })
    await running.live.ofMessage(message.id)?.settle()
    // The row's JSON is that of the end before.
    const { output } = await messages.read({ ...message, json: null })
    return output.find(({ id }) => id === call.id) ?? call
  }
}
