/** Telling somebody of ends: at least once each, also over restarts. The store keeps those that nobody was told of yet. */
import { isRunnelError } from '../../shared/errors.ts'
import type { Message } from '../../shared/schema.ts'
import type { Store, UntoldEnd } from '../store/store.ts'
import { unlessAborted, within } from '../waiting/race.ts'
import { backOff } from '../waiting/retry.ts'

export interface EndContext {
  /** Who asked. */
  userId: string
  /** Aborted after RUNNEL_ON_MESSAGE_END_MAX_MS, and when the server does not wait any longer. */
  signal: AbortSignal
}

/** A failure is told again later: `message.taskId` is what tells a repetition from another end. */
export type OnMessageEnd = (message: Message, context: EndContext) => unknown

export interface EndsOptions {
  store: Pick<Store, 'getRow' | 'getMessage' | 'untoldEnds' | 'endTold'>
  tell: OnMessageEnd
  /** ms that one call may take. */
  maxMs: number
  onError: (error: unknown, context: { messageId: string }) => void
  now: () => number
  random?: () => number
  /** Where there are other nodes: which of these live, and tell of their ends themselves. May throw. */
  alive?: ((nodes: readonly string[]) => Promise<ReadonlySet<string>>) | undefined
  /** An end of a node that is gone is told here when it has been seen twice, about so long apart. */
  leftMs?: number
}

/** Calls at once. */
const maxCalls = 8
const firstWaitMs = 1_000
const longestWaitMs = 5 * 60_000
const leftMs = 60_000
/** So many that others left are taken up at a time. */
const maxLeft = 100

/** So long after a failure it is tried again: twice as long each time, up to five minutes, spread over its second half. */
export function retryDelay(failures: number, random: number): number {
  return backOff(failures, { firstMs: firstWaitMs, longestMs: longestWaitMs }, random)
}

/** The ends of one message, in their order; one of them is told at a time. */
interface Line {
  ends: UntoldEnd[]
  state: 'waiting' | 'telling'
  failures: number
  /** When it is tried again, epoch ms. */
  dueAt: number
}

/** Whoever is slow or fails holds up the ends of that message alone, and one of the few calls at once while it is told. */
export class Ends {
  readonly #options: EndsOptions
  readonly #lines = new Map<string, Line>()
  readonly #calls = new Set<Promise<void>>()
  readonly #closing = new AbortController()
  /** Seen untold at the last look, and not in a line here. */
  #left = new Set<string>()
  #lookAt = 0
  #closed = false

  constructor(options: EndsOptions) {
    this.#options = options
  }

  /** What an earlier process left. Where there are other nodes it may be theirs: `sweep` finds out. */
  async recover(): Promise<void> {
    if (this.#options.alive) return
    for (const end of await this.#options.store.untoldEnds()) this.add(end)
  }

  /** An end that the store has among its untold ones. */
  add(end: UntoldEnd): void {
    const line = this.#lines.get(end.messageId)
    // A start that failed on its way is repeated.
    if (line?.ends.some(({ taskId }) => taskId === end.taskId)) return
    if (line) line.ends.push(end)
    else this.#lines.set(end.messageId, { ends: [end], state: 'waiting', failures: 0, dueAt: 0 })
    this.#tellDue()
  }

  /** Once a second: what failed is told again when its time has come. */
  sweep(): void {
    this.#tellDue()
    const { alive, now, onError, leftMs: lookMs = leftMs } = this.#options
    if (!alive || this.#closed || now() < this.#lookAt) return
    // Nodes that started together do not stay in step.
    this.#lookAt = now() + lookMs * (0.75 + (this.#options.random ?? Math.random)() / 2)
    this.#takeUpLeft(alive).catch((error: unknown) => {
      // While nobody can know who is alive, nothing is taken up.
      if (!isRunnelError(error) || error.code !== 'store_unavailable') onError(error, { messageId: '' })
    })
  }

  /** Begins no more calls, and waits up to `drainMs` for those that run. The store keeps the rest for the next start. */
  async close(drainMs: number): Promise<void> {
    this.#closed = true
    const goesDown = () => new Error('The server is going down.')
    await within(drainMs, goesDown, Promise.all(this.#calls)).catch(() => {})
    this.#closing.abort(goesDown())
    // Whoever was told is not waited for any more; what is said to the store is.
    await Promise.all(this.#calls)
  }

  /** Nodes do not look at the same time: what one of them takes up is told, and gone, when the next one looks. */
  async #takeUpLeft(alive: NonNullable<EndsOptions['alive']>): Promise<void> {
    const { store } = this.#options
    const keyOf = ({ messageId, taskId }: UntoldEnd) => `${messageId} ${taskId}`
    const untold = (await store.untoldEnds()).filter(
      (end) => !this.#lines.get(end.messageId)?.ends.some(({ taskId }) => taskId === end.taskId),
    )
    const again = untold.filter((end) => this.#left.has(keyOf(end))).slice(0, maxLeft)
    this.#left = new Set(untold.map(keyOf))
    const nodes = await Promise.all(again.map(async ({ messageId }) => (await store.getRow(messageId))?.node))
    const known = nodes.filter((node) => typeof node === 'string')
    const living = known.length > 0 ? await alive([...new Set(known)]) : new Set<string>()
    for (const [i, end] of again.entries()) {
      if (
        !this.#closed &&
        !living.has(nodes[i] ?? '') &&
        !this.#lines.get(end.messageId)?.ends.some(({ taskId }) => taskId === end.taskId)
      )
        this.add(end)
    }
  }

  #tellDue(): void {
    const now = this.#options.now()
    for (const [messageId, line] of this.#lines) {
      if (this.#closed || this.#calls.size >= maxCalls) return
      if (line.state === 'waiting' && line.dueAt <= now) this.#begin(messageId, line)
    }
  }

  #begin(messageId: string, line: Line): void {
    line.state = 'telling'
    const call = this.#tell(line.ends[0]!)
      .then(
        () => {
          line.ends.shift()
          line.failures = 0
        },
        (error: unknown) => {
          line.failures += 1
          line.dueAt = this.#options.now() + retryDelay(line.failures, (this.#options.random ?? Math.random)())
          this.#options.onError(error, { messageId })
        },
      )
      .then(() => {
        line.state = 'waiting'
        this.#calls.delete(call)
        this.#lines.delete(messageId)
        // Behind the others: those that have not had their turn come first.
        if (line.ends.length > 0) this.#lines.set(messageId, line)
        this.#tellDue()
      })
    this.#calls.add(call)
  }

  async #tell(end: UntoldEnd): Promise<void> {
    const { store, tell, maxMs } = this.#options
    const row = await store.getMessage(end.messageId)
    // Deleted since; or continued since, and then it is the newer end that tells of all.
    if (row?.json && row.taskId === end.taskId) {
      const signal = AbortSignal.any([AbortSignal.timeout(maxMs), this.#closing.signal])
      await unlessAborted(signal, () => tell(row.json!, { userId: row.userId, signal }))
    }
    if (row) await store.endTold(end)
  }
}
