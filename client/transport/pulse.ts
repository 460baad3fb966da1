import type { Passage } from './passage.ts'

/** What a `ping` may take before the line counts as dead. */
const pongMs = 3_000

type Timer = ReturnType<typeof setTimeout> | undefined

/** Is a line alive? The server speaks by itself; where it is silent it is asked, and where it does not answer the line is dead. */
export class Pulse {
  readonly #passage: Passage
  readonly #dead: () => void
  #heardAt = Date.now()
  #probing = false
  #timer: Timer

  constructor(passage: Passage, dead: () => void) {
    this.#passage = passage
    this.#dead = dead
    this.#listen()
  }

  /** A frame does not move the timer, only the time it looks at. */
  heard(): void {
    this.#heardAt = Date.now()
    if (this.#probing) this.#listen()
  }

  /** Asks now. */
  probe(): void {
    if (this.#passage.silenceMs === null) return this.#passage.doubt()
    if (this.#probing) return
    this.#probing = true
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#dead(), pongMs)
    this.#passage.ping(() => {})
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #listen(): void {
    this.#probing = false
    clearTimeout(this.#timer)
    const { silenceMs } = this.#passage
    if (silenceMs === null) return
    const restMs = this.#heardAt + silenceMs - Date.now()
    this.#timer = setTimeout(
      () => {
        if (Date.now() - this.#heardAt < silenceMs) this.#listen()
        else this.probe()
      },
      Math.max(0, restMs),
    )
  }
}
