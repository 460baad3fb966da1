import { isRunnelError } from '../../../shared/errors.ts'
import type { Message } from '../../../shared/schema.ts'
import { messagePage, plainHtml, shownMessage } from './html.ts'
import { HtmlThread } from './html-thread.ts'
import { Line, type LineLimits } from './line.ts'

/** Text can be written so that 4,000 characters take seconds: what a message costs is known only when it is made. */
const patienceMs = 5_000
/** One user leaves a thread to the others, whatever they ask for. */
const limits: LineLimits = { slots: 2, slotsPerUser: 1, waiting: 100, waitingPerUser: 16 }

/** Who asks for HTML. */
export interface RenderCaller {
  userId: string
  /** They hung up. */
  signal: AbortSignal
}

/** Too many wait: a moment later there may be room. */
export function isBusyRendering(error: unknown): boolean {
  return isRunnelError(error) && error.code === 'overloaded'
}

/** Makes HTML of messages in threads, never on the event loop. */
export class HtmlRenderer {
  readonly #line = new Line(limits)
  readonly #threads: HtmlThread[] = []
  readonly #free: HtmlThread[] = []
  readonly #patienceMs: number
  readonly #closing = new AbortController()

  constructor(options: { patienceMs?: number } = {}) {
    this.#patienceMs = options.patienceMs ?? patienceMs
  }

  /** Messages that wait for a thread. */
  get waiting(): number {
    return this.#line.waiting
  }

  /**
   * A message that takes longer than its time, or cannot be rendered, comes as
   * its plain text. It is read when its turn has come. Null: the caller hung
   * up. Throws `overloaded` where too many wait, and what `read` throws.
   */
  async render(read: () => Promise<Message>, caller: RenderCaller): Promise<string | null> {
    let message: Message | undefined
    const shown = await this.article(async () => (message = await read()), caller)
    return shown === null ? null : messagePage(message!, shown)
  }

  /** The same as a part of a page. */
  async article(read: () => Promise<Message>, { userId, signal }: RenderCaller): Promise<string | null> {
    const leave = await this.#line.enter(userId, signal)
    if (!leave) return null
    const thread = this.#free.pop() ?? this.#newThread()
    try {
      const message = shownMessage(await read())
      const stop = AbortSignal.any([signal, this.#closing.signal])
      const html = stop.aborted ? null : await thread.render(message, this.#patienceMs, stop)
      return signal.aborted ? null : (html ?? plainHtml(message))
    } finally {
      this.#free.push(thread)
      leave()
    }
  }

  /** Ends what is being rendered. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all(this.#threads.map((thread) => thread.close()))
  }

  #newThread(): HtmlThread {
    const thread = new HtmlThread()
    this.#threads.push(thread)
    return thread
  }
}
