/** What cannot be followed is read again so often, at the most. */
export const rereadMs = 5_000
/** Between two reads of any of them: half of what a server lets one user ask. */
const betweenMs = 100

/**
 * Documents that find no place on the line, for the server follows only so many for one client: each is read over HTTP
 * now and then, one after the other.
 */
export class Unplaced {
  readonly #read: (id: string) => Promise<void>
  /** When it was read last; 0: never. */
  readonly #readAt = new Map<string, number>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #isReading = false

  constructor(read: (id: string) => Promise<void>) {
    this.#read = read
  }

  add(id: string): void {
    if (this.#readAt.has(id)) return
    this.#readAt.set(id, 0)
    this.#plan(0)
  }

  delete(id: string): void {
    if (!this.#readAt.delete(id) || this.#readAt.size > 0) return
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  close(): void {
    for (const id of [...this.#readAt.keys()]) this.delete(id)
  }

  #plan(leastMs: number): void {
    if (this.#isReading || this.#readAt.size === 0) return
    clearTimeout(this.#timer)
    const oldest = Math.min(...this.#readAt.values())
    this.#timer = setTimeout(() => void this.#next(), Math.max(leastMs, oldest + rereadMs - Date.now()))
  }

  async #next(): Promise<void> {
    this.#timer = undefined
    const [id] = [...this.#readAt].reduce((oldest, entry) => (entry[1] < oldest[1] ? entry : oldest))
    this.#readAt.set(id, Date.now())
    this.#isReading = true
    await this.#read(id).finally(() => {
      this.#isReading = false
    })
    this.#plan(betweenMs)
  }
}
