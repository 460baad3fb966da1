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
  /** Without a place on the line, and not read since. */
  readonly #unread = new Set<Followed>()
  /** Without a place on the line, and when each was read last; longest ago first. */
  readonly #readAt = new Map<Followed, number>()
  #lastReadAt = 0
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
    if (this.#unread.has(followed) || this.#readAt.has(followed)) return true
    this.#unread.add(followed)
    this.#plan()
    return true
  }

  leave(followed: Followed): void {
    this.#unread.delete(followed)
    this.#readAt.delete(followed)
    this.#plan()
  }

  close(): void {
    this.#unread.clear()
    this.#readAt.clear()
    this.#plan()
  }

  /** One that was never read, or else the one that was read longest ago. */
  get #next(): Followed | undefined {
    const { value } = this.#unread.size > 0 ? this.#unread.values().next() : this.#readAt.keys().next()
    return value
  }

  /** However often it is called: the next read comes no sooner than it may. */
  #plan(): void {
    clearTimeout(this.#timer)
    const next = this.#next
    if (this.#isReading || !next) return
    const at = Math.max(this.#lastReadAt + betweenMs, (this.#readAt.get(next) ?? 0) + rereadMs)
    this.#timer = setTimeout(() => void this.#readNext(), Math.max(0, at - Date.now()))
  }

  async #readNext(): Promise<void> {
    const followed = this.#next!
    this.#unread.delete(followed)
    this.#readAt.delete(followed)
    this.#readAt.set(followed, Date.now())
    this.#isReading = true
    await this.#read(followed).catch((error: unknown) => {
      const isMeant = followed.progress.name === 'unplaced' && !followed.leaving.signal.aborted
      if (!isMeant || !isRunnelError(error) || error.retryable) return
      followed.replica.refused(error)
      followed.replica.notify()
    })
    this.#isReading = false
    this.#lastReadAt = Date.now()
    this.#done(followed)
    this.#plan()
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
