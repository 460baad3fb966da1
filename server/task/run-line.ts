import type { User } from '../auth/auth.ts'
import { within } from '../waiting/race.ts'
import type { Run } from './run.ts'

export interface RunLineOptions {
  maxTasks: number
  maxTasksPerUser: number
  maxQueuedTasksPerUser: number
  begin: (run: Run) => void
}

/** Which runs have a slot, and which wait for one, oldest first. One that waits for people needs none. */
export class RunLine {
  readonly #options: RunLineOptions
  readonly #waiting = new Set<Run>()
  /** Users of runs that are being made: each has its position in the line already. */
  readonly #coming: User[] = []
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

  /** Run → its position: it is the so manieth of all that wait. */
  positions(): Map<Run, number> {
    return new Map([...this.#waiting].map((run, i) => [run, i + 1]))
  }

  /** A position in the line for a run that is being made; null where it would be one too many. Call what it returns when the run is in the line, or is not to be. */
  reserve(user: User): (() => void) | null {
    if (this.#wouldWait(user) > this.#options.maxQueuedTasksPerUser) return null
    const coming = { ...user }
    this.#coming.push(coming)
    return () => {
      const index = this.#coming.indexOf(coming)
      if (index >= 0) this.#coming.splice(index, 1)
    }
  }

  /** How many runs of a user would wait if one more came: all that find no slot, which they take in their order. */
  #wouldWait(user: User): number {
    const { maxTasks, maxTasksPerUser } = this.#options
    const running = new Map<string, number>()
    for (const { user } of this.#running) running.set(user.id, (running.get(user.id) ?? 0) + 1)
    let slots = maxTasks - this.#running.size
    let waiting = 0
    for (const { id } of [...[...this.#waiting].map(({ user }) => user), ...this.#coming, user]) {
      const own = running.get(id) ?? 0
      if (slots > 0 && own < maxTasksPerUser) {
        slots -= 1
        running.set(id, own + 1)
      } else if (id === user.id) waiting += 1
    }
    return waiting
  }

  add(run: Run): void {
    this.#waiting.add(run)
  }

  /** One that has begun in an earlier process, and waits for people. */
  addParked(run: Run): void {
    this.#parked.add(run)
  }

  /** Begins the oldest runs for which there is a slot, at the next turn of the event loop: the answer to `POST` comes first. */
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

  /** It waits for people, and its slot is free; or it goes on, at once, even where that is one too many. */
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
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#onIdle = resolve
    await within(drainMs, () => new Error('Not all has ended in time.'), promise).catch(() => {})
  }

  #freed(): void {
    if (!this.#closed) this.beginNext()
    else if (this.#running.size === 0) this.#onIdle()
  }
}
