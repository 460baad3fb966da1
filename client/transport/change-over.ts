import { afterClose } from '../../shared/errors.ts'
import type { TransportName } from '../../shared/transports.ts'
import type { TransportChoice } from './choice.ts'
import type { LineEnd } from './line.ts'
import type { Passage } from './passage.ts'
import { Told } from './told.ts'

/** A line that was left is heard until the new one shows all that was followed on it, and no longer than this. */
const leavingMs = 5_000

type Timer = ReturnType<typeof setTimeout> | undefined

export interface ChangeOverEvents {
  /** Opens another line. `welcome`: it can be used. */
  pass: (transport: TransportName, welcome: () => void) => Passage
  /** Tries again what is better, now. */
  tryBetter: () => void
  /** From now on this one is spoken on; what it had is heard until `left`. */
  take: (passage: Passage) => void
  /** There is one line again. */
  left: () => void
}

/**
 * From one line to another without a gap: the new one is opened beside the old one, takes over, and the old one is left
 * when all that was followed on it is followed on the new one, and all is heard that it was sent.
 */
export class ChangeOver {
  readonly #choice: TransportChoice
  readonly #events: ChangeOverEvents
  #next: Passage | null = null
  /** What is tried if the next one fails, best first. */
  #others: readonly TransportName[] = []
  #timer: Timer
  #leaving: { passage: Passage; timer: Timer; isSettled: boolean; isHeardOut: boolean } | null = null
  /** The line that is open. */
  #current: Passage | null = null
  /** From when the next line is opened until the last word of the other has come on the one that stays. */
  #told: Told | null = null

  constructor(choice: TransportChoice, events: ChangeOverEvents) {
    this.#choice = choice
    this.#events = events
  }

  /** Both lines tell of what happens to a chat: is this what the other has told already? */
  isRepeated(event: string, passage: Passage): boolean {
    return this.#told?.isRepeated(event, passage) ?? false
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
    this.#others = others
    if (transport === 'websocket') this.#choice.tried()
    if (this.#next?.transport === transport) return
    clearTimeout(this.#timer)
    void this.#next?.close()
    this.#told = new Told()
    this.#next = this.#events.pass(transport, () => this.#take())
  }

  /** All that was followed is followed on this line: the one before it has not to be heard for that. */
  settled(passage: Passage): void {
    if (this.#current !== passage || !this.#leaving) return
    this.#leaving.isSettled = true
    this.#leaveIfDone()
  }

  /** A line has ended. False: it was none of these. The line that was being left, where that is to be gone back to. */
  ended(passage: Passage, end: LineEnd, byTransport: boolean): boolean | Passage {
    if (passage === this.#next) {
      this.#next = null
      this.#oneLine()
      // What the server says itself is no fault of the transport, and said of all of them.
      const cannotBeHad = byTransport && afterClose(end.code) === 'retry'
      if (cannotBeHad) this.#choice.cannotBeHad(passage.transport, end)
      else this.#choice.putOff(end.retryAfterMs ?? 0)
      if (cannotBeHad && this.#others.length > 0) this.begin(this.#others)
      else this.#plan()
      return true
    }
    if (!this.#leaving) return false
    const left = this.#leaving.passage
    clearTimeout(this.#leaving.timer)
    this.#leaving = null
    if (passage !== left) this.#current = left
    this.#oneLine()
    if (passage !== left) return left
    this.#plan()
    this.#events.left()
    return true
  }

  /** Everything of it is over. Answers with the lines that it had beside the open one. */
  stop(): Passage[] {
    clearTimeout(this.#timer)
    clearTimeout(this.#leaving?.timer)
    const had = [this.#next, this.#leaving?.passage].filter((passage) => passage !== null && passage !== undefined)
    this.#next = this.#leaving = this.#current = this.#told = null
    return had
  }

  #plan(): void {
    clearTimeout(this.#timer)
    if (!this.#current || this.#current.transport === 'websocket') return
    this.#timer = setTimeout(() => this.#events.tryBetter(), Math.max(0, this.#choice.retryAt() - Date.now()))
  }

  #take(): void {
    const passage = this.#next
    const left = this.#current
    if (!passage || !left) return
    this.#next = null
    const timer = setTimeout(() => this.#leave(), leavingMs)
    const leaving = { passage: left, timer, isSettled: false, isHeardOut: false }
    this.#leaving = leaving
    // The new line is told what happens from now on; its pong stands behind all that happened before.
    left.ping(() => {
      leaving.isHeardOut = true
      if (this.#leaving === leaving) this.#leaveIfDone()
    })
    this.#events.take(passage)
  }

  #leaveIfDone(): void {
    if (this.#leaving?.isSettled && this.#leaving.isHeardOut) this.#leave()
  }

  #leave(): void {
    if (!this.#leaving) return
    clearTimeout(this.#leaving.timer)
    void this.#leaving.passage.close()
    this.#leaving = null
    this.#oneLine()
    this.#plan()
    this.#events.left()
  }

  /** What the other has told may still be on its way here. */
  #oneLine(): void {
    const told = this.#told
    this.#current?.ping(() => {
      if (this.#told === told) this.#told = null
    })
  }
}
