/**
 * The port between a document and the machines that carry it while it is
 * live. Adapters: `local.ts` (one machine), `redis.ts` (many); one contract
 * suite runs on each.
 */
import type { Json } from '../../shared/schema.ts'

/** A value now, or later: SQLite answers at once, so log and broadcast are one synchronous step with it. */
export type MaybePromise<T> = T | Promise<T>

/** The updates of one flush of one document. */
export interface LogAppend {
  doc: string
  /** Epoch of the writer; the log refuses one that is not the newest (`fenced`). */
  epoch: number
  /** Sequence number that the writer believes to be the last; another is a `gap`. */
  previousSeq: number
  /** Yjs updates v1, in order. They are one entry: all or none, one sequence number. */
  updates: Uint8Array[]
  /** They remove text that was shown: once a state that lacks it takes their place, the log must hold it no more. */
  rewrites?: boolean
  /** A document that several nodes write, each under an epoch of its own (a chat): the entry goes behind whatever is there. */
  shared?: boolean
}

/** `seq` is the log's last number after the append. `unanswered`: of several entries this one takes its time, and holds up no other. */
export type LogResult =
  | { status: 'ok'; seq: number }
  | { status: 'fenced' }
  | { status: 'gap'; seq: number }
  | { status: 'unanswered'; answer: Promise<LogResult> }

/** How far a log has come: its last number, and the epoch of who wrote last. */
export type LogHead = Pick<LogContents, 'seq' | 'epoch'>

/** Everything a replica needs: the state first, then the updates in order. */
export interface LogContents {
  lineage: string
  epoch: number
  /** The last sequence number. */
  seq: number
  /** Yjs update v1 of the compacted part. */
  state: Uint8Array | null
  updates: Uint8Array[]
}

/** The log of live documents: what is in it survives a kill of this process at any moment. */
export interface UpdateLog {
  /**
   * Appends the flushes of one tick in one commit. Throws `store_unavailable` when nothing of it was written. A log on
   * another machine that is away may take its time instead: it knows its own append again when it is back.
   */
  append(entries: readonly LogAppend[]): MaybePromise<LogResult[]>
  /** Null for a document that does not exist. */
  read(doc: string): Promise<LogContents | null>
  /** Replaces everything up to `seq` by `state`, if `epoch` is still the newest, or the document is `shared`. */
  compact(doc: string, epoch: number, seq: number, state: Uint8Array, shared?: boolean): MaybePromise<void>
  /** The writer's whole state in place of a log that has lost its tail: the next entry, and all that there is before it. Absent where that cannot be. */
  restore?(doc: string, epoch: number, seq: number, state: Uint8Array): MaybePromise<LogResult>
  /** In this order; null where there is none, undefined where what is there cannot be read. Without it, who must know reads the whole log. */
  heads?(docs: readonly string[]): MaybePromise<(LogHead | null | undefined)[]>
  /** The message has ended under this epoch and is saved in the store: what is kept of it besides may go. */
  release?(doc: string, epoch: number): MaybePromise<void>
  /** These were deleted: what is kept of them besides goes at once. */
  forget?(docs: readonly string[]): MaybePromise<void>
}

/** An entry of the log as the node that appended it tells it to the others. */
export interface LiveEntry {
  seq: number
  updates: Uint8Array[]
}

/** Something on a channel of the nodes was not what a node says there; it was dropped. */
export type OnUnreadable = (what: 'news' | 'entry', error: unknown) => void

export interface Cluster {
  /** This process, as other nodes know it; drawn anew at each start. */
  readonly node: string
  /** There may be other nodes. */
  readonly many: boolean
  readonly log: UpdateLog
  /**
   * Entries that nodes append to a document from now on, this one's among them, some perhaps never: who follows
   * compares numbers. Subscribed when it resolves. Returns the end of it.
   */
  follow(doc: string, onEntry: (entry: LiveEntry) => void): Promise<() => void>
  /** How far the logs have come, in this order; null where there is none, undefined where what is there cannot be read. Throws `store_unavailable`. */
  heads(docs: readonly string[]): Promise<(LogHead | null | undefined)[]>
  /**
   * Which of these nodes have shown a sign of life within a lease. Throws `store_unavailable`, also while that cannot be
   * known: in the first lease after a start, and after the place of these signs was away or lost them.
   */
  alive(nodes: readonly string[]): Promise<Set<string>>
  /** Tells all other nodes, or one of them, if they are there: what must not be lost stands in the store as well. One that can only tell all may do so. */
  tell(news: Json, node?: string): void
  /** Set by whoever listens, and checks what it is told: it may come from anybody. What it throws is `onUnreadable`. */
  onNews: (news: Json) => void
  /** This node has shown no sign of life for a whole lease: others may have taken its runs over. */
  onLeaseLost: () => void
  /** Throws `store_unavailable` if live documents cannot be written now. */
  probe(): Promise<void>
  /** Resolves when nothing of this adapter is open any more. Idempotent. */
  close(): Promise<void>
}
