import { isRunnelError, RunnelError } from '../../shared/errors.ts'
import type { Role } from '../../shared/protocol.ts'

/** What somebody may do in the chat of what they are shown. */
export interface Right {
  chatId: string
  role: Role
}

/** Finds out what the right is now. Throws where there is none, or where nobody can say. */
export type AskRight = () => Promise<Right>

export interface WatchListener {
  role?: (role: Role) => void
  /** The right is gone, or cannot be found out: nothing more may be shown. Called once. */
  lost: (error: RunnelError) => void
}

/** The right of one reader to be shown something for longer than one answer: asked for again with each change in its chat. */
export class Watch {
  readonly #ask: AskRight
  readonly #watches: Set<Watch>
  #right: Right | null = null
  #lost: RunnelError | null = null
  #listener: WatchListener | null = null
  /** Questions are numbered: an answer is worth nothing once a younger question has been answered. */
  #asked = 0
  #answered = 0
  #newest: Promise<void> = Promise.resolve()

  constructor(ask: AskRight, watches: Set<Watch>) {
    this.#ask = ask
    this.#watches = watches
    watches.add(this)
  }

  /** Null until the first answer: it may be any chat. */
  get chatId(): string | null {
    return this.#right?.chatId ?? null
  }

  /** As it was found out last. Throws where the right is gone. */
  get right(): Right {
    if (this.#lost) throw this.#lost
    return this.#right!
  }

  /** Why the right is gone; null while it is there. */
  get lost(): RunnelError | null {
    return this.#lost
  }

  /** Who is to be told of changes from now on; one that has lost the right already is told so at once. */
  listen(listener: WatchListener): void {
    this.#listener = listener
    if (this.#lost) listener.lost(this.#lost)
  }

  /** Asks anew; resolves with the answer. Throws nothing. */
  recheck(): Promise<void> {
    this.#newest = this.#askAs(++this.#asked)
    return this.#newest
  }

  /** Resolves when the newest question has been answered. */
  async settled(): Promise<void> {
    while (this.#answered < this.#asked) await this.#newest
  }

  /** Nothing is shown any more. Idempotent. */
  close(): void {
    this.#watches.delete(this)
    this.#listener = null
  }

  async #askAs(number: number): Promise<void> {
    let fault: RunnelError | null = null
    let right: Right | null = null
    try {
      right = await this.#ask()
    } catch (error) {
      fault = isRunnelError(error) ? error : unknownFault(error)
    }
    if (number < this.#answered) return
    this.#answered = number
    if (right) {
      this.#right = right
      this.#listener?.role?.(right.role)
    } else if (!this.#lost) {
      this.#lost = fault
      const listener = this.#listener
      this.close()
      listener?.lost(fault!)
    }
  }
}

/** All that is shown to somebody for longer than one answer, at every door. */
export class Watches {
  readonly #watches = new Set<Watch>()

  /**
   * Registers first and then asks: a change before the registration is in the answer, and one after it asks again.
   * Throws where there is no right. The caller closes it.
   */
  async open(ask: AskRight): Promise<Watch> {
    const watch = new Watch(ask, this.#watches)
    void watch.recheck()
    await watch.settled()
    if (watch.lost) throw watch.lost
    return watch
  }

  /** Who may do what in this chat has changed, or it is gone. Resolves when whoever has lost a right is shown nothing any more. */
  async changed(chatId: string): Promise<void> {
    await Promise.all(
      [...this.#watches]
        .filter((watch) => watch.chatId === null || watch.chatId === chatId)
        .map((watch) => watch.recheck()),
    )
  }
}

function unknownFault(cause: unknown): RunnelError {
  return new RunnelError('internal', 'Something went wrong inside the server.', { cause })
}
