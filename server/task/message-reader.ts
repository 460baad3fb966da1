import { RunnelError } from '../../shared/errors.ts'
import type { Message } from '../../shared/schema.ts'
import type { Rooms } from '../room/rooms.ts'
import type { MessageRow } from '../store/store.ts'

/** The canonical JSON of any message, mid-stream too: what the log has, never more. */
export class MessageReader {
  readonly #rooms: Rooms

  constructor(rooms: Rooms) {
    this.#rooms = rooms
  }

  /** Throws `not_found` if the document went in between, `store_unavailable`. */
  async read(row: MessageRow): Promise<Message> {
    if (row.json) return row.json
    const room = await this.#rooms.open(row.id)
    if (!room) throw new RunnelError('not_found', 'There is no such message.')
    try {
      return (await room.read()) as Message
    } finally {
      this.#rooms.unpin(room)
    }
  }
}
