import { encodeEvent, eventPieces, type MessageChange } from '../../shared/events.ts'
import { readMessage, readMessageFields, type MessageFields } from '../../shared/schema.ts'
import { Position } from '../document/position.ts'
import type { Difference } from '../room/catchup.ts'
import { fragmentBytes, type Frames } from '../room/frame.ts'
import type { ChangeObserver } from '../room/audience.ts'
import type { Room } from '../room/room.ts'
import { eventFrames } from './event-frames.ts'
import { finalId, readEventId } from './event-id.ts'
import { toEach } from '../room/fence.ts'
import { changesSince } from './resume.ts'

/** A reader of states gets no more than one in this time, the last one excepted. */
export const stateMs = 500

/** `deltas`: a snapshot, then changes. `states`: the whole message again and again. */
export type EventMode = 'deltas' | 'states'

/** One who reads a feed: what the feed tells it. */
export interface FeedReader {
  readonly mode: EventMode
  /** Every change, behind the log. `last`: the end is among it. */
  deliver(frames: Frames, last: boolean): void
  /** What has changed cannot be told change by change: one that was sent everything is sent all of it again. */
  startAnew(): void
  /** The message has changed, or the reader has room again. */
  offerState(): void
  /** The document is lost. */
  lose(): void
  /** What it was told has thrown: its answer ends. */
  fail(error: unknown): void
}

/** A whole message as one event, with the version that it shows. */
interface State {
  difference: Difference
  version: number
  at: number
}

/**
 * The server-sent events of one room. Each text is encoded once, by the first
 * who needs it, and all readers are handed the same buffer. It exists while
 * the room has readers.
 */
export class EventFeed implements ChangeObserver {
  readonly room: Room
  readonly #now: () => number
  readonly #readers = new Set<FeedReader>()
  #position: Position
  /** Rises with every change that was shown. */
  #version = 0
  #differences = new Map<string, Difference>()
  #state: State | null = null
  #stateTimer: { due: number; timer: NodeJS.Timeout } | null = null

  private constructor(room: Room, now: () => number) {
    this.room = room
    this.#now = now
    this.#position = Position.of(room.doc, room.lineage)
  }

  /** Adds a reader to the room's feed. To be called while nothing is appending. */
  static join<R extends FeedReader>(room: Room, now: () => number, makeReader: (feed: EventFeed) => R): R {
    const feed =
      [...room.audience.observers].find((observer) => observer instanceof EventFeed) ?? new EventFeed(room, now)
    room.audience.observers.add(feed)
    const reader = makeReader(feed)
    feed.#readers.add(reader)
    return reader
  }

  leave(reader: FeedReader): void {
    this.#readers.delete(reader)
    if (this.#readers.size > 0) return
    this.#clearStateTimer()
    this.room.audience.observers.delete(this)
  }

  /** Where a reader stands that has been sent everything. */
  get position(): string {
    return this.#position.toString()
  }

  get version(): number {
    return this.#version
  }

  shown(changes: readonly MessageChange[]): void {
    this.#version += 1
    this.#differences.clear()
    const { ended } = this.room
    const readers = [...this.#readers]
    const followers = readers.filter(({ mode }) => mode === 'deltas')
    let text = ''
    for (const change of changes) {
      this.#position.advance(change)
      if (followers.length > 0) text += encodeEvent(change, this.position)
    }
    if (followers.length > 0) {
      const frames = eventFrames(ended ? text + this.#end(this.position) : text)
      toEach(followers, (reader) => reader.deliver(frames, ended), failed)
    }
    if (readers.length === followers.length) return
    if (ended) toEach(readers, (reader) => reader.offerState(), failed)
    else this.#scheduleStates((this.#state?.at ?? 0) + stateMs)
  }

  moved(): void {
    this.#version += 1
    this.#differences.clear()
    this.#position = Position.of(this.room.doc, this.room.lineage)
    toEach([...this.#readers], (reader) => reader.startAnew(), failed)
    this.#scheduleStates(this.room.ended ? 0 : (this.#state?.at ?? 0) + stateMs)
  }

  lost(): void {
    toEach(
      [...this.#readers],
      (reader) => reader.lose(),
      (_reader, error) => this.room.onFault(error),
    )
  }

  /** What a reader with this event id lacks, the end included where there is one. Readers with equal ids share it. The room must be held. */
  *difference(since: string | null): Generator<void, Difference> {
    const key = since ?? ''
    let difference = this.#differences.get(key)
    if (!difference) {
      const frames: Uint8Array[] = []
      let bytes = 0
      for (const piece of this.#catchUp(since)) {
        for (const frame of eventFrames(piece)) {
          frames.push(frame)
          bytes += frame.length
        }
        yield
      }
      difference = { frames, bytes, holders: 0 }
      this.#differences.set(key, difference)
    }
    return difference
  }

  /** The whole message, not older than `stateMs`, and its end where there is one. The room must be held. */
  *state(): Generator<void, State> {
    const { ended } = this.room
    const now = this.#now()
    const known = this.#state
    if (known && (known.version === this.#version || (!ended && now - known.at < stateMs))) return known
    return (this.#state = { difference: yield* this.difference(null), version: this.#version, at: now })
  }

  /** A reader could not be served for its rate: it wants the state at this time (epoch ms). */
  wantState(at: number): void {
    this.#scheduleStates(at)
  }

  #scheduleStates(due: number): void {
    if (this.#stateTimer && this.#stateTimer.due <= due) return
    this.#clearStateTimer()
    this.#stateTimer = {
      due,
      timer: setTimeout(
        () => {
          this.#stateTimer = null
          toEach([...this.#readers], (reader) => reader.offerState(), failed)
        },
        Math.max(0, due - this.#now()),
      ),
    }
  }

  #clearStateTimer(): void {
    if (this.#stateTimer) clearTimeout(this.#stateTimer.timer)
    this.#stateTimer = null
  }

  /** In pieces that make no more than one write each. */
  *#catchUp(since: string | null): Generator<string, void> {
    const { room } = this
    const read = since === null ? null : readEventId(since).position
    const position = read && Position.at(room.doc, room.lineage, read)
    let small = ''
    for (const piece of position ? this.#changes(position) : this.#snapshot()) {
      small += piece
      if (small.length < fragmentBytes) continue
      yield small
      small = ''
    }
    yield room.ended ? small + this.#end(this.position) : small
  }

  *#changes(position: Position): Generator<string, void> {
    for (const change of changesSince(this.room.doc, position)) {
      position.advance(change)
      yield* eventPieces(change, position.toString())
    }
  }

  #snapshot(): Iterable<string> {
    return eventPieces({ type: 'snapshot', message: readMessage(this.room.doc) }, this.position)
  }

  #end(position: string): string {
    return encodeEnd(readMessageFields(this.room.doc), position)
  }
}

function failed(reader: FeedReader, error: unknown): void {
  reader.fail(error)
}

/** The last event of a message: how it ended. */
export function encodeEnd(message: MessageFields, position: string): string {
  const { status, endedAt, finishReason, note, usage, error } = message
  const fields = {
    status,
    ...(endedAt !== undefined && { endedAt }),
    ...(finishReason && { finishReason }),
    ...(note !== undefined && { note }),
    ...(usage && { usage }),
    ...(error && { error }),
  }
  return encodeEvent({ type: 'end', fields }, finalId(position, message))
}
