/**
 * The port between a document and the machines that carry it while it is
 * live. `local.ts` is one machine; an adapter for many adds leases and
 * commands here without a change in `room/` or `task/`.
 */

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
}

/** `seq` is the log's last number after the append. */
export type LogResult = { status: 'ok'; seq: number } | { status: 'fenced' } | { status: 'gap'; seq: number }

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
  /** Appends the flushes of one tick in one commit. Throws `store_unavailable` when nothing of it was written. */
  append(entries: readonly LogAppend[]): MaybePromise<LogResult[]>
  /** Null for a document that does not exist. */
  read(doc: string): Promise<LogContents | null>
  /** Replaces everything up to `seq` by `state`, if `epoch` is still the newest. */
  compact(doc: string, epoch: number, seq: number, state: Uint8Array): MaybePromise<void>
}

export interface Cluster {
  readonly log: UpdateLog
  /** Resolves when nothing of this adapter is open any more. Idempotent. */
  close(): Promise<void>
}
