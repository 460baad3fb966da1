/** The port to what stands between a model and its message. `redaction.ts` and `moderation.ts` are two of them. */
import type { GrowingField, Message } from '../../shared/schema.ts'
import type { ProviderEvent, ProviderRequest } from '../provider/events.ts'
import type { MaybePromise } from '../cluster/cluster.ts'
import type { RunContext } from './context.ts'

export interface FilterContext extends RunContext {
  /** Ends the run as `failed` with this sentence and the finish reason `content_filter`; what is shown stays. */
  end(message: string): void
}

export interface StreamContext extends FilterContext {
  /** The id of the block that this key of the present request writes; undefined before its `block_start` was written. */
  blockOf(key: string): string | undefined
  /** The last `count` (4,096 at the most) UTF-16 units that a growing field has by now, shown or not: cheap. */
  tail(key: string, field: GrowingField, count: number): string
  /** UTF-16 units that it has by now. */
  length(key: string, field: GrowingField): number
}

/**
 * Gets each event of one request before it is written, and returns what is to
 * be written instead: the event, others, or null for nothing (now; what is held
 * back goes out with a later event, at the latest with the block's `block_end`).
 * That comes too when the request fails, or the run is stopped or out of time;
 * of a run that is stopped only what is returned at once is shown.
 */
export type StreamFilter = (event: ProviderEvent) => MaybePromise<ProviderEvent | readonly ProviderEvent[] | null>

export interface Filter {
  /** Stands in the error of a run that it fails. */
  readonly name: string
  /** `fail` (default): what it throws, or takes too long for, fails the run. `skip`: it is left out for the rest of the run. */
  readonly onError?: 'fail' | 'skip'
  /** ms that one call of it may take. Default: RUNNEL_FILTER_MAX_MS; `inlet` may take what the run may. */
  readonly maxMs?: number
  /**
   * Once a run, while it prepares: may change what the model is asked (retrieval, rules), and show sources and progress.
   * Returns the request to go on with; nothing: as it is.
   */
  inlet?(request: ProviderRequest, context: FilterContext): MaybePromise<ProviderRequest | void>
  /** Once a request to the provider (a run with tools makes several): the filter of its events. */
  stream?(context: StreamContext): StreamFilter
  /** Once a run that ends well, behind its last event: may still rewrite, annotate, add. */
  outlet?(message: Message, context: FilterContext): MaybePromise<void>
}

export function defineFilter(filter: Filter): Filter {
  return filter
}
