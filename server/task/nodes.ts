/** Runs on other nodes: what is said to them from here, and what becomes of those whose node is gone. */
import { isRunnelError, RunnelError } from '../../shared/errors.ts'
import { isTerminal, readMessage, type By, type Json, type Message, type ToolCallBlock } from '../../shared/schema.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Patience } from '../waiting/patience.ts'
import { pause } from '../waiting/retry.ts'
import type { Room } from '../room/room.ts'
import type { Rooms } from '../room/rooms.ts'
import type { MessageRow, Store } from '../store/store.ts'
import { isDecision, outputKey, stoppedBy, stopKey, tellRun } from './orders.ts'
import type { CallAnswer, Run } from './run.ts'

export interface NodesOptions {
  cluster: Cluster
  store: Store
  rooms: Rooms
  patience: Patience
  now: () => number
  leaseMs: number
  /** This node's run of a task, while it lives. */
  find: (taskId: string) => Run | undefined
  /** This node's runs. */
  live: () => Run[]
  /** This node writes the message, or is about to. */
  isBusyWith: (messageId: string) => boolean
  /** A run that nobody carries out any more is this node's now. */
  onOrphan: (row: MessageRow) => Promise<void>
  onError: (error: unknown, context: { messageId: string; requestId?: string }) => void
}

/** So long a request waits here for another node to have done what it asks. */
const patienceMs = 3_000
/** Orphans that are seen to at once. */
const maxAdopting = 16

export class Nodes {
  readonly #options: NodesOptions
  /** Since when a node has given no sign of life. */
  readonly #missing = new Map<string, number>()
  /** Since when a message that is this node's is written by nobody: what was to see to it has failed. */
  readonly #left = new Map<string, number>()
  readonly #adopting = new Map<string, Promise<void>>()
  /** Runs of which a stop is being asked for. */
  readonly #stopping = new Map<string, By | undefined>()
  /** Keys of orders that need not be read again. */
  readonly #heard = new WeakMap<Run, Set<string>>()
  #sweeping = false

  constructor(options: NodesOptions) {
    this.#options = options
  }

  /** Asks the run's node to stop it; returns the message once it has ended, or as it is after a while. Throws `store_unavailable`. */
  async stop(row: MessageRow, by?: By): Promise<Message | null> {
    const taskId = row.taskId!
    this.#stopping.set(taskId, by)
    try {
      await this.#order(row, stopKey, by ? { by: { ...by } } : null)
      // Until the run's first words the document says how the one before it ended.
      return await this.#until(row, (message) => message.taskId === taskId && isTerminal(message.status))
    } finally {
      this.#stopping.delete(taskId)
    }
  }

  /** A run is here from now on: it may have been stopped here while it was being made. */
  admitted(run: Run): void {
    if (this.#stopping.has(run.taskId)) run.stop(this.#stopping.get(run.taskId))
  }

  /** The first answer to what a call waits for wins, wherever it was given. False: there was one. Throws `store_unavailable`. */
  async claimAnswer(row: MessageRow, call: ToolCallBlock, answer: CallAnswer): Promise<boolean> {
    const { store } = this.#options
    const taskId = row.taskId!
    const body = { callId: call.callId, ...answer } as unknown as Json
    if (await store.putOrder({ taskId, key: call.id, body })) return true
    if ('decision' in answer) return false
    // A client's call may have waited for a decision first.
    const first = (await store.ordersOf([taskId])).find(({ key }) => key === call.id)
    return first !== undefined && isDecision(first) && (await store.putOrder({ taskId, key: outputKey(call), body }))
  }

  /** Tells the run's node of an answer, and waits until its call shows it. */
  async answer(row: MessageRow, call: ToolCallBlock): Promise<Message | null> {
    this.#options.cluster.tell({ type: 'order', taskId: row.taskId! })
    return await this.#until(row, ({ output }) =>
      output.some((block) => block.id === call.id && block.status !== call.status),
    )
  }

