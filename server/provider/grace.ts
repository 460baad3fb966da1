/**
 * How much longer something is waited for that need not come: a time that only
 * waiting uses up, whatever comes meanwhile. A reader that is slow loses none of it.
 */
export class Grace {
  #leftMs: number
  #timer: NodeJS.Timeout | undefined

  constructor(ms: number) {
    this.#leftMs = ms
  }

  get isOver(): boolean {
    return this.#leftMs <= 0
  }

  /** A wait begins; `stop` ends it when the time is over. */
  begin(stop: () => void): void {
    this.#timer = setTimeout(stop, Math.max(0, this.#leftMs))
  }

  /** It has ended, after so long. */
  end(waitedMs: number): void {
    clearTimeout(this.#timer)
    this.#leftMs -= waitedMs
  }
}
