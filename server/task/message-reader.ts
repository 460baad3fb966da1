import { isRunnelError, RunnelError } from '../../shared/errors.ts'
import { isTerminal, type Message } from '../../shared/schema.ts'
import { noPatience, type Patience } from '../waiting/patience.ts'
import { refreshed } from '../room/refreshed.ts'
import type { Rooms } from '../room/rooms.ts'
import type { MessageRow, SaidMessage, Store } from '../store/store.ts'

/** The canonical JSON of any message, mid-stream too: what the log has, never more. */
export class MessageReader {
  readonly #rooms: Rooms
  readonly #store: Pick<Store, 'getJson'>
  readonly #patience: Patience

  constructor(rooms: Rooms, store: Pick<Store, 'getJson'>, patience = noPatience) {
    this.#rooms = rooms
    this.#store = store
    this.#patience = patience
  }

  /** Throws `not_found` if the message went in between, `store_unavailable`. */
  async read(row: MessageRow | SaidMessage): Promise<Message> {
    const message = await this.find(row)
    if (!message) throw new RunnelError('not_found', 'There is no such message.')
    return message
  }

  /** As `read`; null if the message went in between. */
  async find(row: MessageRow | SaidMessage): Promise<Message | null> {
    const json = 'json' in row ? row.json : await this.finished(row)
    if (json) return json
    const room = await this.#patience.keep(() => this.#rooms.open(row.id))
    if (!room) return null
    try {
      await refreshed(this.#rooms, room)
      return (await room.read()) as Message
    } catch (error) {
      if (isRunnelError(error) && error.code === 'not_found') return null
      throw error
    } finally {
      this.#rooms.unpin(room)
    }
  }

  /** Of one that has ended, and has not been continued since. */
  async finished({ id, status }: MessageRow): Promise<Message | null> {
    return isTerminal(status) ? await this.#store.getJson(id) : null
  }
}