  /**
   * Does what is refused as `busy` while a run is unfinished, and waits a moment where other nodes only have to save what
   * has ended: who has seen an answer end may go on from it at once. Throws what `write` throws.
   */
  async whenSaved<T>(match: (row: MessageRow) => boolean, write: () => Promise<T>): Promise<T> {
    const { cluster, store, now } = this.#options
    for (const deadline = now() + patienceMs; ;) {
      try {
        return await write()
      } catch (error) {
        if (!cluster.many || !isRunnelError(error) || error.code !== 'busy' || now() > deadline) throw error
        const rows = (await store.unfinished()).filter(match)
        if (!(await Promise.all(rows.map((row) => this.#hasEnded(row)))).every(Boolean)) throw error
        await pause(20)
      }
    }
  }

  /** Somebody has stopped the run of this message, which nobody carries out: who. Throws `store_unavailable`. */
  async stopOf({ taskId }: MessageRow): Promise<{ stoppedBy?: By } | null> {
    const orders = taskId === null ? [] : await this.#options.store.ordersOf([taskId])
    const stop = orders.find(({ key }) => key === stopKey)
    if (!stop) return null
    const by = stoppedBy(stop)
    return by ? { stoppedBy: by } : {}
  }

  /** Something was said to a run that is here. */
  async hear(runs: readonly Run[]): Promise<void> {
    const heard = runs.flatMap((run) => [...this.#heardBy(run)].map((key) => ({ taskId: run.taskId, key })))
    const orders = await this.#options.store.ordersOf(
      runs.map((run) => run.taskId),
      heard,
    )
    for (const [taskId, said] of Map.groupBy(orders, (order) => order.taskId)) {
      const run = this.#options.find(taskId)
      if (!run || run.ended) continue
      const { output } = run.read()
      for (const order of said) if (!run.ended && tellRun(run, output, order)) this.#heardBy(run).add(order.key)
    }
  }

  #heardBy(run: Run): Set<string> {
    const heard = this.#heard.get(run) ?? new Set()
    this.#heard.set(run, heard)
    return heard
  }

  /** What another node tells of a run. */
  news({ taskId }: { taskId: string }): void {
    const run = this.#options.find(taskId)
    if (run) this.hear([run]).catch((error: unknown) => this.#options.onError(error, { messageId: run.messageId }))
  }

  /** Every third of a lease: what was said to this node's runs, and runs that nobody runs any more; of a process that is alone, its own. */
  async sweep(): Promise<void> {
    if (this.#sweeping) return
    this.#sweeping = true
    try {
      await this.hear(this.#options.live())
      await this.#takeOver()
    } catch (error) {
      // While nobody can know who is alive, nobody is taken over: readiness says so already.
      if (!isRunnelError(error) || error.code !== 'store_unavailable') this.#options.onError(error, { messageId: '' })
    } finally {
      this.#sweeping = false
    }
  }

  async #takeOver(): Promise<void> {
    const { cluster, store, now, leaseMs } = this.#options
    const unfinished = await store.unfinished()
    await this.#takeUpLeft(unfinished.filter(({ node }) => node === cluster.node))
    const rows = unfinished.filter(({ node }) => node !== null && node !== cluster.node)
    const nodes = [...new Set(rows.map(({ node }) => node!))]
    const alive = nodes.length > 0 ? await cluster.alive(nodes) : new Set<string>()
    for (const node of this.#missing.keys()) if (!nodes.includes(node) || alive.has(node)) this.#missing.delete(node)
    for (const node of nodes) if (!alive.has(node) && !this.#missing.has(node)) this.#missing.set(node, now())
    for (const row of rows) {
      const since = this.#missing.get(row.node!)
      // Seen twice: where all signs of life were lost at once, the living have given a new one by then.
      if (since === undefined || now() - since < leaseMs / 4) continue
      await this.#adopt(row, () => store.takeOver(row.id, row.node!, cluster.node))
    }
  }

  async #hasEnded(row: MessageRow): Promise<boolean> {
    const { rooms } = this.#options
    const room = await rooms.open(row.id)
    if (!room) return true
    try {
      return room.ended
    } finally {
      rooms.unpin(room)
    }
  }

  /** Of this node's own runs: those that could not be begun, taken up or ended when it was tried, a lease later. */
  async #takeUpLeft(rows: readonly MessageRow[]): Promise<void> {
    const { now, leaseMs, isBusyWith } = this.#options
    const left = rows.filter(({ id }) => !isBusyWith(id) && !this.#adopting.has(id))
    const ids = new Set(left.map(({ id }) => id))
    for (const id of this.#left.keys()) if (!ids.has(id)) this.#left.delete(id)
    for (const row of left) {
      const since = this.#left.get(row.id)
      if (since === undefined) this.#left.set(row.id, now())
      else if (now() - since >= leaseMs) await this.#adopt(row, () => Promise.resolve(!isBusyWith(row.id)))
    }
  }

  /** Returns when there is room for the next: one that takes long holds up nobody. */
  async #adopt(row: MessageRow, claim: () => Promise<boolean>): Promise<void> {
    const { cluster, onOrphan, onError } = this.#options
    if (this.#adopting.has(row.id) || !(await claim())) return
    this.#left.delete(row.id)
    this.#adopting.set(
      row.id,
      onOrphan({ ...row, node: cluster.node })
        .catch((error: unknown) => onError(error, { messageId: row.id }))
        .finally(() => this.#adopting.delete(row.id)),
    )
    while (this.#adopting.size >= maxAdopting) await Promise.race(this.#adopting.values())
  }

  async #order(row: MessageRow, key: string, body: Json): Promise<void> {
    const { store, cluster } = this.#options
    await store.putOrder({ taskId: row.taskId!, key, body })
    cluster.tell({ type: 'order', taskId: row.taskId! })
  }

  /** The message as soon as it is so, or as it is after a while; null where it is gone. */
  async #until(row: MessageRow, match: (message: Message) => boolean): Promise<Message | null> {
    const { rooms, now, patience } = this.#options
    const deadline = now() + patienceMs
    const room = await patience.keep(() => rooms.open(row.id))
    if (!room) return null
    try {
      for (let seq = -1; ;) {
        if (room.seq !== seq) {
          seq = room.seq
          const message = await readSettled(room)
          if (!message || match(message) || now() > deadline) return message
        }
        if (now() > deadline) return readMessage(room.doc)
        await pause(5)
      }
    } finally {
      rooms.unpin(room)
    }
  }
}

async function readSettled(room: Room): Promise<Message | null> {
  return await room.read().then(
    (message) => message as Message,
    () => null,
  )
}

/** Throws `not_found` for a message that was deleted meanwhile. */
export function found(message: Message | null): Message {
  if (!message) throw new RunnelError('not_found', 'There is no such message.')
  return message
}
