import { RunnelError } from '../../shared/errors.ts'
import { isTerminal, type Block, type Message, type ToolCallBlock } from '../../shared/schema.ts'
import type { Authors } from '../auth/authors.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { MessageRow, Store } from '../store/store.ts'
import { alreadyAnswered, refuseWrongAnswer, waitsForProvider, waitsOutside } from './awaited-calls.ts'
import { CallFault, callTime, checkedArguments, noSuchCall } from './call.ts'
import type { MessageReader } from './message-reader.ts'
import { found, type Nodes } from './nodes.ts'
import type { RunStarter } from './run-starter.ts'
import type { RunRequest } from './prompt.ts'
import type { CallAnswer } from './run.ts'
import type { Running } from './running.ts'
import type { ContinueOptions } from './start.ts'
import type { Toolbox } from './toolset.ts'

export interface CallAnswersOptions {
  cluster: Cluster
  messages: MessageReader
  maxToolOutputBytes: number
  toolMaxMs: number
  store: Store
  tools: Toolbox
  running: Running
  nodes: Nodes
  starter: RunStarter
  authors: Authors
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
  async give(row: MessageRow, callId: string, given: CallAnswer, by: AnsweredBy): Promise<Block> {
    if ('decision' in given && given.arguments !== undefined) await this.#checkArguments(row, callId, given.arguments)
    const { cluster, messages, maxToolOutputBytes, nodes, running } = this.#options
    const answer: CallAnswer = { ...given, by: await this.#options.authors.by(row.chatId, by.user) }
    running.refuseWhenClosed()
    const run = running.live.ofMessage(row.id)
    const message = run?.read() ?? (await messages.read(row))
    const calls = callsOf(message, callId)
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

  /**
   * Before anything is claimed: what does not fit leaves the call waiting. Where it does not wait, the answer is refused
   * by that. Throws `bad_request`, `tools_unavailable`.
   */
  async #checkArguments(row: MessageRow, callId: string, text: string): Promise<void> {
    const { messages, running, store, tools, toolMaxMs } = this.#options
    const message = running.live.ofMessage(row.id)?.read() ?? (await messages.read(row))
    const calls = callsOf(message, callId)
    if (calls.some(waitsForProvider))
      throw new RunnelError('bad_request', 'arguments: the provider runs this call itself, with those that it has.')
    const call = calls.findLast(waitsOutside)
    if (call?.status !== 'awaiting_approval') return
    const request = (await store.getRequest(row.id)) as Partial<RunRequest> | null
    const time = callTime(new AbortController().signal, toolMaxMs)
    const tool = (await tools.list(request?.tools, time.signal)).find(call.name)
    if (!tool) throw new RunnelError('bad_request', `arguments: there is no tool ${call.name} any more.`)
    await checkedArguments(tool, text, time).catch((error: unknown) => {
      throw error instanceof CallFault ? new RunnelError('bad_request', `arguments: ${error.message}`) : error
    })
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

function callsOf({ output }: Message, callId: string): ToolCallBlock[] {
  return output.filter((block) => block.type === 'tool_call' && block.callId === callId) as ToolCallBlock[]
}
