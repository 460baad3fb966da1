/** Limits how fast incoming data is taken. */
export class Pace {
  #bytesPerMs = Infinity
  #wakers = new Set<() => void>()

  /** So many bytes a second for `ms`. Settles when it is over. */
  async slow(bytesPerSecond: number, ms: number): Promise<void> {
    this.#bytesPerMs = bytesPerSecond / 1_000
    await new Promise((resolve) => setTimeout(resolve, ms))
    this.#bytesPerMs = Infinity
    for (const wake of this.#wakers) wake()
  }

  get isSlow(): boolean {
    return this.#bytesPerMs !== Infinity
  }

  /** Settles when so many bytes may have been taken. */
  async take(bytes: number): Promise<void> {
    if (!this.isSlow) return
    await new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        this.#wakers.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, bytes / this.#bytesPerMs)
      this.#wakers.add(wake)
    })
  }
}
