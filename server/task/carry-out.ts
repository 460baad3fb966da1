/** The way of a run: prepare, stream, call tools, stream again, end. */
import { isRunnelError, RunnelError, type ErrorCode } from '../../shared/errors.ts'
import { outputArray, type JsonObject, type MessageFields } from '../../shared/schema.ts'
import type { Filter, FilterContext } from '../extension/filter.ts'
import type { Provider, ProviderEvent, ProviderRequest } from '../provider/events.ts'
import type { Store } from '../store/store.ts'
import { unlessAborted } from '../waiting/race.ts'
import { Answer, type PendingCall } from './answer.ts'
import { answeringModel, firstAsked } from './answering-model.ts'
import { ToolCalls } from './calls.ts'
import { filterContext, messageNow, toolContext, type ContextOptions } from './context.ts'
import { brokenText, overlapFilter } from './continuation.ts'
import { EventWriter, writeAll } from './event-writer.ts'
import { Filters } from './filters.ts'
import { nextRequest, prepareRequest, type PrepareOptions } from './prepare.ts'
import { ProgressBlock } from './progress.ts'
import { requestOf } from './prompt.ts'
import { keepRefusal, leftOutWords, namingFile, refusedFile, tooManyWords, type SentFile } from './refused-files.ts'
import { readEvents } from './read-events.ts'
import { findRequest, keptRequest, lastRoundAt, roundCount, roundEnd, withoutRequest } from './rounds.ts'
import { messageError, type Run } from './run.ts'
import type { Toolbox, Toolset } from './toolset.ts'
import { upstreamErrorOf } from './upstream-error.ts'

export interface CarryOutOptions extends PrepareOptions, ContextOptions {
  /** Waits for one that is away, until the run has ended. */
  storeUntil: (signal: AbortSignal) => Store
  provider: Provider
  tools: Toolbox
  filters: readonly Filter[]
  now: () => number
  toolMaxMs: number
  approvalMaxMs: number
  filterMaxMs: number
  maxToolRounds: number
  maxToolOutputBytes: number
  onError: (error: unknown, context: { messageId: string; requestId?: string; filter?: string }) => void
}

/** Carries a run out from its begin, or from where it waited before a restart. Never rejects: every failure is the message's own end. */
export async function carryOut(run: Run, options: CarryOutOptions, resumed = false): Promise<void> {
  if (run.ended) return
  try {
    run.end('completed', await new Work(run, options).carryOut(resumed))
  } catch (error) {
    const failure = messageError(error)
    const upstream = upstreamErrorOf(error, options.redact)
    run.end('failed', {
      error: { ...failure, message: options.redact(failure.message), ...(upstream && { upstream }) },
    })
    if (!isRunnelError(error) || error.code === 'filter_failed') options.onError(error, { messageId: run.messageId })
  }
}

/** How the last request ended. */
type Finish = Pick<MessageFields, 'finishReason' | 'note'>

interface Prepared {
  request: ProviderRequest
  sent: readonly SentFile[]
  tools: Toolset
  /** The tools as the inlet filters got them. */
  definitions: JsonObject[]
}

class Work {
  readonly #run: Run
  readonly #options: CarryOutOptions
  readonly #progress: ProgressBlock
  readonly #context: FilterContext
  readonly #filters: Filters
  readonly #calls: ToolCalls
  #prepared: Promise<Prepared> | undefined
  #tools: Promise<Toolset> | undefined
  /** What the inlet filters made of the request: kept with the first round that may wait over a restart. */
  #keep: ProviderRequest | undefined
  /** No request was made yet, in this process. */
  #isFirst = true

