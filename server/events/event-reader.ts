import type { CatchUpQueue, Difference } from '../room/catchup.ts'
import type { Frames } from '../room/frame.ts'
import type { Outbox } from '../room/outbox.ts'
import { stateMs, type EventFeed, type EventMode, type FeedReader } from './event-feed.ts'
import type { OnFault } from '../room/fence.ts'

type Progress =
  /** Every change is sent as it comes. */
  | { state: 'live' }
  /** Nothing is sent until what it lacks since this event id has been; null: it has nothing. */
  | { state: 'behind'; since: string | null; inLine: boolean }

const live: Progress = { state: 'live' }

export interface EventReaderOptions {
  feed: EventFeed
  mode: EventMode
  outbox: Outbox
  catchUp: CatchUpQueue
  /** `Last-Event-ID`. */
  since: string | null
  now: () => number
  /** The last event has been taken, or the document is lost: nothing more comes. */
  onOver: () => void
}

/** One reader of a room's events, and how far it has been sent. */
export class EventReader implements FeedReader {
  readonly mode: EventMode
  readonly #options: EventReaderOptions
  #progress: Progress
  #closed = false
  // Of a reader of states.
  #sent = { version: -1, at: -Infinity }
  #inFlight = false

  constructor(options: EventReaderOptions) {
    this.#options = options
    this.mode = options.mode
    this.#progress = { state: 'behind', since: options.since, inLine: false }
    options.outbox.onLag = () => {
      if (this.#progress === live) this.#progress = { state: 'behind', since: options.feed.position, inLine: false }
    }
    options.outbox.onDrain = () => this.begin()
  }

  /** Sends what the reader lacks, when its turn comes. */
  begin(): void {
    if (this.mode === 'states') this.offerState()
    else this.#catchUp()
  }

  deliver(frames: Frames, last: boolean): void {
    if (this.#progress !== live) return
    if (last) this.#sendLast(frames, () => {})
    else this.#options.outbox.send(frames)
  }

  startAnew(): void {
    if (this.#progress !== live) return
    this.#progress = { state: 'behind', since: null, inLine: false }
    this.begin()
  }

  /** It is sent no more than one state in `stateMs`, the end excepted. */
  offerState(): void {
    const { feed, catchUp, now } = this.#options
    if (this.mode !== 'states' || this.#inFlight || this.#closed || this.#sent.version === feed.version) return
    const due = this.#sent.at + stateMs
    if (!feed.room.ended && due > now()) return feed.wantState(due)
    this.#inFlight = true
    catchUp.enter({
      prepare: (ready, failed) => this.#prepareState(ready, failed),
      send: (state, release) => this.#sendState(state, release),
      fail: (error) => this.fail(error),
    })
  }

  lose(): void {
    this.#options.onOver()
  }

  /** Something of this reader's own has thrown: its answer ends, and its client comes back. */
  fail(error: unknown): void {
    this.#options.feed.room.onFault(error)
    this.lose()
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#options.feed.leave(this)
    this.#options.outbox.close()
  }

  #catchUp(): void {
    const { outbox, catchUp } = this.#options
    const progress = this.#progress
    if (progress.state === 'live' || progress.inLine || outbox.lagging) return
    progress.inLine = true
    catchUp.enter({
      prepare: (ready, failed) => this.#prepareDifference(progress, ready, failed),
      send: (difference, release) => this.#sendDifference(difference, release),
      fail: (error) => this.fail(error),
    })
  }

  #prepareDifference(
    progress: Progress & { state: 'behind' },
    ready: (difference: Difference | null) => void,
    failed: OnFault,
  ): void {
    const { feed, outbox } = this.#options
    const { room } = feed
    progress.inLine = false
    const isWanted = () => !this.#closed && this.#progress === progress && !outbox.lagging && !room.lost
    if (!isWanted()) return ready(null)
    if (room.appending) {
      room.whenSettled(() => this.#catchUp())
      return ready(null)
    }
    room.hold(feed.difference(progress.since), (difference) => ready(isWanted() ? difference : null), failed)
  }

  #sendDifference(difference: Difference, release: () => void): void {
    const { feed, outbox } = this.#options
    this.#progress = live
    if (feed.room.ended) this.#sendLast(difference.frames, release)
    else outbox.sendTracked(difference.frames, release)
  }

  #prepareState(ready: (difference: Difference | null) => void, failed: OnFault): void {
    const { feed } = this.#options
    const { room } = feed
    if (this.#closed || room.lost) return ready(null)
    if (room.appending) {
      this.#inFlight = false
      room.whenSettled(() => this.offerState())
      return ready(null)
    }
    room.hold(
      feed.state(),
      (state) => {
        if (!state || this.#closed) return ready(null)
        const { version, difference } = state
        this.#inFlight = version !== this.#sent.version
        this.#sent = { version, at: this.#inFlight ? this.#options.now() : this.#sent.at }
        ready(this.#inFlight ? difference : null)
      },
      failed,
    )
  }

  #sendState(state: Difference, release: () => void): void {
    if (this.#options.feed.room.ended) return this.#sendLast(state.frames, release)
    this.#options.outbox.sendTracked(state.frames, () => {
      release()
      this.#inFlight = false
      this.offerState()
    })
  }

  #sendLast(frames: Frames, release: () => void): void {
    this.#options.outbox.sendTracked(frames, () => {
      release()
      if (!this.#closed) this.#options.onOver()
    })
  }
}
