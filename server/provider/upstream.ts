import { RunnelError } from '../../shared/errors.ts'

/** Why an upstream request was aborted that its reader has left. */
const leftReason = new DOMException('The answer is no longer read.', 'AbortError')

/**
 * The life of one request to a provider: aborted by its caller's signal, by a
 * silence that is too long while something is awaited, or because it is over.
 */
export class Upstream {
  /** Set when the provider was silent for too long. */
  silence: RunnelError | undefined
  readonly #controller = new AbortController()
  readonly #caller: AbortSignal
  readonly #onCallerAbort = (): void => this.#controller.abort(this.#caller.reason)
  #timer: NodeJS.Timeout | undefined
  #waiting = false

  constructor(caller: AbortSignal) {
    this.#caller = caller
    if (caller.aborted) this.#controller.abort(caller.reason)
    else caller.addEventListener('abort', this.#onCallerAbort, { once: true })
  }

  /** For the HTTP request. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** How long the next waits may take. */
  limit(idleMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      if (!this.#waiting) return
      this.silence = new RunnelError('provider_timeout', `The model provider sent nothing for ${duration(idleMs)}.`)
      this.#controller.abort(this.silence)
    }, idleMs)
  }

  /** Something is awaited from the provider from now on. */
  awaits(): void {
    this.#waiting = true
    this.#timer?.refresh()
  }

  /** It came, or the wait is not the provider's. */
  arrived(): void {
    this.#waiting = false
  }

  /** Throws the reason where the caller aborted or left. A silence is the reader's affair. */
  throwIfAborted(): void {
    if (this.#controller.signal.aborted && !this.silence) throw this.#controller.signal.reason
  }

  /** Aborts what still runs and leaves no timer and no listener behind. */
  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#caller.removeEventListener('abort', this.#onCallerAbort)
    this.#controller.abort(leftReason)
  }
}

function duration(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${Math.round(ms / 1000)} seconds`
}
