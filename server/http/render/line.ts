import { RunnelError } from '../../../shared/errors.ts'

export interface LineLimits {
  /** Who may be served at once. */
  slots: number
  slotsPerUser: number
  /** Who may wait for a slot, in all and of one user. */
  waiting: number
  waitingPerUser: number
}

interface Waiting {
  userId: string
  /** True: there is a slot; false: they left. */
  go: (served: boolean) => void
}

/** Slots that are few, and who waits for one: the first whose user has not too many already. */
export class Line {
  readonly #limits: LineLimits
  readonly #served: string[] = []
  readonly #waiting = new Set<Waiting>()

  constructor(limits: LineLimits) {
    this.#limits = limits
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Waits for a slot, which what it returns gives back; null where `signal` came first. Throws `overloaded`. */
  async enter(userId: string, signal: AbortSignal): Promise<(() => void) | null> {
    if (signal.aborted) return null
    if (this.#hasSlot(userId)) this.#served.push(userId)
    else if (!(await this.#wait(userId, signal))) return null
    return () => {
      this.#served.splice(this.#served.indexOf(userId), 1)
      this.#serve()
    }
  }

  async #wait(userId: string, signal: AbortSignal): Promise<boolean> {
    const { waiting, waitingPerUser } = this.#limits
    const own = [...this.#waiting].filter((other) => other.userId === userId).length
    if (own >= waitingPerUser || this.#waiting.size >= waiting)
      throw new RunnelError(
        'overloaded',
        `Too many messages wait to be made into HTML (${waitingPerUser} of one user, ${waiting} in all); try again in a moment.`,
      )
    return await new Promise((resolve) => {
      const waiter: Waiting = {
        userId,
        go: (served) => {
          this.#waiting.delete(waiter)
          signal.removeEventListener('abort', left)
          resolve(served)
        },
      }
      const left = () => waiter.go(false)
      signal.addEventListener('abort', left)
      this.#waiting.add(waiter)
    })
  }

  #serve(): void {
    for (const waiter of this.#waiting) {
      if (!this.#hasSlot(waiter.userId)) continue
      // Theirs from now on: who comes before they wake finds it taken.
      this.#served.push(waiter.userId)
      return waiter.go(true)
    }
  }

  #hasSlot(userId: string): boolean {
    const { slots, slotsPerUser } = this.#limits
    return this.#served.length < slots && this.#served.filter((other) => other === userId).length < slotsPerUser
  }
}
