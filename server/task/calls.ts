import type { Block, ToolCallBlock } from '../../shared/schema.ts'
import type { Tool, ToolContext } from '../extension/tool.ts'
import type { Redact } from '../secrets/secrets.ts'
import { unlessAborted } from '../waiting/race.ts'
import type { PendingCall } from './answer.ts'
import { alreadyAnswered, waitsOutside } from './awaited-calls.ts'
import {
  CallFault,
  callTime,
  checkedArguments,
  decidedBy,
  deniedWords,
  execute,
  inTime,
  isTooLarge,
  noSuchCall,
  shownWords,
  wordsOf,
  type CallTime,
} from './call.ts'
import { Progress } from './progress.ts'
import type { CallAnswer, Run } from './run.ts'
import type { Toolset } from './toolset.ts'

export interface CallsOptions {
  run: Run
  /** After a restart tools are listed when the first is needed. */
  tools: () => Promise<Toolset>
  contextOf: (call: PendingCall, signal: AbortSignal, progress: (words: string) => void) => ToolContext
  now: () => number
  toolMaxMs: number
  approvalMaxMs: number
  maxOutputBytes: number
  /** Hides keys in what tools say of their failures. */
  redact: Redact
  /** What all calls wait for now, in words. */
  onChange: (words: string) => void
}

/** A call that waits for a person's yes, or for a client's output. */
interface Waiting {
  call: PendingCall
  for: 'decision' | 'output'
  until: number
  answer(answer: CallAnswer | CallFault): void
}

/** The calls of one round: all at once, each until it is final. */
export class ToolCalls {
  readonly #options: CallsOptions
  readonly #waiting = new Map<string, Waiting>()
  readonly #executing = new Set<PendingCall>()
  /** Calls that are not final yet. */
  #live = 0

  constructor(options: CallsOptions) {
    this.#options = options
  }

  /** Returns when every call is final, or the run has ended. Never rejects for a call's sake. */
  async carryOut(calls: readonly PendingCall[]): Promise<void> {
    await this.#all(calls.map((call) => () => this.#carryOutOne(call)))
  }

