interface Runs {
  now: Promise<void>
  /** Begins when `now` is over, for all who have asked since that began. */
  next: Promise<void> | null
}

/** A look at something elsewhere that many may ask for at once: one at a time for each key, and at most one waits. */
export class Coalesced<Key> {
  readonly #look: (key: Key) => Promise<void>
  readonly #runs = new Map<Key, Runs>()

  constructor(look: (key: Key) => Promise<void>) {
    this.#look = look
  }

  /** Resolves after a look that began when this was called, or later. Throws what that look throws. */
  async ask(key: Key): Promise<void> {
    const runs = this.#runs.get(key)
    if (!runs) return await this.#begin(key)
    // One under way may have looked before this was asked.
    runs.next ??= runs.now.then(
      () => this.#begin(key),
      () => this.#begin(key),
    )
    await runs.next
  }

  #begin(key: Key): Promise<void> {
    const runs: Runs = { now: this.#look(key), next: null }
    this.#runs.set(key, runs)
    const over = () => {
      if (runs.next === null) this.#runs.delete(key)
    }
    runs.now.then(over, over)
    return runs.now
  }
}
