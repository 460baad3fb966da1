import { RunnelError } from '../../shared/errors.ts'
import {
  isTerminal,
  readMessage,
  type Block,
  type Json,
  type Message,
  type ToolCallBlock,
} from '../../shared/schema.ts'
import type { User } from '../auth/auth.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { ChatWriter } from '../document/chat-writer.ts'
import { isAway, noPatience } from '../waiting/patience.ts'
import type { MessageRow } from '../store/store.ts'
import { noSuchCall } from './call.ts'
import { alreadyAnswered, refuseWrongAnswer, waitsForProvider, waitsOutside } from './calls.ts'
import { endMessage, takeUp, takeUpLeft, type Taken } from './ending.ts'
import { Nodes } from './nodes.ts'
import { requestOf, type RunRequest } from './prompt.ts'
import { interrupt, listQuestion, wasBrokenOff, wasQueued, wasWaiting, type Asked } from './recovery.ts'
import { Unlisted } from './unlisted.ts'
import { messageError, type CallAnswer, type Run, type RunState } from './run.ts'
import { Running, type RunningOptions, type RunPlace } from './running.ts'
import {
  recoveringRun,
  writeContinuation,
  writeNewRun,
  type ContinueOptions,
  type Started,
  type StartOptions,
} from './start.ts'

export interface TasksOptions extends Omit<RunningOptions, 'node' | Waits>, Partial<Pick<RunningOptions, Waits>> {
  cluster: Cluster
  leaseMs: number
  /** What becomes of a run whose node is lost: it ends as `interrupted`, or goes on by itself, once. */
  onLostRun: 'interrupt' | 'continue'
}

/** Without these nothing waits for a store that is away. */
type Waits = 'patience' | 'storeUntil'

type Listed = RunState & { createdAt: number; model: string; place?: number }

/** What may be asked of runs: starting, going on, answering, stopping, listing them. */
export class Tasks {
  readonly #options: TasksOptions & RunningOptions
  readonly #running: Running
  readonly #nodes: Nodes
  readonly #unlisted: Unlisted
  /** Messages that are being taken up for a run that goes on with them. */
  readonly #continuing = new Set<string>()
  /** What an earlier process left has been looked at. */
  #recovered = false

