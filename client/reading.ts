import { RunnelError } from '../shared/errors.ts'
import { isChat, type Followed } from './followed.ts'
import type { States } from './states.ts'
import { Unplaced } from './unplaced.ts'

export interface ReadingOptions {
  /** Without it documents come on the line alone. */
  states?: Pick<States, 'read'>
  /** What is said now is heard. */
  isOpen?: () => boolean
}

/** What of the followed documents is read over HTTP: the first state, and those that have no place on the line. */
export class Reading {
  readonly #options: ReadingOptions
  /** One may be asked for on the line again. */
  readonly #done: (followed: Followed) => void
  readonly #without = new Map<string, Followed>()
  readonly #unplaced = new Unplaced((id) => this.#readAgain(this.#without.get(id)!))

  constructor(options: ReadingOptions, done: (followed: Followed) => void) {
    this.#options = options
    this.#done = done
  }

  /** Where there is no line yet, HTTP is sooner. And it sends a chat, whose list may be long, compressed. */
  isFirst(followed: Followed): boolean {
    if (!this.#options.states || followed.isRead || followed.replica.shown) return false
    return isChat(followed) || !(this.#options.isOpen?.() ?? true)
  }

  /** Reads it before it is asked for on the line. */
  async first(followed: Followed): Promise<void> {
    followed.progress = { name: 'reading' }
    followed.isRead = true
    // Where it fails, the line brings the document, or says why not.
    await this.#read(followed).catch(() => {})
    if (followed.progress.name !== 'reading') return
    followed.progress = { name: 'unasked' }
    this.#done(followed)
  }

  /** Takes one for which the line has no place; false: it cannot. */
  take(followed: Followed, ever: boolean): boolean {
    if (!this.#options.states) return false
    followed.progress = { name: 'unplaced', ever }
    this.#without.set(followed.replica.id, followed)
    this.#unplaced.add(followed.replica.id)
    return true
  }

  leave({ replica: { id } }: Followed): void {
    this.#without.delete(id)
    this.#unplaced.delete(id)
  }

  close(): void {
    this.#without.clear()
    this.#unplaced.close()
  }

  async #readAgain(followed: Followed): Promise<void> {
    await this.#read(followed).catch((error: unknown) => {
      const isMeant = followed.progress.name === 'unplaced' && !followed.leaving.signal.aborted
      if (!isMeant || !(error instanceof RunnelError) || error.retryable) return
      followed.replica.refused(error)
      followed.replica.notify()
    })
    this.#done(followed)
  }

  async #read(followed: Followed): Promise<void> {
    const { replica, leaving, progress } = followed
    const state = await this.#options.states!.read(replica.id, leaving.signal)
    // Meanwhile the line may have brought it.
    if (leaving.signal.aborted || followed.progress.name !== progress.name) return
    replica.take(state)
    replica.notify()
  }
}
