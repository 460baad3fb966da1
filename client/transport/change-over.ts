import type { TransportName } from '../../shared/transports.ts'
import type { TransportChoice } from './choice.ts'
import type { Passage } from './passage.ts'

/** A line that was left is heard until the new one shows all that was followed on it, and no longer than this. */
const leavingMs = 5_000

type Timer = ReturnType<typeof setTimeout> | undefined

export interface ChangeOverEvents {
  /** Opens another line. `welcome`: it can be used. */
  pass: (transport: TransportName, welcome: () => void) => Passage
  /** Tries again what is better, now. */
  tryBetter: () => void
  /** From now on this one is spoken on; what it had is heard until `leave`. */
  take: (passage: Passage) => void
}

/**
 * From one line to another without a gap: the new one is opened beside the old one, takes over, and the old one is left
 * when all that was followed on it is followed on the new one.
 */
export class ChangeOver {
  readonly #choice: TransportChoice
  readonly #events: ChangeOverEvents
  #next: Passage | null = null
  /** What is tried if the next one fails, best first. */
  #others: readonly TransportName[] = []
  #timer: Timer
  #leaving: { passage: Passage; timer: Timer; told: Map<string, Passage> } | null = null
  /** The line that is open. */
  #current: Passage | null = null

  constructor(choice: TransportChoice, events: ChangeOverEvents) {
    this.#choice = choice
    this.#events = events
  }

  /** Both lines tell of what happens to a chat: is this what the other has told already? */
  isRepeated(event: string, passage: Passage): boolean {
    if (!this.#leaving) return false
    const { told } = this.#leaving
    const other = told.get(event)
    if (other && other !== passage) return told.delete(event)
    told.set(event, passage)
    return false
  }

  /** This line is open; what is better is tried again later. */
  opened(current: Passage): void {
    this.#current = current
    this.#plan()
  }

  /** Opens the first of these beside what is open, and the next where that fails. */
  begin(candidates: readonly TransportName[]): void {
    const [transport, ...others] = candidates
    if (transport === undefined || !this.#current || this.#leaving) return
    clearTimeout(this.#timer)
    void this.#next?.close()
    this.#others = others
    this.#next = this.#events.pass(transport, () => this.#take())
  }

  /** All that was followed is followed on this line: the one before it is left. */
  settled(passage: Passage): void {
    if (this.#current === passage) this.#leave()
  }

  /** A line has ended. False: it was none of these. The line that was being left, where that is to be gone back to. */
  ended(passage: Passage): boolean | Passage {
    if (passage === this.#next) {
      this.#next = null
      // It could be opened before: what is sent on it does not come.
      if (passage.transport === 'stream') this.#choice.heldBack()
      if (this.#others.length > 0) this.begin(this.#others)
      else this.#plan()
      return true
    }
    if (!this.#leaving) return false
    const left = this.#leaving
    clearTimeout(left.timer)
    this.#leaving = null
    return passage === left.passage ? true : left.passage
  }

  /** Everything of it is over. Answers with the lines that it had beside the open one. */
  stop(): Passage[] {
    clearTimeout(this.#timer)
    clearTimeout(this.#leaving?.timer)
    const had = [this.#next, this.#leaving?.passage].filter((passage) => passage !== null && passage !== undefined)
    this.#next = this.#leaving = this.#current = null
    return had
  }

  #plan(): void {
    clearTimeout(this.#timer)
    if (this.#current && this.#current.transport !== 'websocket')
      this.#timer = setTimeout(() => this.#events.tryBetter(), this.#choice.retryMs())
  }

  #take(): void {
    const passage = this.#next
    if (!passage || !this.#current) return
    this.#next = null
    this.#leaving = { passage: this.#current, timer: setTimeout(() => this.#leave(), leavingMs), told: new Map() }
    this.#events.take(passage)
  }

  #leave(): void {
    if (!this.#leaving) return
    clearTimeout(this.#leaving.timer)
    void this.#leaving.passage.close()
    this.#leaving = null
  }
}
