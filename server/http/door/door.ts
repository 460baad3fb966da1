import type { Response } from 'express'
import { RunnelError } from '../../../shared/errors.ts'
import type { Message } from '../../../shared/schema.ts'
import type { Access } from '../../auth/access.ts'
import type { Identity } from '../../auth/auth.ts'
import { EventStream, type EventStreamLimits } from '../../events/event-stream.ts'
import type { CatchUpQueue } from '../../room/catchup.ts'
import type { Room } from '../../room/room.ts'
import type { Rooms } from '../../room/rooms.ts'
import type { Store } from '../../store/store.ts'
import type { Started } from '../../task/start.ts'
import type { Tasks } from '../../task/tasks.ts'
import { sendJson } from '../send-json.ts'
import { DoorStream } from './door-stream.ts'
import { outcomeOf } from './outcome.ts'
import type { DoorSpeech } from './speech.ts'

export interface DoorOptions {
  access: Access
  tasks: Tasks
  store: Store
  rooms: Rooms
  catchUp: CatchUpQueue
  limits: EventStreamLimits
  now: () => number
  onError: (error: unknown, context: { messageId: string }) => void
}

interface Open {
  answer: DoorStream
  outboxBytes: () => number
}

interface Callers {
  messageId: string
  count: number
  /** One of them said that no hang-up stops the run; that counts as long as it lives here. */
  isDetached: boolean
}

/** Who waits at the door for answers: streams, and what a hang-up means. */
export class Door {
  readonly #options: DoorOptions
  readonly #streams = new Set<Open>()
  /** Who waits for a run here, by its task. */
  readonly #callers = new Map<string, Callers>()

  constructor(options: DoorOptions) {
    this.#options = options
  }

  get outboxBytes(): number {
    let bytes = 0
    for (const { outboxBytes } of this.#streams) bytes += outboxBytes()
    return bytes
  }

  /** The run is stopped when this caller hangs up, and no other one waits for it or is `detached`. */
  stopsWith(response: Response, { user }: Identity, { taskId, messageId }: Started, detached: boolean): void {
    const { tasks, store, onError } = this.#options
    const callers = this.#callers.get(taskId) ?? { messageId, count: 0, isDetached: false }
    this.#callers.set(taskId, callers)
    callers.count += 1
    callers.isDetached ||= detached
    const left = async () => {
      callers.count -= 1
      if (callers.count > 0 || callers.isDetached) return
      this.#callers.delete(taskId)
      if (response.writableFinished) return
      const row = await store.getRow(messageId)
      if (row?.taskId === taskId) await tasks.stop(row, user)
    }
    const hungUp = () => void left().catch((error: unknown) => onError(error, { messageId }))
    if (response.destroyed) hungUp()
    else response.once('close', hungUp)
  }

  /** The message once it has ended, wherever its run is. */
  async #ended({ messageId }: Started): Promise<Message> {
    const room = await this.#open(messageId)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const look = () => {
      if (room.ended) resolve()
    }
    const observer = { shown: look, moved: look, lost: reject }
    room.audience.observers.add(observer)
    try {
      look()
      await promise
      return (await room.read()) as Message
    } finally {
      room.audience.observers.delete(observer)
      this.#options.rooms.unpin(room)
    }
  }

  /** Answers with a message in one piece, when it has ended. Throws `not_found`, `store_unavailable`. */
  async whole(response: Response, identity: Identity, started: Started, speech: DoorSpeech): Promise<void> {
    const message = await this.#ended(started)
    if (response.destroyed) return
    // Much may have happened since it was asked.
    await this.#options.access.message(identity, started.messageId)
    const outcome = outcomeOf(message)
    if ('failure' in outcome) speech.refuse(response, outcome.failure)
    else await sendJson(response, speech.whole(message, outcome.finishReason))
  }

  /** Answers with a message as it grows. Throws `not_found`, `store_unavailable`. */
  async stream(response: Response, identity: Identity, started: Started, speech: DoorSpeech): Promise<void> {
    const { rooms, limits, catchUp, now } = this.#options
    const watch = await this.#options.access.watchMessage(identity, started.messageId)
    response.once('close', () => watch.close())
    if (response.destroyed) return watch.close()
    const room = await this.#open(started.messageId)
    if (response.destroyed || watch.lost) rooms.unpin(room)
    if (watch.lost) throw watch.lost
    if (response.destroyed) return
    // A request is judged when it is made: its token may expire while it is answered.
    const stream = new EventStream({
      response,
      identity: { ...identity, expiresAt: null },
      limits,
      now,
      onClosed: () => {
        this.#streams.delete(open)
        open.answer.close()
        rooms.unpin(room)
      },
    })
    const answer = new DoorStream({ response, stream, room, catchUp, speech, now, headMs: limits.commentMs })
    const open = { answer, outboxBytes: () => stream.outbox.bytes }
    this.#streams.add(open)
    watch.listen({ lost: (error) => answer.fail(error) })
  }

  /** Once a second or so. */
  sweep(): void {
    for (const { answer } of this.#streams) answer.sweep()
    for (const [taskId, { messageId, count }] of this.#callers)
      if (count === 0 && this.#options.tasks.ofMessage(messageId)?.taskId !== taskId) this.#callers.delete(taskId)
  }

  /** The room of a message, pinned, with nothing appending. */
  async #open(messageId: string): Promise<Room> {
    const { rooms } = this.#options
    const room = await rooms.open(messageId)
    if (!room) throw new RunnelError('not_found', 'The message has been deleted.')
    await new Promise<void>((settled) => room.whenSettled(settled))
    if (!room.lost) return room
    rooms.unpin(room)
    throw room.lost
  }
}
