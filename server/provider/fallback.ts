/** One request to the model that it names, or where that does not answer to those that stand in for it. */
import { isRunnelError, RunnelError } from '../../shared/errors.ts'
import type { UpstreamError } from '../../shared/schema.ts'
import type { Provider, ProviderEvent, ProviderRequest } from './events.ts'
import { impliedStatus, mayPass } from './implied-status.ts'
import type { Target } from './models.ts'

/** How an attempt went, before or with its first token. */
type Outcome = 'answering' | RunnelError['code']

interface AskingOptions {
  /** Throws `bad_request`. */
  target: (model: string) => Target
  onOutcome: (target: Target, outcome: Outcome) => void
}

/** Events that come before anything is shown are held; a stream that has so many of them has begun. */
const maxHeld = 100

/**
 * Asks whoever has the model. Before anything of an answer is shown, a failure
 * that another try may help (no connection, 5xx, 429 after its tries, silence)
 * leads to the next model of `request.fallback`; a `waiting` event says so, and a `model`
 * event who answers. Behind the first token, and where the request itself is at
 * fault, the failure is the answer's end. A failure names its provider.
 */
export function askingProvider(options: AskingOptions): Provider {
  return (request, signal) => ({
    [Symbol.asyncIterator]: () => new Asking(options, request, signal),
  })
}

type Step = IteratorResult<ProviderEvent, undefined>

class Asking implements AsyncIterator<ProviderEvent, undefined> {
  readonly #options: AskingOptions
  readonly #request: ProviderRequest
  readonly #signal: AbortSignal
  /** The models that are still to be asked, the first of them now. */
  readonly #models: string[]
  #target: Target | undefined
  #events: AsyncIterator<ProviderEvent> | undefined
  /** What was read and not given yet. */
  readonly #held: ProviderEvent[] = []
  #isShown = false
  readonly #failures: RunnelError[] = []
  /** A line for each that did not answer. */
  readonly #said: string[] = []

  constructor(options: AskingOptions, request: ProviderRequest, signal: AbortSignal) {
    this.#options = options
    this.#request = request
    this.#signal = signal
    this.#models = [request.model, ...(request.fallback ?? [])]
  }

  /** What follows the first token is passed on as it comes: each layer would cost every event a few promises. */
  next(): Promise<Step> {
    if (!this.#isShown) return this.#begin()
    const held = this.#held.shift()
    if (held) return Promise.resolve({ done: false, value: held })
    return this.#events!.next().then(undefined, (error: unknown) => {
      throw this.#named(error)
    }) as Promise<Step>
  }

  async return(): Promise<Step> {
    await this.#events?.return?.()
    return { done: true, value: undefined }
  }

  /** To the first event that shows something; those before it are held. What is said meanwhile goes out at once. */
  async #begin(): Promise<Step> {
    try {
      this.#events ??= this.#ask()
      for (;;) {
        const { done, value } = await this.#events.next()
        if (done) throw new RunnelError('provider_disconnected', 'The model provider ended its answer before it began.')
        const event = value as ProviderEvent
        if (event.type === 'waiting') return this.#saying(event.words)
        this.#held.push(event)
        if (showsSomething(event) || this.#held.length > maxHeld) break
      }
    } catch (error) {
      this.#turnTo(error)
      return this.#saying(null)
    }
    this.#isShown = true
    this.#options.onOutcome(this.#target!, 'answering')
    if (this.#failures.length > 0)
      this.#held.unshift({ type: 'waiting', words: null }, { type: 'model', model: this.#target!.id })
    return await this.next()
  }

  /** Who did not answer stays said, whatever the one that is asked now waits for. */
  #saying(words: string | null): Step {
    const now = words === null || !this.#target ? [] : [`${this.#target.provider.name}: ${words}`]
    const lines = [...this.#said, ...now]
    return { done: false, value: { type: 'waiting', words: lines.length === 0 ? null : lines.join('\n') } }
  }

  #ask(): AsyncIterator<ProviderEvent> {
    const { model: _, fallback: _others, ...rest } = this.#request
    this.#target = undefined
    const target = this.#options.target(this.#models.shift()!)
    this.#target = target
    return target.provider.ask({ ...rest, model: target.model }, this.#signal)[Symbol.asyncIterator]()
  }

  /** Goes on with the next model. Throws where there is none, or none can help. */
  #turnTo(error: unknown): void {
    this.#signal.throwIfAborted()
    const events = this.#events
    this.#events = undefined
    void Promise.resolve(events?.return?.()).catch(() => {})
    const target = this.#target
    // A provider of a program's own may throw anything: with nobody to ask instead it is that program's fault, and told as it is.
    const failure = this.#named(isRunnelError(error) || !target ? error : ownFault(error))
    if (!isRunnelError(failure) || !target || !failure.code.startsWith('provider_')) throw error
    this.#options.onOutcome(target, failure.code)
    this.#failures.push(failure)
    const next = this.#models[0]
    if (next !== undefined && mayHelp(failure)) {
      this.#held.length = 0
      this.#said.push(`${failure.message} ${next} is asked instead.`)
      return
    }
    if (this.#failures.length > 1) throw allOf(this.#failures)
    throw isRunnelError(error) ? failure : error
  }

  /** The same failure with the name of its provider before it; what is no failure of a provider is left as it is. */
  #named(error: unknown): unknown {
    if (!isRunnelError(error) || !error.code.startsWith('provider_') || !this.#target) return error
    const { name } = this.#target.provider
    const details = typeof error.details === 'object' ? error.details : {}
    const named = new RunnelError(error.code, `${name}: ${error.message}`, {
      details: { ...details, provider: name },
      cause: error.cause,
    })
    if (error.stack !== undefined) named.stack = error.stack.replace(error.message, () => named.message)
    return named
  }
}

/** A block that is begun and empty shows nothing that another answer could not begin with. */
function showsSomething({ type }: ProviderEvent): boolean {
  return type !== 'block_start' && type !== 'usage' && type !== 'provider_data'
}

/** Another try may: not where the request was refused, be it by a status or within a stream. */
function mayHelp({ details, retryable }: RunnelError): boolean {
  const status = impliedStatus((details ?? {}) as UpstreamError)
  return status === undefined || status < 400 ? retryable : mayPass(status)
}

/** A provider of a program's own may throw anything. */
function ownFault(error: unknown): RunnelError {
  return new RunnelError('provider_error', error instanceof Error ? error.message : 'The provider failed.', {
    cause: error,
  })
}

function allOf(failures: readonly RunnelError[]): RunnelError {
  // Whether to ask again is told by one that may pass, whoever refused after it.
  const told = failures.findLast(mayHelp) ?? failures.at(-1)!
  const { code, details } = told
  return new RunnelError(code, failures.map(({ message }) => message).join(' '), { details, cause: told })
}
