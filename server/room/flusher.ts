import { RunnelError } from '../../shared/errors.ts'
import type { LogAppend, LogResult, UpdateLog } from '../cluster/cluster.ts'
import type { Outbox } from './outbox.ts'
import type { Room } from './room.ts'

/** The tick never gets longer than this, however loaded the process is. */
const maxTickMs = 250

/**
 * The one clock by which documents are written: what is urgent goes out at the
 * end of this turn of the event loop, other text on the shared tick, and each
 * time one commit of the log serves every document that changed.
 */
export class Flusher {
  readonly #log: UpdateLog
  readonly #flushMs: number
  readonly #lose: (room: Room, error: RunnelError) => void
  readonly #urgent = new Set<Room>()
  readonly #waiting = new Set<Room>()
  readonly #corked = new Set<Outbox>()
  readonly #cork = (outbox: Outbox): void => {
    outbox.cork()
    this.#corked.add(outbox)
  }
  #immediate: NodeJS.Immediate | null = null
  #timer: NodeJS.Timeout | null = null
  #tickMs: number
  #lastTick = 0

  constructor(options: { log: UpdateLog; flushMs: number; lose: (room: Room, error: RunnelError) => void }) {
    this.#log = options.log
    this.#flushMs = this.#tickMs = options.flushMs
    this.#lose = options.lose
  }

  /** The length of the tick now, ms: `RUNNEL_FLUSH_MS`, more under load. */
  get tickMs(): number {
    return this.#tickMs
  }

  /** Something waits in the room's writer. */
  schedule(room: Room, urgent: boolean): void {
    if (urgent) {
      this.#urgent.add(room)
      this.#immediate ??= setImmediate(() => {
        this.#immediate = null
        const rooms = [...this.#urgent]
        this.#urgent.clear()
        this.#flush(rooms)
      })
    } else if (!this.#urgent.has(room)) {
      this.#waiting.add(room)
      if (!this.#timer) this.#startTick()
    }
  }

  /**
   * Writes and shows what waits in one room: now, or behind the append that is
   * in flight. Calls back when that is in the log, or the room is lost.
   */
  flushNow(room: Room, written: () => void = () => {}): void {
    room.whenSettled(() => {
      this.#flush([room])
      room.whenSettled(written)
    })
  }

  /** Flushes all that waits and stops the clock. */
  close(): void {
    if (this.#immediate) clearImmediate(this.#immediate)
    if (this.#timer) clearTimeout(this.#timer)
    this.#immediate = this.#timer = null
    this.#flush([...this.#urgent, ...this.#waiting])
    this.#urgent.clear()
    this.#waiting.clear()
  }

  /** Ticks lie on one grid, so that documents that changed in between share a commit. */
  #startTick(): void {
    const now = performance.now()
    const due = Math.max(this.#lastTick + this.#tickMs, now)
    this.#timer = setTimeout(() => this.#tick(due), due - now)
  }

  #tick(due: number): void {
    this.#timer = null
    this.#lastTick = performance.now()
    // A tick that comes a whole tick late found the process busy: fewer, larger ticks cost less.
    const late = this.#lastTick - due
    this.#tickMs = late > this.#flushMs
      ? Math.min(this.#tickMs * 1.5, maxTickMs)
      : Math.max(this.#tickMs * 0.9, this.#flushMs)
    const rooms = [...this.#waiting]
    this.#waiting.clear()
    this.#flush(rooms)
  }

  #flush(rooms: readonly Room[]): void {
    const changed: Room[] = []
    const entries: LogAppend[] = []
    for (const room of rooms) {
      this.#waiting.delete(room)
      const entry = this.#attempt([room], () => room.commit())
      if (entry) {
        changed.push(room)
        entries.push(entry)
      }
    }
    if (entries.length === 0) return
    const results = this.#attempt(changed, () => this.#log.append(entries))
    if (results instanceof Promise) {
      results.then(
        results => this.#publish(changed, entries, results),
        (error: unknown) => this.#loseAll(changed, error),
      )
    } else if (results) {
      this.#publish(changed, entries, results)
    }
  }

  #publish(rooms: readonly Room[], entries: readonly LogAppend[], results: readonly LogResult[]): void {
    rooms.forEach((room, i) => {
      const result = results[i]!
      if (room.lost) return
      if (result.status !== 'ok') {
        this.#lose(room, new RunnelError('store_unavailable', 'Another writer has taken this document over.'))
        return
      }
      const state = room.publish(result.seq, this.#cork)
      if (state) this.#compact(room, entries[i]!.epoch, result.seq, state)
      // With a log that answers later, edits came in while it did.
      if (room.writer?.dirty) this.schedule(room, true)
    })
    for (const outbox of this.#corked) outbox.uncork()
    this.#corked.clear()
  }

  #compact(room: Room, epoch: number, seq: number, state: Uint8Array): void {
    const done = this.#attempt([room], () => this.#log.compact(room.id, epoch, seq, state))
    if (done instanceof Promise) done.catch((error: unknown) => this.#loseAll([room], error))
  }

  #attempt<T>(rooms: readonly Room[], action: () => T): T | null {
    try {
      return action()
    } catch (error) {
      this.#loseAll(rooms, error)
      return null
    }
  }

  #loseAll(rooms: readonly Room[], error: unknown): void {
    const reason = error instanceof RunnelError
      ? error
      : new RunnelError('internal', 'This document could not be written.', { cause: error })
    for (const room of rooms) if (!room.lost) this.#lose(room, reason)
  }
}