  constructor(run: Run, options: CarryOutOptions) {
    this.#run = run
    this.#options = { ...options, store: options.storeUntil(run.signal) }
    this.#progress = new ProgressBlock(run)
    this.#context = filterContext(run, this.#progress, options)
    this.#filters = new Filters({
      run,
      filters: options.filters,
      filterMaxMs: options.filterMaxMs,
      redact: options.redact,
      context: this.#context,
      progress: (words) => this.#progress.say(words),
      onSkip: (error, filter) => options.onError(error, { messageId: run.messageId, filter }),
    })
    this.#calls = new ToolCalls({
      run,
      now: options.now,
      toolMaxMs: options.toolMaxMs,
      approvalMaxMs: options.approvalMaxMs,
      maxOutputBytes: options.maxToolOutputBytes,
      redact: options.redact,
      tools: () => this.#listTools(),
      contextOf: (call, signal, progress) => toolContext(run, call, signal, progress, this.#progress, options),
      onChange: (words) => this.#progress.say(words),
    })
    run.sweep = () => this.#calls.sweep()
  }

  async carryOut(resumed: boolean): Promise<Finish> {
    const run = this.#run
    if (run.request.continues && !resumed)
      run.kept.adopt(withoutRequest(await this.#options.store.getProviderData(run.messageId)))
    if (resumed) await this.#resume()
    else await this.#prepare()
    for (let rounds = resumed ? roundCount(run.kept.entries) : 0; ; rounds++) {
      if (run.ended) return { finishReason: 'unknown' }
      const isLast = rounds > this.#options.maxToolRounds
      const { finish, calls } = await this.#stream(isLast)
      if (run.ended || calls.length === 0) {
        if (!run.ended) await this.#filters.outlet()
        return finish
      }
      if (isLast)
        throw new RunnelError(
          'tool_rounds_exceeded',
          `The model still asks for tools after ${this.#options.maxToolRounds} rounds of them (RUNNEL_MAX_TOOL_ROUNDS).`,
        )
      await this.#endRound()
      if (rounds === this.#options.maxToolRounds) {
        this.#calls.refuse(
          calls,
          `No more tools: the limit of ${rounds} rounds is reached (RUNNEL_MAX_TOOL_ROUNDS). Answer with what you have.`,
        )
      } else {
        run.enter('waiting')
        await this.#calls.carryOut(calls)
      }
      this.#progress.done()
    }
  }

  /** Tools and request, made once; after a restart when they are needed. */
  #prepare(): Promise<Prepared> {
    return (this.#prepared ??= this.#doPrepare())
  }

  async #doPrepare(): Promise<Prepared> {
    const { signal } = this.#run
    const { request, sent, leftOut, tooMany } = await prepareRequest(this.#options, this.#run)
    for (const file of leftOut) this.#note(leftOutWords(file), 'provider_rejected')
    if (tooMany.length > 0) this.#note(tooManyWords(tooMany, this.#options.maxRequestFileBytes), 'too_large')
    if (this.#options.tools.hasSources) this.#progress.say('Preparing: tools')
    const tools = await this.#listTools()
    signal.throwIfAborted()
    const definitions = [...tools.definitions]
    const offered = { ...request, ...(definitions.length > 0 && { tools: definitions }) }
    const kept = findRequest(this.#run.kept.entries) as ProviderRequest | null | undefined
    const prepared = { tools, sent, definitions, request: kept ?? (await this.#filters.inlet(offered)) }
    if (this.#filters.hasInlets && !kept) this.#keep = prepared.request
    const { model } = prepared.request
    // A filter may have chosen another: the message names the one that is asked.
    if (!kept && model !== this.#run.request.model && !this.#run.ended) this.#run.writer.setMessage({ model })
    this.#progress.done()
    return prepared
  }

  #listTools(): Promise<Toolset> {
    return (this.#tools ??= this.#options.tools.list(this.#run.request.tools, this.#run.signal))
  }

  /** Lists anew where a source has other tools than before: the next request offers them. What cannot be listed now stays as it was. */
  async #freshTools(): Promise<Prepared> {
    const prepared = await this.#prepare()
    if (!prepared.tools.isOld()) return prepared
    const { signal } = this.#run
    const listing = this.#options.tools.list(this.#run.request.tools, signal)
    const tools = await unlessAborted(signal, listing).catch(() => prepared.tools)
    signal.throwIfAborted()
    this.#tools = Promise.resolve(tools)
    // A filter that chose among them has the word.
    const offers = prepared.request.tools === prepared.definitions
    const definitions = [...tools.definitions]
    const fresh = {
      ...prepared,
      tools,
      definitions,
      request: offers ? { ...prepared.request, tools: definitions } : prepared.request,
    }
    this.#prepared = Promise.resolve(fresh)
    return fresh
  }

  /** One request, from its first to its last event. */
  async #stream(isLast: boolean): Promise<{ finish: Finish; calls: PendingCall[] }> {
    const run = this.#run
    const { now, provider, continueBy } = this.#options
    const { request: first, tools, sent } = await this.#freshTools()
    const goesOn = this.#isFirst && run.request.continues === true
    const models = this.#isFirst ? firstAsked(first.model, run) : { model: answeringModel(run) }
    // What a fresh message holds is nothing.
    const message = this.#isFirst && !goesOn ? null : await messageNow(run)
    this.#isFirst = false
    // Said once: a provider that has run the call would run it again.
    const { decision } = goesOn ? run.request : {}
    const request = message
      ? nextRequest({ ...first, ...(decision && { decision }) }, message, run.kept.entries, goesOn ? continueBy : null)
      : first
    const runsTools = tools.definitions.length > 0 && run.request.handsBack !== true
    const broken = goesOn && message ? brokenText(message) : undefined
    const answer = new Answer({
      run,
      now,
      addFile: (file) => this.#context.addFile(file),
      round: roundCount(run.kept.entries),
      continues: broken?.id,
      redact: this.#options.redact,
      say: (words) => (words === null ? this.#progress.done() : this.#progress.say(this.#options.redact(words))),
      executorOf: runsTools ? (name) => (tools.has(name) && !tools.find(name)?.execute ? 'client' : 'server') : null,
    })
    const write = this.#filters.stream(answer)
    const cut = broken && overlapFilter(broken.text)
    // A model of one's own may not look at its signal before it asks.
    run.signal.throwIfAborted()
    run.enter('streaming')
    const events = new EventWriter(
      cut ? (event) => writeAll(cut(event) as ProviderEvent | ProviderEvent[] | null, write) : write,
    )
    const stream = provider(
      {
        ...request,
        ...(isLast && { params: { ...request.params, tool_choice: 'none' } }),
        ...models,
        user: run.user.id,
        ...requestOf(run),
      },
      run.signal,
    )
    const finishReason = await readEvents(stream, run, events, now).catch(async (error: unknown) => {
      throw run.ended ? error : await this.#withFileNamed(error, sent, request)
    })
    await answer.filesKept()
    run.usage.requestEnded()
    return { finish: { finishReason, ...(answer.note !== undefined && { note: answer.note }) }, calls: answer.calls }
  }

  /** The error of a request with files names the one that was refused, which is left out from then on. */
  async #withFileNamed(error: unknown, sent: readonly SentFile[], { prompt }: ProviderRequest): Promise<unknown> {
    const refused = refusedFile(sent, prompt, error)
    if (!refused) return error
    const { file, isSure } = refused
    await keepRefusal(
      this.#options.store,
      file,
      this.#run.request.model,
      this.#options.redact((error as RunnelError).message),
    )
    return namingFile(error as RunnelError, file, isSure)
  }

  /** Said once in a message, whichever of its runs says it. */
  #note(words: string, code: ErrorCode): void {
    const message = this.#options.redact(words)
    const isSaid = this.#run.read().output.some((block) => block.type === 'error' && block.message === message)
    if (!isSaid) this.#context.addError({ message, code })
  }

  /** What the next request needs, and a restart while the calls wait, is in the store before they run. */
  async #endRound(): Promise<void> {
    const run = this.#run
    await run.settle()
    run.kept.note(roundEnd(roundCount(run.kept.entries), outputArray(run.room.doc).length, this.#options.now()))
    if (this.#keep) run.kept.note(keptRequest(this.#keep))
    this.#keep = undefined
    await this.#options.store.putProviderData(run.messageId, run.kept.entries)
  }

  async #resume(): Promise<void> {
    const run = this.#run
    const { output } = run.read()
    this.#isFirst = false
    for (const { id, type, status } of output)
      if (type === 'progress' && status === 'in_progress') this.#progress.adopt(id)
    await this.#calls.resume(output, lastRoundAt(run.kept.entries) ?? this.#options.now())
    this.#progress.done()
  }
}