  /** After a restart: the calls that waited wait on. `since`: epoch ms. */
  async resume(blocks: readonly Block[], since: number): Promise<void> {
    const waiting = blocks.filter((block) => block.type === 'tool_call' && waitsOutside(block)) as ToolCallBlock[]
    for (const { id } of waiting) this.#options.run.output.reopen(id, 'tool_call')
    await this.#all(
      waiting.map(({ id, status, ...block }) => () => {
        const call = { blockId: id, callId: block.callId, name: block.name, arguments: block.arguments }
        return status === 'pending' ? this.#awaitOutput(call, since) : this.#awaitDecision(call, since)
      }),
    )
  }

  /** All calls fail with these words: they are the model's to act on. */
  refuse(calls: readonly PendingCall[], words: string): void {
    for (const { blockId } of calls) this.#options.run.output.close(blockId, 'failed', { error: words })
  }

  /** What nobody answered in time. */
  sweep(): void {
    const now = this.#options.now()
    for (const waiting of [...this.#waiting.values()]) {
      if (now < waiting.until) continue
      waiting.answer(
        new CallFault(
          `Nobody ${waiting.for === 'decision' ? 'allowed or denied' : 'answered'} this call within ${this.#options.approvalMaxMs} ms (RUNNEL_APPROVAL_MAX_MS).`,
        ),
      )
    }
  }

  /**
   * The first answer of a person or a client: written when this returns, though
   * not yet in the log. Throws `not_found`, `already_answered`.
   */
  answer(callId: string, answer: CallAnswer): void {
    const waiting = [...this.#waiting.values()].findLast(({ call }) => call.callId === callId)
    if (!waiting) {
      const known = this.#options.run
        .read()
        .output.some((block) => block.type === 'tool_call' && block.callId === callId)
      throw known ? alreadyAnswered() : noSuchCall()
    }
    waiting.answer(answer)
  }

  async #all(works: readonly (() => Promise<void>)[]): Promise<void> {
    const { run } = this.#options
    run.answerCall = (callId, answer) => this.answer(callId, answer)
    this.#live = works.length
    const all = works.map((work) =>
      work().finally(() => {
        this.#live -= 1
        if (!run.ended) this.#changed()
      }),
    )
    try {
      await unlessAborted(run.signal, Promise.all(all))
    } catch (error) {
      // The run has ended: that is no fault of its calls.
      if (!run.signal.aborted) throw error
    } finally {
      run.answerCall = null
    }
  }

  async #carryOutOne(call: PendingCall): Promise<void> {
    await this.#guard(call, async () => {
      const { tool, args } = await this.#prepared(call)
      const { approval } = tool
      const asks =
        typeof approval === 'function'
          ? await this.#withContext(call, tool, (context, time) => inTime(time, () => approval(args, context)))
          : approval
      if (this.#options.run.ended) return
      if (asks) return await this.#awaitDecision(call)
      if (tool.execute) await this.#execute(call, tool, args)
      else await this.#awaitOutput(call)
    })
  }

  /** Its tool and what it is called with. A tool that only the caller knows takes anything. */
  async #prepared(
    call: PendingCall,
  ): Promise<{ tool: Tool | { approval?: undefined; execute?: undefined; maxMs?: undefined }; args: unknown }> {
    const tools = await this.#options.tools()
    const tool = tools.find(call.name)
    if (tool) return { tool, args: await checkedArguments(tool, call.arguments, this.#timeOf(tool)) }
    if (tools.has(call.name)) return { tool: {}, args: undefined }
    throw new CallFault(`There is no tool ${JSON.stringify(call.name)}.`)
  }

  async #awaitDecision(call: PendingCall, since?: number): Promise<void> {
    const { run } = this.#options
    await this.#guard(call, async () => {
      if (since === undefined) run.writer.setBlock(call.blockId, { status: 'awaiting_approval' })
      const { decision, arguments: edited } = (await this.#wait(call, 'decision', since, (answer) => {
        const { decision, reason, arguments: edited, by } = answer as Extract<CallAnswer, { decision: string }>
        const decided = decidedBy(by)
        if (decision === 'deny') run.output.close(call.blockId, 'denied', { ...decided, error: deniedWords(reason) })
        // Running from this moment: after a crash nobody can know whether it had begun.
        else {
          if (edited !== undefined) this.#replaceArguments(call, edited)
          run.writer.setBlock(call.blockId, { ...decided, status: 'running' })
        }
      })) as Extract<CallAnswer, { decision: string }>
      if (decision === 'deny' || run.ended) return
      const allowed = { ...call, arguments: edited ?? call.arguments }
      const { tool, args } = await this.#prepared(allowed)
      if (tool.execute) await this.#execute(allowed, tool as Tool, args)
      else await this.#awaitOutput(allowed)
    })
  }

  /** What goes back to the model is what ran. */
  #replaceArguments({ blockId, arguments: original }: PendingCall, edited: string): void {
    if (edited === original) return
    const { output, writer } = this.#options.run
    output.replace(blockId, 'arguments', 0, writer.length(blockId, 'arguments'), edited)
    output.set(blockId, { originalArguments: original })
  }

  async #awaitOutput(call: PendingCall, since?: number): Promise<void> {
    const { run } = this.#options
    await this.#guard(call, async () => {
      if (since === undefined) run.writer.setBlock(call.blockId, { status: 'pending' })
      await this.#wait(call, 'output', since, (answer) => {
        const { output, by } = answer as Extract<CallAnswer, { output: string }>
        run.output.count(output)
        run.writer.append(call.blockId, 'output', output)
        run.output.close(call.blockId, 'completed', by ? { answeredBy: { ...by } } : {})
      })
    })
  }

  async #execute(call: PendingCall, tool: Tool, args: unknown): Promise<void> {
    const { run, maxOutputBytes } = this.#options
    run.writer.setBlock(call.blockId, { status: 'running' })
    // A crash from here on finds it running, and not waiting for somebody who lets it run once more.
    await run.settle()
    if (run.ended) return
    this.#executing.add(call)
    this.#changed()
    try {
      await this.#withContext(call, tool, (context, { maxMs }) =>
        execute({
          tool,
          args,
          context,
          maxMs,
          maxOutputBytes,
          write: (text) => {
            run.output.count(text)
            run.writer.append(call.blockId, 'output', text)
          },
        }),
      )
      if (!run.ended) run.output.close(call.blockId, 'completed')
    } finally {
      this.#executing.delete(call)
    }
  }

  #timeOf(tool: Pick<Tool, 'maxMs'>): CallTime {
    return callTime(this.#options.run.signal, tool.maxMs ?? this.#options.toolMaxMs)
  }

  /** The last words of progress are written before the work is over, and none after it. */
  async #withContext<T>(
    call: PendingCall,
    tool: Pick<Tool, 'maxMs'>,
    work: (context: ToolContext, time: CallTime) => Promise<T>,
  ): Promise<T> {
    const { run, contextOf } = this.#options
    const time = this.#timeOf(tool)
    const progress = new Progress((text) => run.tell(() => run.output.set(call.blockId, { progress: text })))
    try {
      return await work(
        contextOf(call, time.signal, (words) => progress.say(words)),
        time,
      )
    } finally {
      progress.end()
    }
  }

  #wait(
    call: PendingCall,
    what: Waiting['for'],
    since: number | undefined,
    written: (answer: CallAnswer) => void,
  ): Promise<CallAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<CallAnswer>()
    this.#waiting.set(call.blockId, {
      call,
      for: what,
      until: (since ?? this.#options.now()) + this.#options.approvalMaxMs,
      answer: (answer) => {
        this.#waiting.delete(call.blockId)
        try {
          if (answer instanceof CallFault) throw answer
          written(answer)
          resolve(answer)
        } catch (error) {
          reject(error)
          // An answer that fills the message ends the run; who gave it hears why.
          if (error !== answer) throw error
        }
        this.#changed()
      },
    })
    this.#changed()
    return promise
  }

  /** A call's fault ends the call, with words on its block for the model and for people. */
  async #guard(call: PendingCall, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (this.#options.run.ended) return
      if (isTooLarge(error)) throw error
      this.#options.run.output.close(call.blockId, 'failed', {
        error: shownWords(wordsOf(error), this.#options.redact),
      })
    }
  }

  #changed(): void {
    const { run, onChange } = this.#options
    run.park(this.#live > 0 && this.#waiting.size === this.#live)
    const names = (calls: Iterable<PendingCall>) => [...new Set([...calls].map((call) => call.name))].join(', ')
    const waitingFor = (what: Waiting['for']) =>
      names([...this.#waiting.values()].filter((waiting) => waiting.for === what).map(({ call }) => call))
    const words = [
      ['Running', names(this.#executing)],
      ['Waiting for approval of', waitingFor('decision')],
      ['Waiting for the output of', waitingFor('output')],
    ]
    onChange(
      words
        .filter(([, of]) => of !== '')
        .map(([verb, of]) => `${verb} ${of}`)
        .join('. '),
    )
  }
}
