import type { Response } from 'express'
import type { MessageChange } from '../../../shared/events.ts'
import { readMessage, type Message } from '../../../shared/schema.ts'
import { eventFrames, newDifference } from '../../events/event-frames.ts'
import type { EventStream } from '../../events/event-stream.ts'
import type { CatchUpQueue } from '../../room/catchup.ts'
import { ownFault } from '../../room/fence.ts'
import type { ChangeObserver } from '../../room/audience.ts'
import type { Room } from '../../room/room.ts'
import { outcomeOf, type Failure } from './outcome.ts'
import type { AnswerEncoder, DoorSpeech } from './speech.ts'

export interface DoorStreamOptions {
  response: Response
  stream: EventStream
  room: Room
  catchUp: CatchUpQueue
  speech: DoorSpeech
  /** The status waits so long for the first output or a failure; then silence is better spoken into. */
  headMs: number
  now: () => number
}

/** What is sent last, and what follows when the reader has taken it. */
interface Last {
  text: string
  taken: () => void
}

/**
 * One streamed answer at the door, made from the document's changes behind the
 * log. Live, it sends each as it comes; behind, it sends nothing until its
 * reader has drained, and then what that lacks.
 */
export class DoorStream implements ChangeObserver {
  readonly #options: DoorStreamOptions
  readonly #encoder: AnswerEncoder
  readonly #openedAt: number
  #isOpen = false
  #state: 'behind' | 'in line' | 'live' | 'over' = 'behind'

  /** To be made while nothing is appending. */
  constructor(options: DoorStreamOptions) {
    const { room, stream, speech, now } = options
    this.#options = options
    this.#encoder = speech.encoder(readMessage(room.doc))
    this.#openedAt = now()
    stream.outbox.onLag = () => {
      if (this.#state === 'live') this.#state = 'behind'
    }
    stream.outbox.onDrain = () => this.#catchUp()
    room.audience.observers.add(this)
    this.#catchUp()
  }

  shown(changes: readonly MessageChange[]): void {
    if (this.#state === 'over') return
    if (this.#state !== 'live') return this.#encoder.skip(changes)
    const text = this.#encoder.changes(changes)
    const { room, stream } = this.#options
    if (room.ended) this.#sendLast(this.#ending(text, readMessage(room.doc)))
    else if (text !== '') stream.outbox.send(eventFrames(this.#head() + text))
  }

  moved(): void {
    if (this.#state !== 'live') return
    this.#state = 'behind'
    this.#catchUp()
  }

  lost(error: Failure): void {
    this.fail(error)
  }

  /** Ends it before its time, and so that nobody takes it for whole. Idempotent. */
  fail(failure: Failure): void {
    if (this.#state !== 'over') this.#sendLast(this.#failing(failure, ''))
  }

  sweep(): void {
    const { stream, now, headMs } = this.#options
    if (!this.#isOpen && this.#state !== 'over' && now() - this.#openedAt >= headMs)
      stream.outbox.send(eventFrames(this.#head()))
    if (this.#isOpen) stream.sweep()
  }

  /** Its connection is gone. */
  close(): void {
    this.#leave()
    this.#options.stream.outbox.close()
  }

  #leave(): void {
    this.#state = 'over'
    this.#options.room.audience.observers.delete(this)
  }

  #catchUp(): void {
    const { stream, catchUp } = this.#options
    if (this.#state !== 'behind' || stream.outbox.lagging) return
    this.#state = 'in line'
    let taken = () => {}
    catchUp.enter({
      prepare: (ready) => {
        const { room } = this.#options
        if (this.#state !== 'in line') return ready(null)
        if (room.appending) {
          this.#state = 'behind'
          room.whenSettled(() => this.#catchUp())
          return ready(null)
        }
        this.#state = 'live'
        const message = readMessage(room.doc)
        const text = this.#encoder.difference(message)
        if (!room.ended) return ready(text === '' ? null : newDifference(this.#head() + text))
        const last = this.#ending(text, message)
        if (last) taken = last.taken
        ready(last && newDifference(last.text))
      },
      send: ({ frames }, release) =>
        stream.outbox.sendTracked(frames, () => {
          release()
          taken()
        }),
      fail: (error) => {
        this.#options.room.onFault(error)
        this.fail(ownFault(error))
      },
    })
  }

  #ending(text: string, message: Message): Last | null {
    const { stream } = this.#options
    const rest = text + this.#encoder.difference(message, true)
    const outcome = outcomeOf(message)
    if ('failure' in outcome) return this.#failing(outcome.failure, rest)
    this.#leave()
    return { text: this.#head() + rest + this.#encoder.end(message, outcome.finishReason), taken: () => stream.end() }
  }

  /** A broken end; null where the status could still say it. */
  #failing(failure: Failure, rest: string): Last | null {
    const { response, speech, stream } = this.#options
    this.#leave()
    if (!this.#isOpen && rest === '') {
      speech.refuse(response, failure)
      return null
    }
    return { text: this.#head() + rest + this.#encoder.failure(failure), taken: () => stream.breakOff() }
  }

  #sendLast(last: Last | null): void {
    if (last) this.#options.stream.outbox.sendTracked(eventFrames(last.text), last.taken)
  }

  /** The status goes out with the first words. */
  #head(): string {
    if (this.#isOpen) return ''
    this.#isOpen = true
    this.#options.stream.writeHead()
    return this.#encoder.begin()
  }
}
