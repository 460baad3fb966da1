import { isRunnelError } from '../shared/errors.ts'
import { isChat, type Followed } from './followed.ts'
import type { States } from './states.ts'

/** What has no place on the line is read again so often, at the most. */
const rereadMs = 5_000
/** Between two reads of any of them: half of what a server lets one user ask. */
const betweenMs = 100

export interface ReadingOptions {
  /** Without it documents come on the line alone. */
  states?: Pick<States, 'read'>
  /** What is said now is heard. */
  isOpen?: () => boolean
}

/** What of the followed documents is read over HTTP: the first state, and again and again those that have no place on the line. */
export class Reading {
  readonly #options: ReadingOptions
  /** One may be asked for on the line again. */
  readonly #done: (followed: Followed) => void
  /** Without a place on the line, and when each was read last; 0: never. */
  readonly #unplaced = new Map<Followed, number>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #isReading = false

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
    if (!this.#unplaced.has(followed)) this.#unplaced.set(followed, 0)
    this.#plan(0)
    return true
  }

  leave(followed: Followed): void {
    this.#unplaced.delete(followed)
    if (this.#unplaced.size === 0) this.#plan(0)
  }

  close(): void {
    this.#unplaced.clear()
    this.#plan(0)
  }

  /** The one that was read longest ago is next. */
  #plan(leastMs: number): void {
    clearTimeout(this.#timer)
    if (this.#isReading || this.#unplaced.size === 0) return
    const oldest = Math.min(...this.#unplaced.values())
    this.#timer = setTimeout(() => void this.#next(), Math.max(leastMs, oldest + rereadMs - Date.now()))
  }

  async #next(): Promise<void> {
    const [followed] = [...this.#unplaced].reduce((oldest, entry) => (entry[1] < oldest[1] ? entry : oldest))
    this.#unplaced.set(followed, Date.now())
    this.#isReading = true
    await this.#read(followed).catch((error: unknown) => {
      const isMeant = followed.progress.name === 'unplaced' && !followed.leaving.signal.aborted
      if (!isMeant || !isRunnelError(error) || error.retryable) return
      followed.replica.refused(error)
      followed.replica.notify()
    })
    this.#isReading = false
    this.#done(followed)
    this.#plan(betweenMs)
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
