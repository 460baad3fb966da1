import { isRefusal, RunnelError } from '../../shared/errors.ts'
import type { FinishReason } from '../../shared/schema.ts'
import type { MaybePromise } from '../cluster/cluster.ts'
import type { Filter, FilterContext, StreamContext, StreamFilter } from '../extension/filter.ts'
import type { ProviderEvent, ProviderRequest } from '../provider/events.ts'
import type { Redact } from '../secrets/secrets.ts'
import type { Answer } from './answer.ts'
import { isTooLarge, shownWords, wordsOf } from './call.ts'
import { messageNow } from './context.ts'
import { unlessAborted, within, type Work } from '../waiting/race.ts'
import type { Run } from './run.ts'

export interface FiltersOptions {
  run: Run
  filters: readonly Filter[]
  context: FilterContext
  /** Says which filter is at work, before the model is asked. */
  progress: (words: string) => void
  filterMaxMs: number
  /** Hides keys in what filters say of their failures. */
  redact: Redact
  /** One that says `skip` was left out. */
  onSkip: (error: unknown, filter: string) => void
}

/** Writes an event, or gives it to the next filter. */
type Next = (event: ProviderEvent) => MaybePromise<FinishReason | undefined>

/** The filters of one run, in their order. Where one fails, so does the run, unless the filter says `skip`. */
export class Filters {
  readonly #options: FiltersOptions
  readonly #skipped = new Set<Filter>()

  constructor(options: FiltersOptions) {
    this.#options = options
  }

  get hasInlets(): boolean {
    return this.#options.filters.some((filter) => 'inlet' in filter)
  }

  async inlet(request: ProviderRequest): Promise<ProviderRequest> {
    const { context, run, progress } = this.#options
    for (const filter of this.#active('inlet')) {
      progress(`Preparing: ${filter.name}`)
      request = (await this.#limited(filter, () => filter.inlet!(request, context), filter.maxMs)) ?? request
      if (run.ended) break
    }
    return request
  }

  async outlet(): Promise<void> {
    const { context, run, filterMaxMs } = this.#options
    for (const filter of this.#active('outlet')) {
      const message = await messageNow(run)
      if (run.ended) return
      await this.#limited(filter, () => filter.outlet!(message, context), filter.maxMs ?? filterMaxMs)
    }
  }

  /** What writes the events of one request: through the filters, or straight where there are none. */
  stream(answer: Answer): Next {
    let write: Next = (event) => answer.apply(event)
    for (const filter of this.#active('stream').toReversed()) {
      const next = write
      const handle = this.#guarded(filter, () => filter.stream!(this.#streamContext(answer)))
      if (!handle) continue
      write = (event) => {
        if (this.#skipped.has(filter)) return next(event)
        const out = this.#guarded(filter, () => handle(event))
        if (out === undefined) return next(event)
        if (!(out instanceof Promise)) return passOn(out, next)
        return this.#later(filter, out, event, next)
      }
    }
    return write
  }

  /** What an async filter gives, within its time. */
  async #later(
    filter: Filter,
    out: Promise<Awaited<ReturnType<StreamFilter>>>,
    event: ProviderEvent,
    next: Next,
  ): Promise<FinishReason | undefined> {
    const given = await this.#limited(filter, out, filter.maxMs ?? this.#options.filterMaxMs)
    return await (given === undefined ? next(event) : passOn(given, next))
  }

  #active(part: 'inlet' | 'stream' | 'outlet'): Filter[] {
    return this.#options.filters.filter((filter) => filter[part] && !this.#skipped.has(filter))
  }

  #streamContext(answer: Answer): StreamContext {
    const { context, run } = this.#options
    const idOf = (key: string) => answer.blockOf(key)
    return {
      ...context,
      blockOf: idOf,
      tail: (key, field, count) => {
        const id = idOf(key)
        return id === undefined ? '' : run.writer.tail(id, field, count)
      },
      length: (key, field) => {
        const id = idOf(key)
        return id === undefined ? 0 : run.writer.length(id, field)
      },
    }
  }

  /** Undefined: it failed, and is skipped from now on. */
  #guarded<T>(filter: Filter, work: () => T): T | undefined {
    try {
      return work()
    } catch (error) {
      this.#failed(filter, error)
      return undefined
    }
  }

  async #limited<T>(filter: Filter, work: Work<T>, maxMs: number | undefined): Promise<T | undefined> {
    const { signal } = this.#options.run
    try {
      if (maxMs === undefined) return await unlessAborted(signal, work)
      return await within(maxMs, () => new Error(`it took longer than ${maxMs} ms`), work, signal)
    } catch (error) {
      this.#failed(filter, error)
      return undefined
    }
  }

  #failed(filter: Filter, error: unknown): void {
    const { run, redact, onSkip } = this.#options
    // It was stopped, not at fault.
    run.signal.throwIfAborted()
    // It did its work and said no; or the message is full, which ends every run.
    if (isRefusal(error)) throw new RunnelError(error.code, shownWords(error.message, redact), { cause: error })
    if (isTooLarge(error)) throw error
    if (filter.onError === 'skip') {
      this.#skipped.add(filter)
      return onSkip(error, filter.name)
    }
    throw new RunnelError('filter_failed', `The filter ${filter.name} failed: ${shownWords(wordsOf(error), redact)}`, {
      cause: error,
    })
  }
}

/** The events that a filter gave, one after the other. */
function passOn(out: Awaited<ReturnType<StreamFilter>>, next: Next): MaybePromise<FinishReason | undefined> {
  if (out === null) return undefined
  if (!isList(out)) return next(out)
  let finish: FinishReason | undefined
  for (const [index, event] of out.entries()) {
    const given = next(event)
    if (given instanceof Promise) {
      return given.then(async (reason) => (await passOn(out.slice(index + 1), next)) ?? reason ?? finish)
    }
    finish = given ?? finish
  }
  return finish
}

function isList(out: ProviderEvent | readonly ProviderEvent[]): out is readonly ProviderEvent[] {
  return Array.isArray(out)
}
