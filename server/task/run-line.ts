import type { User } from '../auth/auth.ts'
import type { Run } from './run.ts'

export interface RunLineOptions {
  maxTasks: number
  maxTasksPerUser: number
  maxQueuedTasksPerUser: number
  begin: (run: Run) => void
}

/** Which runs have a place, and which wait for one, oldest first. One that waits for people needs none. */
export class RunLine {
  readonly #options: RunLineOptions
  readonly #waiting = new Set<Run>()
  readonly #running = new Set<Run>()
  readonly #parked = new Set<Run>()
  #closed = false
  /** The last run that runs has ended, while closing. */
  #onIdle: () => void = () => {}

  constructor(options: RunLineOptions) {
    this.#options = options
  }

  /** Runs that have begun, those that wait for people among them. */
  get begun(): Run[] {
    return [...this.#running, ...this.#parked]
  }

  get running(): ReadonlySet<Run> {
    return this.#running
  }

  get parked(): ReadonlySet<Run> {
    return this.#parked
  }

  get length(): number {
    return this.#waiting.size
  }

  /** Run → it is the so manieth of all that wait. */
  places(): Map<Run, number> {
    return new Map([...this.#waiting].map((run, i) => [run, i + 1]))
  }

  isFullFor(user: User): boolean {
    let waiting = 0
    for (const run of this.#waiting) if (run.user.id === user.id) waiting += 1
    return waiting >= this.#options.maxQueuedTasksPerUser
  }

  add(run: Run): void {
    this.#waiting.add(run)
  }

  /** One that has begun in an earlier process, and waits for people. */
  addParked(run: Run): void {
    this.#parked.add(run)
  }

  /** Begins the oldest runs that have a place, at the next turn of the event loop: the answer to `POST` comes first. */
  beginNext(): void {
    setImmediate(() => {
      // One that was being made when the end began stays queued, for the next start.
      if (this.#closed) return
      const { maxTasks, maxTasksPerUser, begin } = this.#options
      for (const run of this.#waiting) {
        if (this.#running.size >= maxTasks) return
        const ofUser = [...this.#running].filter((other) => other.user.id === run.user.id).length
        if (ofUser >= maxTasksPerUser) continue
        this.#waiting.delete(run)
        this.#running.add(run)
        begin(run)
      }
    })
  }

  /** It waits for people, and its place is free; or it goes on, at once, even where that is one too many. */
  park(run: Run, parked: boolean): void {
    const [from, to] = parked ? [this.#running, this.#parked] : [this.#parked, this.#running]
    if (from.delete(run)) to.add(run)
    if (parked) this.#freed()
  }

  ended(run: Run): void {
    for (const runs of [this.#waiting, this.#running, this.#parked]) runs.delete(run)
    this.#freed()
  }

  /** Begins no more; returns when nothing runs, or after `drainMs`. */
  async close(drainMs: number): Promise<void> {
    this.#closed = true
    this.#waiting.clear()
    if (this.#running.size === 0 || drainMs === 0) return
    await new Promise<void>((resolve) => {
      const patience = setTimeout(resolve, drainMs)
      this.#onIdle = () => {
        clearTimeout(patience)
        resolve()
      }
    })
  }

  #freed(): void {
    if (!this.#closed) this.beginNext()
    else if (this.#running.size === 0) this.#onIdle()
  }
}
