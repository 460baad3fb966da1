import * as random from 'lib0/random'
import { asRunnelError } from '../parts/loader.ts'

/** A second click this soon after the answer counts as the first one. */
const doubleClickMs = 1_000
/** For this long, a call that may have got through is repeated as the same intent. */
const sameIntentMs = 60_000

interface Call {
  readonly idempotencyKey: string
  readonly request: unknown
  /** Null: it failed, and nobody knows whether it got through. */
  result: Promise<unknown> | null
  /** Until then a repeat is the same intent; null while the call is under way. */
  until: number | null
}

/**
 * Runs each intent once: a repeat while it is under way, or a double click, gets the same answer. A call that
 * failed on its way is repeated with the same key and the same words, so that the server does it once.
 */
export class Calls {
  /** Kept as long as there are hooks. */
  readonly isUsed = true
  readonly #calls = new Map<string, Call>()

  /** `intent` names what the person wants. Throws RunnelError. */
  async run<Request, Result>(
    intent: string,
    prepare: () => Request,
    perform: (request: Request, idempotencyKey: string) => Promise<Result>,
  ): Promise<Result> {
    const now = performance.now()
    for (const [name, { until }] of this.#calls) if (until !== null && now > until) this.#calls.delete(name)
    const known = this.#calls.get(intent)
    if (known?.result) return (await known.result) as Result
    const call: Call = known ?? { idempotencyKey: random.uuidv4(), request: prepare(), result: null, until: null }
    this.#calls.set(intent, call)
    const result = perform(call.request as Request, call.idempotencyKey)
    call.result = result
    call.until = null
    try {
      await result
      call.until = performance.now() + doubleClickMs
    } catch (error) {
      call.result = null
      call.until = performance.now() + sameIntentMs
      // The server has decided: the next try is another one.
      if (asRunnelError(error).httpStatus < 500) this.#calls.delete(intent)
    }
    return await result
  }
}
