/** Who wants to hear of something. A listener that throws is reported as an uncaught error and disturbs no other. */
export class Listeners<Event = void> {
  readonly #listeners = new Map<object, (event: Event) => void>()

  get size(): number {
    return this.#listeners.size
  }

  /** The same function added twice is called twice. The answer removes it and is idempotent. */
  add(listener: (event: Event) => void): () => void {
    const key = {}
    this.#listeners.set(key, listener)
    return () => void this.#listeners.delete(key)
  }

  emit(event: Event): void {
    for (const listener of [...this.#listeners.values()]) {
      try {
        listener(event)
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}
