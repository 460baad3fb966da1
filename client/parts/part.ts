import type { Listeners } from '../listeners.ts'

/** A part of something live, for whoever shows that part alone. The two fit React's `useSyncExternalStore`. */
export interface Part<Snapshot> {
  /** The same object while nothing in it has changed. */
  readonly getSnapshot: () => Snapshot
  readonly subscribe: (listener: () => void) => () => void
}

/** Follows something from the first who listens to any of its parts until the last has gone. */
export class Followed {
  readonly #start: () => () => void
  #stop: (() => void) | null = null
  #users = 0

  /** `start` answers with its end. */
  constructor(start: () => () => void) {
    this.#start = start
  }

  get isUsed(): boolean {
    return this.#users > 0
  }

  /** `listeners` is asked once it is followed. */
  listen(listeners: () => Listeners, listener: () => void): () => void {
    if (this.#users++ === 0) this.#stop = this.#start()
    const remove = listeners().add(listener)
    let removed = false
    return () => {
      if (removed) return
      removed = true
      remove()
      if (--this.#users === 0) this.#stop?.()
    }
  }
}

/** `last` where all fields are the same ones, else `next`. */
export function sameOr<Fields extends object>(last: Fields, next: Fields): Fields {
  const keys = Object.keys(next) as (keyof Fields)[]
  return keys.length === Object.keys(last).length && keys.every((key) => next[key] === last[key]) ? last : next
}
