import * as random from 'lib0/random'
import type { RunnelError } from '../../shared/errors.ts'
import { asRunnelError } from '../parts/loader.ts'

/** A second click within this time means the first one. */
const doubleClickMs = 1_000
/** So long what may have got through is repeated as the same intent. */
const sameIntentMs = 60_000

interface Call {
  readonly idempotencyKey: string
  readonly request: unknown
  readonly startedAt: number
  /** Null: it failed, and nobody knows whether it got through. */
  result: Promise<unknown> | null
  isDone: boolean
}

/**
 * What people ask for, each intent once: a repeat while it is under way, or a double click, gets the same answer. One that
 * failed on its way is repeated with the same key and the same words, so that the server does it once.
 */
export class Calls {
  readonly #calls = new Map<string, Call>()

  /** `intent` names what is wanted. Throws RunnelError. */
  async run<Request, Result>(
    intent: string,
    prepare: () => Request,
    perform: (request: Request, idempotencyKey: string) => Promise<Result>,
  ): Promise<Result> {
    const now = performance.now()
    const known = this.#known(intent, now)
    if (known?.result) return (await known.result) as Result
    const call: Call = {
      idempotencyKey: known?.idempotencyKey ?? random.uuidv4(),
      request: known?.request ?? prepare(),
      startedAt: now,
      result: null,
      isDone: false,
    }
    this.#calls.set(intent, call)
    const result = perform(call.request as Request, call.idempotencyKey).catch((error: unknown) => {
      const failure: RunnelError = asRunnelError(error)
      call.result = null
      // The server has decided: the next try is another one.
      if (failure.httpStatus < 500 && this.#calls.get(intent) === call) this.#calls.delete(intent)
      throw failure
    })
    call.result = result
    const settled = await result
    call.isDone = true
    return settled
  }

  #known(intent: string, now: number): Call | undefined {
    for (const [name, { startedAt, result, isDone }] of this.#calls) {
      const keptMs = isDone ? doubleClickMs : sameIntentMs
      if (now - startedAt > keptMs && (isDone || !result)) this.#calls.delete(name)
    }
    return this.#calls.get(intent)
  }
}