  constructor(options: TasksOptions) {
    this.#options = {
      patience: noPatience,
      storeUntil: () => options.store,
      ...options,
      node: options.cluster.node,
    }
    this.#running = new Running(this.#options)
    const { live } = this.#running
    const isBusyWith = (id: string) => live.ofMessage(id) !== undefined || this.#continuing.has(id)
    this.#unlisted = new Unlisted({ ...this.#options, isBusyWith })
    this.#nodes = new Nodes({
      ...this.#options,
      find: (taskId) => live.filter((run) => run.taskId === taskId)[0],
      live: () => live.filter(() => true),
      isBusyWith,
      onOrphan: (row) => this.#recover(row),
    })
  }

  /** Takes new runs. */
  get open(): boolean {
    return !this.#running.closed
  }

  /** The run of a message while it lives here. */
  ofMessage(messageId: string): Run | undefined {
    return this.#running.live.ofMessage(messageId)
  }

  /** Runs that have begun here and not ended. */
  get begun(): readonly Run[] {
    return this.#running.line.begun
  }

  /** Runs that wait for a place. */
  get queued(): number {
    return this.#running.line.length
  }

  /** The live runs of a user. `place`: one that waits is the so manieth of all that do on its node. Throws `store_unavailable`. */
  async list(userId: string): Promise<Listed[]> {
    const { cluster, store, messages } = this.#options
    const places = this.#running.line.places()
    const here = this.#running.live
      .filter((run) => run.user.id === userId && !run.ended)
      .map((run) => {
        const place = places.get(run)
        return {
          ...run.state,
          createdAt: run.createdAt,
          model: run.request.model,
          ...(place !== undefined && { place }),
        }
      })
    if (!cluster.many) return here
    const rows = (await store.unfinishedOf(userId)).filter((row) => row.node !== cluster.node)
    const elsewhere = await Promise.all(
      rows.map(async (row) => {
        const request = (await store.getRequest(row.id)) as RunRequest | null
        const message = request && (await messages.find(row))
        return (
          message && {
            // One that has only just been made may say nothing yet.
            ...stateOf(row, (message as Partial<Message>).status ?? 'queued'),
            createdAt: row.createdAt,
            model: request.model,
          }
        )
      }),
    )
    return [...here, ...elsewhere.filter((listed) => listed !== null)]
  }

  /**
   * Writes question and answer-to-be, and returns their ids before anything is
   * prepared. The run begins by itself. Throws `busy`, `rate_limited`, `too_large`, `not_found` (parent),
   * `restarting`, `store_unavailable`, `idempotency_mismatch`.
   */
  async start(options: StartOptions): Promise<Started> {
    const { user, chat, claim } = options
    return await this.#inLine({
      user,
      claim,
      fullness: () => this.#options.chats.fullness(chat.id, options.question ? 2 : 1),
      make: (entered) => this.#start(options, entered),
    })
  }

  async #start(options: StartOptions, entered: () => void): Promise<Started> {
    const { user, chat, request } = options
    const { now, rooms } = this.#options
    await this.#running.saved((run) => run.chatId === chat.id)
    const written = await this.#nodes.whenSaved(
      (row) => row.chatId === chat.id,
      () => writeNewRun(this.#options, options, now()),
    )
    if ('repeated' in written) return written.repeated
    const { started, row, lineage, entries } = written
    const run = this.#admit({ row, user, request, room: rooms.create(started.messageId, lineage, 1), epoch: 1 })
    entered()
    await this.#list(run, (writer) => {
      writer.setChat({ id: chat.id, title: chat.title, createdAt: chat.createdAt })
      writer.setMessages(entries)
    })
    return started
  }

  /** A new run goes on with an answer that has ended. Throws as `start`; `busy` while the message's run lives. */
  async continue(options: ContinueOptions): Promise<Started> {
    const { user, claim } = options
    return await this.#inLine({ user, claim, waits: true, make: (entered) => this.#continue(options, entered) })
  }

  async #continue(options: ContinueOptions, entered: () => void): Promise<Started> {
    const { message, user } = options
    const { rooms, patience } = this.#options
    await this.#running.saved((run) => run.messageId === message.id)
    const written = await this.#nodes.whenSaved(
      (row) => row.id === message.id,
      () => writeContinuation(this.#options, options),
    )
    if ('repeated' in written) return written.repeated
    const { started, request } = written
    let run: Run
    this.#continuing.add(message.id)
    try {
      const room = await patience.keep(() => rooms.open(message.id))
      if (!room) throw new RunnelError('not_found', 'There is no such message.')
      run = this.#admit({
        row: { ...message, taskId: started.taskId },
        user,
        request,
        room,
        epoch: await takeUp(this.#options, room),
      })
      entered()
    } finally {
      this.#continuing.delete(message.id)
    }
    // A stop may have come before the run was there; if it cannot be asked for now, the next sweep does.
    await this.#nodes.hear([run]).catch(() => {})
    await this.#list(run, (writer) => {
      if (!run.ended) writer.setMessages([[message.id, { status: 'queued' }]])
    })
    return started
  }

  /**
   * What a person or a client says to a call that waits: the first answer wins.
   * Returns the call's block once that is in the log. Throws `not_found`,
   * `already_answered`, `bad_request`, `too_large`, `restarting`, `store_unavailable`.
   */
  async answerCall(
    row: MessageRow,
    callId: string,
    answer: CallAnswer,
    user: User,
    requestId?: string,
  ): Promise<Block> {
    this.#refuseWhenClosed()
    const { cluster, messages, maxToolOutputBytes } = this.#options
    const run = this.ofMessage(row.id)
    const message = run?.read() ?? (await messages.read(row))
    const calls = message.output.filter(
      (block) => block.type === 'tool_call' && block.callId === callId,
    ) as ToolCallBlock[]
    const asked = calls.findLast(waitsForProvider)
    if (asked) return await this.#decide(row, asked, answer, user, requestId)
    const call = calls.findLast(waitsOutside)
    if (!call || (run ? !run.answerCall : isTerminal(row.status) || !cluster.many))
      throw calls.length > 0 ? alreadyAnswered() : noSuchCall()
    refuseWrongAnswer(call, answer, maxToolOutputBytes)
    if (cluster.many && !(await this.#nodes.claimAnswer(row, call, answer))) throw alreadyAnswered()
    let shown: Message
    if (run?.answerCall) {
      run.answerCall(callId, answer)
      await run.settle()
      shown = run.read()
    } else {
      shown = found(await this.#nodes.answer(row, call))
    }
    return shown.output.find(({ id }) => id === call.id) ?? call
  }

  /** What the provider asked at the end of its answer: this goes on with the decision. Throws as `continue`. */
  async #decide(
    message: MessageRow,
    call: ToolCallBlock,
    answer: CallAnswer,
    user: User,
    requestId: string | undefined,
  ): Promise<Block> {
    refuseWrongAnswer(call, answer, this.#options.maxToolOutputBytes)
    const { decision, reason } = answer as Extract<CallAnswer, { decision: string }>
    await this.continue({
      user,
      message,
      claim: undefined,
      ...(requestId !== undefined && { requestId }),
      decision: { callId: call.callId, approve: decision === 'approve', ...(reason !== undefined && { reason }) },
    })
    await this.ofMessage(message.id)?.settle()
    // The row's JSON is that of the end before.
    const { output } = await this.#options.messages.read({ ...message, json: null })
    return output.find(({ id }) => id === call.id) ?? call
  }

  /** Ends the run of a message as `stopped`, on whichever node it is; one that has ended stays as it is. Throws `store_unavailable`. */
  async stop(row: MessageRow): Promise<RunState> {
    const run = this.ofMessage(row.id)
    if (run) {
      run.end('stopped')
      // Whoever hears of it finds it on every node.
      await run.settle()
      return run.state
    }
    if (isTerminal(row.status)) return stateOf(row, row.status)
    // On another node, or about to be here; it may also have been saved since the row was read.
    return stateOf(row, found(await this.#nodes.stop(row)).status)
  }

  /** Ends the runs of messages that are about to go, and waits until nothing of them is written any more. */
  async endAll(match: (message: { id: string; chatId: string }) => boolean): Promise<void> {
    const { cluster, store } = this.#options
    const runs = this.#running.live.filter((run) => match({ id: run.messageId, chatId: run.chatId }))
    for (const run of runs) run.end('stopped')
    const elsewhere = cluster.many
      ? (await store.unfinished()).filter((row) => row.node !== cluster.node && match(row))
      : []
    await Promise.all([...runs.map((run) => run.done), ...elsewhere.map((row) => this.#nodes.stop(row))])
  }

  /** Once a second. */
  sweep(): void {
    this.#running.sweep()
  }

  /** Every third of a lease. */
  sweepNodes(): void {
    const { cluster, leaseMs } = this.#options
    if (!this.open || !(cluster.many || this.#recovered)) return
    void this.#nodes.sweep()
    void this.#listEnds(leaseMs)
  }

  /** Another node has something for a run of this one. */
  news(news: { taskId: string }): void {
    this.#nodes.news(news)
  }

  /** Others may have taken this node's runs over: nothing of them is written or shown here any more. */
  abandonAll(): void {
    for (const run of this.#running.live.filter(() => true)) this.#options.rooms.abandon(run.room)
  }

  /** What a crash left behind: queued runs are queued again, those that waited for people wait on, the others end as `interrupted`. */
  async recover(): Promise<void> {
    const {
      cluster: { many, node },
      store,
    } = this.#options
    if (many) return
    for (const row of await store.unfinished()) {
      // A start that failed on its way is repeated.
      if (this.ofMessage(row.id)) continue
      // There were other nodes; now this one is alone.
      if (row.node !== null && row.node !== node) await store.takeOver(row.id, row.node, node)
      await this.#recover({ ...row, node })
    }
    await this.#listEnds(0)
    this.#recovered = true
  }

  /**
   * Takes no more runs, lets those that run end for `drainMs`, interrupts the
   * rest and waits until all is saved. Queued runs stay queued, and those that
   * wait for people wait, for the next start.
   */
  async close(drainMs: number): Promise<void> {
    await this.#running.close(drainMs)
  }

  /** Those that their chats have not listed for so long. */
  async #listEnds(leftMs: number): Promise<void> {
    await this.#unlisted.list(leftMs).catch((error: unknown) => {
      if (!isAway(error)) this.#options.onError(error, { messageId: '' })
    })
  }

  async #recover(bare: MessageRow): Promise<void> {
    const { store, onLostRun, onError } = this.#options
    let request: Json | null = null
    try {
      request = await store.getRequest(bare.id)
      const row = { ...bare, request }
      await listQuestion(this.#options, row)
      const stopped = await this.#nodes.isStopped(row)
      const taken = await takeUpLeft(this.#options, row)
      const message = readMessage(taken.room.doc)
      if (wasQueued(row, message)) return await this.#requeue(row, taken)
      if (wasWaiting(row, message)) return await this.#running.resume(placeOf(row, taken))
      const ending = stopped
        ? await endMessage(this.#options, row, taken, 'stopped')
        : await interrupt(this.#options, row, taken)
      // A stop may have come meanwhile; with the saving it is forgotten.
      const goesOn =
        onLostRun === 'continue' &&
        wasBrokenOff(row, readMessage(taken.room.doc)) &&
        !stopped &&
        !(await this.#nodes.isStopped(row).catch(() => true))
      if (!goesOn) return void (await this.#running.save(ending))
      // In one step with the end: a fall in between would leave it interrupted for good.
      const next = recoveringRun(row, this.#options.node)
      await this.#running.save({ ...ending, next })
      const saved = await store.getRow(row.id)
      if (saved?.taskId === next.taskId) await this.#recover(saved)
    } catch (error) {
      onError(error, { messageId: bare.id, ...requestOf({ request }) })
    }
  }

  #admit(place: RunPlace): Run {
    const run = this.#running.admit(place)
    this.#nodes.admitted(run)
    return run
  }

  /** It waits again. */
  async #requeue(row: Asked, taken: Taken): Promise<void> {
    const run = this.#admit(placeOf(row, taken))
    try {
      await this.#nodes.hear([run])
      await this.#options.chats.edit(row.chatId, (writer) => {
        if (!run.ended)
          writer.setMessages([
            [
              row.id,
              {
                role: 'assistant',
                parentId: row.parentId,
                createdAt: row.createdAt,
                status: 'queued',
                model: row.request.model,
              },
            ],
          ])
      })
    } finally {
      this.#running.line.beginNext()
    }
  }

  /** A run that is in its chat's list begins when there is a place; one that cannot be listed has failed. */
  async #list(run: Run, edit: (writer: ChatWriter) => void): Promise<void> {
    await this.#options.chats.edit(run.chatId, edit).catch((error: unknown) => {
      run.end('failed', { error: messageError(error) })
      throw error
    })
    this.#running.line.beginNext()
  }

  #refuseWhenClosed(): void {
    if (!this.open) throw new RunnelError('restarting', 'The server is going down; try again in a moment.')
  }

  /**
   * Makes a run that has a place in the line from here on. Where there is none, or the chat is full, the answer of the
   * first request with this key. `waits`: it goes on with something, and waits where Redis is away. Throws `rate_limited`, `too_large`.
   */
  async #inLine({
    user,
    claim,
    waits = false,
    fullness = async () => null,
    make,
  }: {
    user: User
    claim: StartOptions['claim']
    waits?: boolean
    fullness?: () => Promise<RunnelError | null>
    make: (entered: () => void) => Promise<Started>
  }): Promise<Started> {
    this.#refuseWhenClosed()
    const { cluster, patience, store } = this.#options
    // Before the first `await`: of many that come at once no more pass than there are places.
    const leave = this.#running.line.reserve(user)
    try {
      await (waits ? patience.keep(() => cluster.probe()) : cluster.probe())
      const refusal = leave
        ? await fullness()
        : new RunnelError(
            'rate_limited',
            'Too many of your answers wait for a place already; wait for one or stop one (RUNNEL_MAX_QUEUED_TASKS_PER_USER).',
          )
      if (leave && !refusal) return await make(leave)
      const claimed = claim && (await store.findClaim(claim))
      if (claimed) return claimed.response as Started
      throw refusal!
    } finally {
      leave?.()
    }
  }
}

/** Throws `not_found` for a message that was deleted meanwhile. */
function found(message: Message | null): Message {
  if (!message) throw new RunnelError('not_found', 'There is no such message.')
  return message
}

function stateOf(row: MessageRow, status: RunState['status']): RunState {
  return { taskId: row.taskId ?? '', messageId: row.id, chatId: row.chatId, status }
}

function placeOf(row: Asked, taken: Taken): RunPlace {
  return { row, user: { id: row.userId, name: row.userId }, request: row.request, ...taken }
}
