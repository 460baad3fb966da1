import { isRunnelError, RunnelError } from '../../shared/errors.ts'
import type { LogAppend, LogResult, UpdateLog } from '../cluster/cluster.ts'
import type { Outbox } from './outbox.ts'
import type { Compaction, Room } from './room.ts'

/** The tick never gets longer than this, however loaded the process is. */
const maxTickMs = 250
/** A tick is cut into so many slots, and a document written in one of them: no slot holds up the process for long. */
const slots = 4
/** A slot takes so many more than its share: documents that fell into step spread over the slots again. */
const slotSlack = 1.5

/**
 * The one clock by which documents are written: what is urgent goes out at the
 * end of this turn of the event loop, other text a tick after the document's
 * last write, on slots that all share; each time one commit of the log serves
 * every document that is due.
 */
export class Flusher {
  readonly #log: UpdateLog
  readonly #flushMs: number
  readonly #lose: (room: Room, error: RunnelError) => void
  readonly #onShown: (ms: number) => void
  /** With the time at which the first of what waits came. */
  readonly #urgent = new Map<Room, number>()
  /** On the clock of `performance.now`: when it is due, and when the first of it came. */
  readonly #waiting = new Map<Room, { dueAt: number; since: number }>()
  /** Due while an append was in flight, with the same time: they follow it at once. */
  readonly #late = new WeakMap<Room, number>()
  readonly #corked = new Set<Outbox>()
  readonly #cork = (outbox: Outbox): void => {
    outbox.cork()
    this.#corked.add(outbox)
  }
  #immediate: NodeJS.Immediate | null = null
  #timer: NodeJS.Timeout | null = null
  #tickMs: number
  /** Bytes of updates that the log has taken so far. */
  loggedBytes = 0

  /** `onShown` is told, once a broadcast, how long the oldest of what it carries has waited. */
  constructor(options: {
    log: UpdateLog
    flushMs: number
    lose: (room: Room, error: RunnelError) => void
    onShown?: ((ms: number) => void) | undefined
  }) {
    this.#log = options.log
    this.#onShown = options.onShown ?? (() => {})
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
      if (!this.#urgent.has(room))
        this.#urgent.set(room, this.#waiting.get(room)?.since ?? this.#late.get(room) ?? performance.now())
      this.#immediate ??= setImmediate(() => {
        this.#immediate = null
        this.#flush([...this.#urgent.keys()])
      })
    } else if (!this.#urgent.has(room) && !this.#waiting.has(room)) {
      this.#waiting.set(room, {
        dueAt: room.flushedAt + Math.max(this.#tickMs, room.flushMs),
        since: performance.now(),
      })
      this.#startSlot()
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

  /** Puts back what the log has lost of a room that is written here: this, or what it finds that it lacks. */
  restore(room: Room, lost: Uint8Array[] = []): void {
    const entry = room.again(lost)
    if (entry) this.#append([room], [entry], [undefined])
  }

  /** Shows something that is in the log already: all that one outbox gets leaves in one system call. */
  corked<T>(show: (cork: (outbox: Outbox) => void) => T): T {
    try {
      return show(this.#cork)
    } finally {
      this.#uncork()
    }
  }

  /** Flushes all that waits and stops the clock. */
  close(): void {
    if (this.#immediate) clearImmediate(this.#immediate)
    if (this.#timer) clearTimeout(this.#timer)
    this.#immediate = this.#timer = null
    this.#flush([...new Set([...this.#urgent.keys(), ...this.#waiting.keys()])])
  }

  #startSlot(): void {
    if (this.#timer || this.#waiting.size === 0) return
    const slotMs = this.#tickMs / slots
    const due = performance.now() + slotMs
    this.#timer = setTimeout(() => this.#slot(due), slotMs)
  }

  #slot(due: number): void {
    this.#timer = null
    const now = performance.now()
    // A slot that comes a whole tick late found the process busy: fewer, larger writes cost less.
    this.#tickMs =
      now - due > this.#flushMs ? Math.min(this.#tickMs * 1.5, maxTickMs) : Math.max(this.#tickMs * 0.98, this.#flushMs)
    const share = Math.ceil((this.#waiting.size / slots) * slotSlack)
    const rooms = [...this.#waiting].filter(([, { dueAt }]) => dueAt <= now)
    if (rooms.length > share) rooms.sort((a, b) => a[1].dueAt - b[1].dueAt)
    this.#flush(rooms.slice(0, share).map(([room]) => room))
    this.#startSlot()
  }

  #flush(rooms: readonly Room[]): void {
    const changed: Room[] = []
    const entries: LogAppend[] = []
    const now = performance.now()
    const since: (number | undefined)[] = []
    for (const room of rooms) {
      const waitsSince = this.#since(room)
      if (room.appending && !room.lost) {
        if (waitsSince !== undefined) this.#delay(room, waitsSince)
        continue
      }
      room.flushedAt = now
      const entry = this.#attempt([room], () => room.commit())
      if (entry) {
        changed.push(room)
        entries.push(entry)
        since.push(waitsSince)
      }
    }
    // What several nodes write may lie elsewhere: a fault there is not the others'.
    for (const shared of [false, true]) {
      const indices = changed.flatMap((room, i) => (room.shared === shared ? [i] : []))
      if (indices.length > 0)
        this.#append(
          indices.map((i) => changed[i]!),
          indices.map((i) => entries[i]!),
          indices.map((i) => since[i]),
        )
    }
  }

  /** It was due while an append was in flight, or while the document was held, and follows at once. */
  #delay(room: Room, since: number): void {
    if (this.#late.has(room)) return
    this.#late.set(room, since)
    room.whenSettled(() => {
      if (this.#late.has(room) && room.writer?.dirty) this.schedule(room, true)
      this.#late.delete(room)
    })
  }

  #append(rooms: readonly Room[], entries: readonly LogAppend[], since: readonly (number | undefined)[]): void {
    const results = this.#attempt(rooms, () => this.#log.append(entries))
    if (results instanceof Promise) this.#publishLater(rooms, entries, since, results)
    else if (results) this.#publish(rooms, entries, since, results)
  }

  /** Since when the oldest of what this room has to be written waits; from now on nothing does. */
  #since(room: Room): number | undefined {
    const since = this.#urgent.get(room) ?? this.#waiting.get(room)?.since
    this.#urgent.delete(room)
    this.#waiting.delete(room)
    return since
  }

  #publish(
    rooms: readonly Room[],
    entries: readonly LogAppend[],
    since: readonly (number | undefined)[],
    results: readonly LogResult[],
  ): void {
    const shown: number[] = []
    rooms.forEach((room, i) => {
      const result = results[i]!
      if (room.lost) return
      if (result.status === 'unanswered')
        this.#publishLater(
          [room],
          [entries[i]!],
          [since[i]],
          result.answer.then((answer) => [answer]),
        )
      else if (result.status === 'gap') this.#putBack(room, entries[i]!)
      else if (result.status === 'fenced') this.#lose(room, takenOver())
      else if (this.#attempt([room], () => this.#shown(room, entries[i]!, result.seq)) !== null) shown.push(i)
    })
    this.#uncork()
    const now = performance.now()
    for (const i of shown)
      if (since[i] !== undefined && rooms[i]!.audience.viewers.size > 0) this.#onShown(now - since[i])
  }

  #publishLater(
    rooms: readonly Room[],
    entries: readonly LogAppend[],
    since: readonly (number | undefined)[],
    results: Promise<readonly LogResult[]>,
  ): void {
    results.then(
      (results) => this.#publish(rooms, entries, since, results),
      (error: unknown) => this.#loseAll(rooms, error),
    )
  }

  #shown(room: Room, entry: LogAppend, seq: number): void {
    for (const update of entry.updates) this.loggedBytes += update.length
    room.publish(seq, this.#cork, (compaction) => this.#compact(room, entry.epoch, compaction))
    // With a log that answers later, edits came in while it did; what was due then is scheduled already. Text that is not keeps its tick.
    if (room.writer?.dirty) this.schedule(room, false)
  }

  /** The log has lost its tail: this writer has all of it. */
  #putBack(room: Room, entry: LogAppend): void {
    const restored = this.#attempt([room], () =>
      this.#log.restore?.(room.id, entry.epoch, entry.previousSeq + 1, room.encodeState()),
    )
    if (restored === null) return
    if (!restored) return this.#lose(room, takenOver())
    Promise.resolve(restored).then(
      (result) => {
        if (room.lost) return
        if (result.status !== 'ok') return this.#lose(room, takenOver())
        this.#attempt([room], () => this.#shown(room, entry, result.seq))
        this.#uncork()
      },
      (error: unknown) => this.#loseAll([room], error),
    )
  }

  #uncork(): void {
    for (const outbox of this.#corked) outbox.uncork()
    this.#corked.clear()
  }

  #compact(room: Room, epoch: number, compaction: Compaction | null): void {
    if (!compaction) return
    const { seq, state } = compaction
    const done = this.#attempt([room], () => this.#log.compact(room.id, epoch, seq, state, room.shared))
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
    const reason = isRunnelError(error)
      ? error
      : new RunnelError('internal', 'This document could not be written.', { cause: error })
    for (const room of rooms) {
      if (room.lost) continue
      if (reason !== error) room.onFault(error)
      this.#lose(room, reason)
    }
  }
}

function takenOver(): RunnelError {
  return new RunnelError('store_unavailable', 'Another writer has taken this document over.')
}
