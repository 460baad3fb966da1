/** The events of one request on their way into the message, through the filters. */
import { endOf } from '../../shared/known-types.ts'
import type { FinishReason, TerminalStatus } from '../../shared/schema.ts'
import type { MaybePromise } from '../cluster/cluster.ts'
import { CallOrder } from '../provider/call-order.ts'
import type { ProviderEvent } from '../provider/events.ts'

type Write = (event: ProviderEvent) => MaybePromise<FinishReason | undefined>

/**
 * Knows which blocks are open. Where a request ends before its time, they end
 * as all blocks do: through the filters, so that what these hold back is judged
 * and comes out.
 */
export class EventWriter {
  readonly #write: Write
  readonly #order = new CallOrder()
  /** Provider's key → type. */
  readonly #open = new Map<string, string>()
  /** An event is on its way through a filter that takes its time. */
  #isBusy = false
  /** A filter failed: what it holds was not judged. */
  #hasFailed = false

  constructor(write: Write) {
    this.#write = write
  }

  /** Writes what can be written now that this event has come: one call is finished before anything else begins. */
  write(event: ProviderEvent): MaybePromise<FinishReason | undefined> {
    return writeAll(this.#order.next(event), (one) => this.#pass(one))
  }

  #pass(event: ProviderEvent): MaybePromise<FinishReason | undefined> {
    if (event.type === 'block_start') this.#open.set(event.key, event.block.type)
    else if (event.type === 'block_end') this.#open.delete(event.key)
    else if (event.type === 'block_type' && this.#open.has(event.key)) this.#open.set(event.key, event.block.type)
    try {
      const given = this.#write(event)
      return given instanceof Promise ? this.#awaited(given) : given
    } catch (error) {
      this.#hasFailed = true
      throw error
    }
  }

  /**
   * The request has failed, or its run is stopped. Where filters judge at once,
   * so does this; what others still have to judge is awaited by who can.
   */
  async endEarly(status: TerminalStatus, at: number): Promise<void> {
    if (this.#isBusy || this.#hasFailed) return
    try {
      for (const event of this.#order.rest()) {
        const given = this.#pass(event)
        if (given instanceof Promise) await given
      }
    } catch {
      // As below.
      return
    }
    const open = [...this.#open]
    this.#open.clear()
    await Promise.all(open.map(([key, type]) => this.#end(key, type, status, at)))
  }

  async #end(key: string, type: string, status: TerminalStatus, at: number): Promise<void> {
    try {
      await this.#write({ type: 'block_end', key, ...endOf(type, status, at) })
    } catch {
      // The run ends for a reason of its own, and the block with it.
    }
  }

  async #awaited(given: Promise<FinishReason | undefined>): Promise<FinishReason | undefined> {
    this.#isBusy = true
    try {
      return await given
    } catch (error) {
      this.#hasFailed = true
      throw error
    } finally {
      this.#isBusy = false
    }
  }
}

/** One after the other. */
export function writeAll(
  events: ProviderEvent | readonly ProviderEvent[] | null,
  write: Write,
): MaybePromise<FinishReason | undefined> {
  if (events === null) return undefined
  if (!Array.isArray(events)) return write(events as ProviderEvent)
  let last: MaybePromise<FinishReason | undefined>
  for (const event of events as readonly ProviderEvent[])
    last = last instanceof Promise ? last.then(() => write(event)) : write(event)
  return last
}
