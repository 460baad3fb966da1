import type { ServerResponse } from 'node:http'
import { RunnelError } from '../../shared/errors.ts'
import { encodeEvent } from '../../shared/events.ts'
import { isTerminal, readMessageFields, type Message, type MessageFields } from '../../shared/schema.ts'
import type { Access } from '../auth/access.ts'
import type { ClientAddresses } from '../auth/addresses.ts'
import type { Admission } from '../auth/admission.ts'
import type { Identity } from '../auth/auth.ts'
import type { Watch } from '../auth/watch.ts'
import type { CatchUpQueue } from '../room/catchup.ts'
import type { Room } from '../room/room.ts'
import type { Rooms } from '../room/rooms.ts'
import type { MessageRow } from '../store/store.ts'
import { encodeEnd, EventFeed, type EventMode } from './event-feed.ts'
import { newDifference } from './event-frames.ts'
import { endMark, readEventId } from './event-id.ts'
import { EventReader } from './event-reader.ts'
import { EventStream, type EventStreamLimits } from './event-stream.ts'

export interface EventStreamsOptions {
  access: Access
  addresses: ClientAddresses
  admission: Admission
  rooms: Rooms
  /** Reads the JSON of a message that has one by now. */
  messages: { finished(row: MessageRow): Promise<Message | null> }
  catchUp: CatchUpQueue
  limits: EventStreamLimits
  now: () => number
}

/** All event streams of this process. */
export class EventStreams {
  readonly #options: EventStreamsOptions
  readonly #streams = new Set<EventStream>()
  #closed = false

  constructor(options: EventStreamsOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#streams.size
  }

  get outboxBytes(): number {
    let bytes = 0
    for (const { outbox } of this.#streams) bytes += outbox.bytes
    return bytes
  }

  /**
   * Answers with the events of a message that this caller may read. 204 to one
   * who has seen its end already. Throws `not_found`, `rate_limited`,
   * `store_unavailable`, `restarting`.
   */
  async open(
    response: ServerResponse,
    identity: Identity,
    row: MessageRow,
    mode: EventMode,
    lastEventId: string | undefined,
  ): Promise<void> {
    const { end, position } = readEventId(lastEventId)
    const json = end !== null || row.role === 'user' ? await this.#options.messages.finished(row) : null
    if (end !== null && json && endMark(json) === end) return void response.writeHead(204).end()
    if (this.#closed) throw new RunnelError('restarting', 'The server is going down; try again in a moment.')
    // Nobody is there any more to whom it could be said: 'close' would not come again.
    if (response.destroyed) return
    // Also for what is refused below: the place is free when the answer has ended, however it ends.
    response.once('close', this.#options.admission.admitStream(identity, this.#options.addresses.keyOf(response.req)))
    const watch = await this.#options.access.watchMessage(identity, row.id)
    response.once('close', () => watch.close())
    if (response.destroyed) return watch.close()
    if (row.role === 'user' && json) return this.#openRow(response, identity, json, watch)
    const room = await this.#options.rooms.open(row.id)
    if (!room) throw new RunnelError('not_found', 'There is no such message.')
    try {
      // Behind the `await` the next append may be in flight.
      do await new Promise<void>((settled) => room.whenSettled(settled))
      while (room.appending)
      if (room.lost)
        throw new RunnelError('store_unavailable', 'This document could not be written; try again in a moment.')
      if (this.#closed) throw new RunnelError('restarting', 'The server is going down; try again in a moment.')
      if (end !== null && endsWith(readMessageFields(room.doc), end)) {
        this.#options.rooms.unpin(room)
        return void response.writeHead(204).end()
      }
      if (response.destroyed) return this.#options.rooms.unpin(room)
      if (watch.lost) throw watch.lost
    } catch (error) {
      this.#options.rooms.unpin(room)
      throw error
    }
    this.#openRoom(response, identity, watch, room, mode, position ? lastEventId! : null)
  }

  /** Once a second or so: ends what has expired or stalled, speaks where it was silent. One pass for all. */
  sweep(): void {
    for (const stream of this.#streams) stream.sweep()
  }

  /** Ends all; EventSources come back by themselves. */
  close(): void {
    this.#closed = true
    for (const stream of this.#streams) stream.end()
  }

  #openRoom(
    response: ServerResponse,
    identity: Identity,
    watch: Watch,
    room: Room,
    mode: EventMode,
    since: string | null,
  ): void {
    const { rooms, catchUp, now } = this.#options
    const stream = this.#add(response, identity, watch, () => {
      reader.close()
      rooms.unpin(room)
    })
    const reader = EventFeed.join(
      room,
      now,
      (feed) => new EventReader({ feed, mode, since, catchUp, now, outbox: stream.outbox, onOver: () => stream.end() }),
    )
    reader.begin()
  }

  /** A user's message has no document: it is as it is. */
  #openRow(response: ServerResponse, identity: Identity, message: Message, watch: Watch): void {
    const stream = this.#add(response, identity, watch, () => stream.outbox.close())
    this.#options.catchUp.enter({
      prepare: (ready) =>
        ready(
          stream.ending ? null : newDifference(encodeEvent({ type: 'snapshot', message }, '') + encodeEnd(message, '')),
        ),
      send: (difference, release) =>
        stream.outbox.sendTracked(difference.frames, () => {
          release()
          stream.end()
        }),
      fail: () => stream.end(),
    })
  }

  #add(response: ServerResponse, identity: Identity, watch: Watch, onClosed: () => void): EventStream {
    const { limits, now } = this.#options
    const stream = new EventStream({
      response,
      identity,
      limits,
      now,
      onClosed: () => {
        this.#streams.delete(stream)
        onClosed()
      },
    })
    this.#streams.add(stream)
    stream.open()
    watch.listen({ lost: () => stream.end() })
    return stream
  }
}

function endsWith(fields: MessageFields, end: string): boolean {
  return isTerminal(fields.status) && endMark(fields) === end
}
