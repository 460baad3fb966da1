import { RunnelError } from '../../shared/errors.ts'
import type { User } from '../auth/auth.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { ChatWriter } from '../document/chat-writer.ts'
import type { ChatRow, WaitingLine, WaitingMessage } from '../store/store.ts'
import { takeUp } from './ending.ts'
import type { Nodes } from './nodes.ts'
import { messageError, type Run } from './run.ts'
import type { Running, RunningOptions } from './running.ts'
import {
  takenRows,
  writeContinuation,
  writeNewRun,
  type ContinueOptions,
  type NewRows,
  type Started,
  type StartOptions,
} from './start.ts'
import { saidOf } from './waiting-entry.ts'

export interface RunStarterOptions extends RunningOptions {
  cluster: Cluster
  running: Running
  nodes: Nodes
}

/** New runs: what they write into the store and the chat's list, until they stand in line. */
export class RunStarter {
  readonly #options: RunStarterOptions
  /** Messages that are being taken up for a run that goes on with them. */
  readonly #continuing = new Set<string>()

  constructor(options: RunStarterOptions) {
    this.#options = options
  }

  /** The message is being taken up for a run that goes on with it. */
  isContinuing(messageId: string): boolean {
    return this.#continuing.has(messageId)
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
    const { user, chat } = options
    const { now } = this.#options
    await this.#options.running.saved((run) => run.chatId === chat.id)
    const written = await this.#options.nodes.whenSaved(
      (row) => row.chatId === chat.id,
      () => writeNewRun(this.#options, options, now()),
    )
    if ('repeated' in written) return written.repeated
    await this.#begin(chat, user, written, entered)
    return written.started
  }

  /** Its rows are written; from here on it is carried out here. `waited`: its question did, under this id. */
  async #begin(
    chat: ChatRow,
    user: User,
    { started, request, row, lineage, entries }: NewRows,
    entered = () => {},
    waited?: string,
  ): Promise<void> {
    const room = this.#options.rooms.create(started.messageId, lineage, 1)
    const run = this.#options.running.admit({ row, user, request, room, epoch: 1 })
    entered()
    await this.#list(run, (writer) => {
      writer.introduce(chat)
      if (waited !== undefined) writer.leaveWaiting(waited)
      writer.setMessages(entries)
    })
  }

  /**
   * A message that waited begins its run. It was taken when it came, so it needs no position in the line. False where its
   * line is another by now, or what it waits for goes on. Throws `restarting`, `store_unavailable`.
   */
  async take(chat: ChatRow, message: WaitingMessage, line: WaitingLine): Promise<boolean> {
    const { running, store, cluster, patience, node, now } = this.#options
    running.refuseWhenClosed()
    await patience.keep(() => cluster.probe())
    const createdAt = now()
    const rows = takenRows(message, line.after, { node, createdAt })
    const isTaken = await store.takeWaiting(
      { userMessage: rows.userMessage, assistant: rows.row, lineage: rows.lineage },
      { id: message.id, version: line.version, now: createdAt },
    )
    if (!isTaken) return false
    const user = { id: message.userId, name: saidOf(message).by.name }
    await this.#begin(chat, user, rows, undefined, message.id)
    return true
  }

  /** A new run goes on with an answer that has ended. Throws as `start`; `busy` while the message's run lives. */
  async continue(options: ContinueOptions): Promise<Started> {
    const { user, claim } = options
    return await this.#inLine({ user, claim, waits: true, make: (entered) => this.#continue(options, entered) })
  }

  async #continue(options: ContinueOptions, entered: () => void): Promise<Started> {
    const { message, user } = options
    const { now, rooms, patience } = this.#options
    await this.#options.running.saved((run) => run.messageId === message.id)
    const written = await this.#options.nodes.whenSaved(
      (row) => row.id === message.id,
      () => writeContinuation(this.#options, options, now()),
    )
    if ('repeated' in written) return written.repeated
    const { started, request } = written
    let run: Run
    this.#continuing.add(message.id)
    try {
      const room = await patience.keep(() => rooms.open(message.id))
      if (!room) throw new RunnelError('not_found', 'There is no such message.')
      run = this.#options.running.admit({
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
    await this.#options.nodes.hear([run]).catch(() => {})
    await this.#list(run, (writer) => {
      if (!run.ended) writer.setMessages([[message.id, { status: 'queued', taskId: run.taskId, stoppedBy: undefined }]])
    })
    return started
  }

  /** A run that is in its chat's list begins when there is a slot; one that cannot be listed has failed. */
  async #list(run: Run, edit: (writer: ChatWriter) => void): Promise<void> {
    await this.#options.chats.edit(run.chatId, edit).catch((error: unknown) => {
      run.end('failed', { error: messageError(error) })
      throw error
    })
    this.#options.running.line.beginNext()
  }

  /**
   * Makes a run that has a position in the line from here on. Where there is none, or the chat is full, the answer of the
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
    this.#options.running.refuseWhenClosed()
    const { cluster, patience, store } = this.#options
    // Before the first `await`: of many that come at once no more pass than may wait.
    const leave = this.#options.running.line.reserve(user)
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
