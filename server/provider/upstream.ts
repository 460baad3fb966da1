import { RunnelError } from '../../shared/errors.ts'
import type { ProviderEvent } from './events.ts'

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
  /** What is to be said of the wait for the next try. */
  #news: PromiseWithResolvers<string | null> = Promise.withResolvers()
  #said: string | null = null

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

  /** The provider asked to be left alone for a while; `null`: the while is over. */
  tell(words: string | null): void {
    if (words === this.#said) return
    this.#said = words
    this.#news.resolve(words)
    this.#news = Promise.withResolvers()
  }

  /** What is told until the work is done; the work's own failure is thrown. */
  async *waits(work: Promise<unknown>): AsyncGenerator<Extract<ProviderEvent, { type: 'waiting' }>> {
    const done = work.then(() => undefined)
    for (;;) {
      const words = await Promise.race([done, this.#news.promise])
      if (words === undefined) return
      yield { type: 'waiting', words }
    }
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

/** In words. */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000)
  return ms < 1000 ? `${ms} ms` : seconds === 1 ? 'a second' : `${seconds} seconds`
}
